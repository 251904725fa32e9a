// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/client_assertion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/auth_testing.h"
#include "auth/azure/certificate_testing.h"
#include "auth/settable_clock_testing.h"
#include "base/encoding.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string from_base64url(std::string text) {
  EXPECT_EQ(text.find_first_of("+/="), std::string::npos) << text;
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text += '=';
  const auto bytes = base::from_base64(text);
  EXPECT_TRUE(bytes.has_value());
  return bytes ? std::string(bytes->begin(), bytes->end()) : std::string();
}

struct Jwt {
  explicit Jwt(const std::string& text) {
    const auto first = text.find('.');
    const auto second = text.find('.', first + 1);
    signed_text = text.substr(0, second);
    header = json::parse(from_base64url(text.substr(0, first)));
    payload = json::parse(from_base64url(text.substr(first + 1, second - first - 1)));
    signature = from_base64url(text.substr(second + 1));
  }
  std::string signed_text;
  json header;
  json payload;
  std::string signature;
};

const AssertionClaims kClaims = {"https://login.example/t/oauth2/v2.0/token", "client",
                                 "unique", SettableClock::kStart};

Error refusal_of(const std::string& pem, const std::string& password = {}) {
  const Error error =
      error_of([&] { sign_client_assertion({pem, password, "/x/cert.pem"}, kClaims); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("/x/cert.pem"), Not(HasSubstr("BEGIN"))));
  return error;
}

TEST(ClientAssertion, IsAJwtThatTheCertificateVerifies) {
  const TestCertificate certificate;
  const Jwt jwt(sign_client_assertion(
      {certificate.key_pem() + certificate.certificate_pem(), {}, "x"}, kClaims));
  EXPECT_TRUE(certificate.verifies(jwt.signed_text, jwt.signature));
  EXPECT_EQ(jwt.header.at("alg"), "RS256");
  EXPECT_EQ(jwt.header.at("typ"), "JWT");
  EXPECT_EQ(from_base64url(jwt.header.at("x5t#S256")),
            certificate.thumbprint(EVP_sha256()));
  EXPECT_EQ(from_base64url(jwt.header.at("x5t")), certificate.thumbprint(EVP_sha1()));
  const std::int64_t now = SettableClock::kStart / SettableClock::kSecond;
  EXPECT_EQ(jwt.payload, json({{"aud", kClaims.audience},
                               {"iss", "client"},
                               {"sub", "client"},
                               {"jti", "unique"},
                               {"nbf", now},
                               {"iat", now},
                               {"exp", now + 600}}));
}

TEST(ClientAssertion, FindsTheKeysCertificateInAChain) {
  const TestCertificate own;
  const TestCertificate issuer;
  const Jwt jwt(sign_client_assertion(
      {issuer.certificate_pem() + own.key_pem() + own.certificate_pem(), {}, "x"},
      kClaims));
  EXPECT_EQ(from_base64url(jwt.header.at("x5t#S256")), own.thumbprint(EVP_sha256()));
}

TEST(ClientAssertion, OpensAnEncryptedKey) {
  const TestCertificate own;
  const std::string pem = own.key_pem("open sesame") + own.certificate_pem();
  const Jwt jwt(sign_client_assertion({pem, "open sesame", "x"}, kClaims));
  EXPECT_TRUE(own.verifies(jwt.signed_text, jwt.signature));
  EXPECT_THAT(refusal_of(pem).what(), HasSubstr("AZURE_CLIENT_CERTIFICATE_PASSWORD"));
  EXPECT_THAT(refusal_of(pem, "wrong").what(),
              AllOf(HasSubstr("AZURE_CLIENT_CERTIFICATE_PASSWORD opens"),
                    Not(HasSubstr("wrong"))));
}

TEST(ClientAssertion, SaysWhatTheFileLacks) {
  const TestCertificate own;
  const TestCertificate other;
  const TestCertificate curve(false);
  EXPECT_THAT(refusal_of("\x30\x82 a PKCS#12 file").what(), HasSubstr("openssl pkcs12"));
  EXPECT_THAT(refusal_of(own.certificate_pem()).what(), HasSubstr("no private key"));
  EXPECT_THAT(refusal_of(own.key_pem()).what(), HasSubstr("no certificate"));
  EXPECT_THAT(refusal_of(own.key_pem() + other.certificate_pem()).what(),
              HasSubstr("do not belong together"));
  EXPECT_THAT(refusal_of(curve.key_pem() + curve.certificate_pem()).what(),
              HasSubstr("not RSA"));
  std::string broken = own.key_pem();
  broken.replace(100, 4, "****");
  refusal_of(broken + own.certificate_pem());
}

}  // namespace
}  // namespace cloudsync::auth
