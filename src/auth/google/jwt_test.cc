// SPDX-License-Identifier: Apache-2.0
#include "auth/google/jwt.h"

#include "auth/google/google_auth_testing.h"

#include <openssl/err.h>

namespace cloudsync::auth::google {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

JwtClaims claims() {
  JwtClaims out;
  out.key_id = "kid-1";
  out.issuer = "sa@p";
  out.audience = "https://aud";
  out.scope = "scope-1";
  out.issued_at = 100;
  out.expires_at = 3700;
  return out;
}

Error refusal(const std::string& pem) {
  return error_of([&] { sign_rs256_jwt(pem, claims()); });
}

std::string public_pem() {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, test_key());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

TEST(JwtTest, HeaderClaimsAndSignatureAreThoseOfRs256) {
  const auto jwt = decode_jwt(sign_rs256_jwt(pem_of(test_key()), claims()), test_key());
  EXPECT_EQ(jwt.header, (json{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "kid-1"}}));
  EXPECT_EQ(jwt.claims, (json{{"iss", "sa@p"},
                              {"aud", "https://aud"},
                              {"scope", "scope-1"},
                              {"iat", 100},
                              {"exp", 3700}}));
  EXPECT_TRUE(jwt.signature_is_good);
}

TEST(JwtTest, AnotherKeyDoesNotVerify) {
  const TestKey other(EVP_RSA_gen(2048));
  EXPECT_FALSE(decode_jwt(sign_rs256_jwt(pem_of(test_key()), claims()), other.get())
                   .signature_is_good);
}

TEST(JwtTest, CompactFormHasNoPaddingAndOnlyUrlSafeCharacters) {
  JwtClaims odd = claims();
  for (int i = 0; i < 8; ++i) {
    odd.issuer += "\xC3\xBF?>";
    EXPECT_EQ(
        sign_rs256_jwt(pem_of(test_key()), odd)
            .find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                               "0123456789-_."),
        std::string::npos);
  }
}

TEST(JwtTest, EllipticKeyIsRefusedByName) {
  const TestKey key(EVP_EC_gen("P-256"));
  const Error error = refusal(pem_of(key.get()));
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("id-ecPublicKey where Google's service accounts"));
}

// Would ask for the phrase on the terminal otherwise.
TEST(JwtTest, EncryptedKeyIsRefusedWithoutAsking) {
  EXPECT_THAT(refusal(pem_of(test_key(), EVP_aes_256_cbc())).what(),
              HasSubstr("is encrypted"));
}

TEST(JwtTest, WhatIsNoPrivateKeyIsRefusedSayingWhy) {
  EXPECT_THAT(refusal("").what(), HasSubstr("no PEM text"));
  EXPECT_THAT(refusal("secret").what(), HasSubstr("no PEM text"));
  EXPECT_THAT(refusal("secret").what(), Not(HasSubstr("secret")));
  EXPECT_THAT(refusal(public_pem()).what(), HasSubstr("no valid private key"));
  std::string flat = pem_of(test_key());
  std::erase(flat, '\n');
  EXPECT_THAT(refusal(flat).what(), HasSubstr("line ends are lost"));
  std::string cut = pem_of(test_key());
  cut.resize(cut.size() / 2);
  EXPECT_THAT(refusal(cut).what(), HasSubstr("no valid private key"));
}

TEST(JwtTest, RefusedKeyLeavesNoOpensslErrorForTheNextTlsCall) {
  refusal("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace cloudsync::auth::google
