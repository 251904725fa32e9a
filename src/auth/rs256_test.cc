// SPDX-License-Identifier: Apache-2.0
#include "auth/rs256.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/log.h"

namespace cloudsync::auth {
namespace {

std::string pem_of(EVP_PKEY* key, std::string password = {}) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, key, password.empty() ? nullptr : EVP_aes_256_cbc(),
                                password.empty() ? nullptr : password.data(),
                                static_cast<int>(password.size()), nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

// Making one takes a while.
const PrivateKey& test_key() {
  static const PrivateKey key(EVP_RSA_gen(2048));
  return key;
}

TEST(Rs256, ReadsAKeyWithItsPasswordOnly) {
  const std::string pem = pem_of(test_key().get(), "open sesame");
  EXPECT_TRUE(read_private_key(pem, "open sesame"));
  EXPECT_FALSE(read_private_key(pem, "wrong"));
  EXPECT_FALSE(read_private_key(pem, ""));
  EXPECT_FALSE(read_private_key("no PEM", ""));
  EXPECT_EQ(ERR_peek_error(), 0U) << "a TLS call would take it for its own";
}

TEST(Rs256, TellsRsaFromOthers) {
  EXPECT_TRUE(is_rsa(read_private_key(pem_of(test_key().get()), "")));
  EXPECT_FALSE(is_rsa(PrivateKey(EVP_EC_gen("P-256"))));
}

TEST(Rs256, Base64urlHasNoPaddingAndNoUnsafeCharacters) {
  EXPECT_EQ(to_base64url(std::vector<std::uint8_t>{0xFB, 0xFF, 0xFE, 0x01}), "-__-AQ");
  EXPECT_EQ(to_base64url(std::vector<std::uint8_t>{}), "");
}

TEST(Rs256, ATokenHasThreePartsAndNeverReachesAMessage) {
  const std::string token =
      sign_jwt(test_key(), {{"alg", "RS256"}}, {{"iss", "x"}, {"iat", 1}});
  EXPECT_THAT(token, ::testing::MatchesRegex(
                         "eyJhbGciOiJSUzI1NiJ9\\.eyJpYXQiOjEsImlzcyI6IngifQ\\."
                         "[A-Za-z0-9_-]{342}"));
  EXPECT_EQ(base::redacted("bad " + token), "bad ***");
}

}  // namespace
}  // namespace cloudsync::auth
