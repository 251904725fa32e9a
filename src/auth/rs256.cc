// SPDX-License-Identifier: Apache-2.0
#include "auth/rs256.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct FreeDigest {
  void operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }
};

// Without a callback OpenSSL would ask on the terminal.
int give_password(char* out, int size, int /*for_writing*/, void* user) {
  const auto& password = *static_cast<const std::string*>(user);
  const auto room = static_cast<std::size_t>(std::max(size, 0));
  if (password.empty() || password.size() > room) return -1;
  std::memcpy(out, password.data(), password.size());
  return static_cast<int>(password.size());
}

std::string encoded(const json& document) {
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  return to_base64url(
      std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kUnauthenticated, "the private key cannot be used to sign");
}

std::string signature_of(EVP_PKEY* key, std::string_view text) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (!digest ||
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) != 1) {
    refuse();
  }
  std::vector<std::uint8_t> out(size);
  if (EVP_DigestSign(digest.get(), out.data(), &size, bytes, text.size()) != 1) refuse();
  return to_base64url(std::span(out).first(size));
}

}  // namespace

void FreePrivateKey::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

CleanErrorQueue::CleanErrorQueue() { ERR_clear_error(); }
CleanErrorQueue::~CleanErrorQueue() { ERR_clear_error(); }

PrivateKey read_private_key(const std::string& pem, const std::string& password) {
  const CleanErrorQueue errors;
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return {};
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) throw Error(ErrorCode::kInternal, "OpenSSL has no memory left");
  std::string copy = password;
  return PrivateKey(PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_password, &copy));
}

bool is_rsa(const PrivateKey& key) {
  return EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA;
}

std::string to_base64url(std::span<const std::uint8_t> bytes) {
  std::string text = base::to_base64(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string sign_jwt(const PrivateKey& rsa_key, const json& header, const json& claims) {
  const CleanErrorQueue errors;
  std::string text = encoded(header) + "." + encoded(claims);
  text += "." + signature_of(rsa_key.get(), text);
  base::redact_secret(text);
  return text;
}

}  // namespace cloudsync::auth
