// SPDX-License-Identifier: Apache-2.0
#include "auth/google/jwt.h"

#include "base/encoding.h"
#include "cloudsync/error.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

// OpenSSL keeps errors per thread; one left behind would be taken for a failure of the
// next TLS call on it.
struct CleanErrorQueue {
  CleanErrorQueue() { ERR_clear_error(); }
  ~CleanErrorQueue() { ERR_clear_error(); }
  CleanErrorQueue(const CleanErrorQueue&) = delete;
  CleanErrorQueue& operator=(const CleanErrorQueue&) = delete;
};

constexpr char kGetNewKey[] =
    "; create a new JSON key for the service account and use that file";

[[noreturn]] void refuse_key(const std::string& reason) {
  throw Error(ErrorCode::kUnauthenticated, "the private key " + reason + kGetNewKey);
}

// Without it OpenSSL asks for a pass phrase on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

std::string why_unreadable(const std::string& pem) {
  if (pem.find("ENCRYPTED") != std::string::npos) return "is encrypted";
  if (pem.find("-----BEGIN") == std::string::npos) return "is no PEM text";
  if (pem.find('\n') == std::string::npos) {
    return "is no valid PEM text: its line ends are lost";
  }
  return "is no valid private key in PKCS#8 PEM";
}

Key read_key(const std::string& pem) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    refuse_key("is too long");
  }
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) throw Error(ErrorCode::kInternal, "OpenSSL has no memory left");
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!key) refuse_key(why_unreadable(pem));
  const int type = EVP_PKEY_base_id(key.get());
  if (type != EVP_PKEY_RSA) {
    const char* name = OBJ_nid2sn(type);
    refuse_key("is of type " + std::string(name == nullptr ? "unknown" : name) +
               " where Google's service accounts have RSA");
  }
  return key;
}

std::string to_base64url(std::span<const std::uint8_t> bytes) {
  std::string text = base::to_base64(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string encoded(const json& document) {
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  const auto bytes = std::as_bytes(std::span(text));
  return to_base64url(
      std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

std::string signature_of(EVP_PKEY* key, std::string_view text) {
  const Digest digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (!digest ||
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) != 1) {
    refuse_key("cannot be used to sign");
  }
  std::vector<std::uint8_t> out(size);
  if (EVP_DigestSign(digest.get(), out.data(), &size, bytes, text.size()) != 1) {
    refuse_key("cannot be used to sign");
  }
  out.resize(size);
  return to_base64url(out);
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
  const CleanErrorQueue errors;
  const Key key = read_key(private_key_pem);
  std::string text = encoded(header_of(claims)) + "." + encoded(payload_of(claims));
  const std::string signature = signature_of(key.get(), text);
  return text + "." + signature;
}

}  // namespace cloudsync::auth::google
