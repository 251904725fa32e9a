// SPDX-License-Identifier: Apache-2.0
#include "auth/google/jwt.h"

#include "auth/rs256.h"
#include "cloudsync/error.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <nlohmann/json.hpp>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;

constexpr char kGetNewKey[] =
    "; create a new JSON key for the service account and use that file";

[[noreturn]] void refuse_key(const std::string& reason) {
  throw Error(ErrorCode::kUnauthenticated, "the private key " + reason + kGetNewKey);
}

std::string why_unreadable(const std::string& pem) {
  if (pem.find("ENCRYPTED") != std::string::npos) return "is encrypted";
  if (pem.find("-----BEGIN") == std::string::npos) return "is no PEM text";
  if (pem.find('\n') == std::string::npos) {
    return "is no valid PEM text: its line ends are lost";
  }
  return "is no valid private key in PKCS#8 PEM";
}

PrivateKey read_key(const std::string& pem) {
  PrivateKey key = read_private_key(pem, {});
  if (!key) refuse_key(why_unreadable(pem));
  if (is_rsa(key)) return key;
  const char* name = OBJ_nid2sn(EVP_PKEY_get_base_id(key.get()));
  refuse_key("is of type " + std::string(name == nullptr ? "unknown" : name) +
             " where Google's service accounts have RSA");
}

json header_of(const JwtClaims& claims) {
  json header = {{"alg", "RS256"}, {"typ", "JWT"}};
  if (!claims.key_id.empty()) header["kid"] = claims.key_id;
  return header;
}

json payload_of(const JwtClaims& claims) {
  json payload = {
      {"iss", claims.issuer}, {"iat", claims.issued_at}, {"exp", claims.expires_at}};
  if (!claims.subject.empty()) payload["sub"] = claims.subject;
  if (!claims.audience.empty()) payload["aud"] = claims.audience;
  if (!claims.scope.empty()) payload["scope"] = claims.scope;
  return payload;
}

}  // namespace

std::string sign_rs256_jwt(const std::string& private_key_pem, const JwtClaims& claims) {
  return sign_jwt(read_key(private_key_pem), header_of(claims), payload_of(claims));
}

}  // namespace cloudsync::auth::google
