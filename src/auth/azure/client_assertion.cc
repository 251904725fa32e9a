// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/client_assertion.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLifeSeconds = 600;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Signer = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

[[noreturn]] void fail(const CertificateText& text, const std::string& reason) {
  ERR_clear_error();
  throw Error(ErrorCode::kInvalidArgument,
              "the client certificate " + text.origin + " " + reason);
}

[[noreturn]] void fail_signing() {
  ERR_clear_error();
  throw Error(ErrorCode::kInternal, "the client assertion could not be signed");
}

Bio open_text(const std::string& text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
  if (!bio) fail_signing();
  return bio;
}

// Without a callback OpenSSL would ask on the terminal.
int give_password(char* out, int size, int /*for_writing*/, void* user) {
  const auto& password = *static_cast<const std::string*>(user);
  const auto room = static_cast<std::size_t>(std::max(size, 0));
  if (password.empty() || password.size() > room) return -1;
  std::memcpy(out, password.data(), password.size());
  return static_cast<int>(password.size());
}

Key read_key(const CertificateText& text) {
  if (text.pem.find("-----BEGIN") == std::string::npos) {
    fail(text,
         "is no PEM file; a PKCS#12 file is made one by: openssl pkcs12 -in FILE -out "
         "FILE.pem -nodes");
  }
  const Bio bio = open_text(text.pem);
  std::string password = text.password;
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_password, &password),
          &EVP_PKEY_free);
  if (!key) {
    fail(text, text.password.empty()
                   ? "holds no private key that can be read; an encrypted one needs "
                     "AZURE_CLIENT_CERTIFICATE_PASSWORD"
                   : "holds no private key that AZURE_CLIENT_CERTIFICATE_PASSWORD opens");
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    fail(text, "has a key that is not RSA; Microsoft Entra ID takes only RSA here");
  }
  return key;
}

// A chain may be in the file too, in any order: the one that belongs to the key.
Certificate read_certificate(const CertificateText& text, EVP_PKEY* key) {
  const Bio bio = open_text(text.pem);
  bool seen = false;
  for (;;) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
    if (!next) break;
    seen = true;
    if (X509_check_private_key(next.get(), key) == 1) return next;
  }
  fail(text, seen ? "holds a certificate and a private key that do not belong together"
                  : "holds a private key but no certificate; both must be in one file");
}

std::string base64url(std::span<const std::uint8_t> bytes) {
  std::string out = base::to_base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

std::string encoded(const json& document) {
  const std::string text =
      document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return base64url(
      std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string thumbprint(const X509& certificate, const EVP_MD* digest) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (X509_digest(&certificate, digest, bytes.data(), &size) != 1) fail_signing();
  return base64url(std::span(bytes).first(size));
}

std::string rs256(const std::string& text, EVP_PKEY* key) {
  const Signer signer(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!signer ||
      EVP_DigestSignInit(signer.get(), nullptr, EVP_sha256(), nullptr, key) != 1) {
    fail_signing();
  }
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (EVP_DigestSign(signer.get(), nullptr, &size, data, text.size()) != 1) {
    fail_signing();
  }
  std::vector<std::uint8_t> signature(size);
  if (EVP_DigestSign(signer.get(), signature.data(), &size, data, text.size()) != 1) {
    fail_signing();
  }
  return base64url(std::span(signature).first(size));
}

}  // namespace

std::string sign_client_assertion(const CertificateText& certificate,
                                  const AssertionClaims& claims) {
  const Key key = read_key(certificate);
  const Certificate own = read_certificate(certificate, key.get());
  const std::int64_t now = claims.now_ns / kSecond;
  const json header = {{"alg", "RS256"},
                       {"typ", "JWT"},
                       {"x5t", thumbprint(*own, EVP_sha1())},
                       {"x5t#S256", thumbprint(*own, EVP_sha256())}};
  const json payload = {{"aud", claims.audience},
                        {"iss", claims.client_id},
                        {"sub", claims.client_id},
                        {"jti", claims.id},
                        {"nbf", now},
                        {"iat", now},
                        {"exp", now + kLifeSeconds}};
  const std::string text = encoded(header) + "." + encoded(payload);
  return text + "." + rs256(text, key.get());
}

}  // namespace cloudsync::auth
