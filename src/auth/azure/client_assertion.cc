// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/client_assertion.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "auth/rs256.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLifeSeconds = 600;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

[[noreturn]] void fail(const CertificateText& text, const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument,
              "the client certificate " + text.origin + " " + reason);
}

[[noreturn]] void fail_signing() {
  throw Error(ErrorCode::kInternal, "the client assertion could not be signed");
}

Bio open_text(const std::string& text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
  if (!bio) fail_signing();
  return bio;
}

PrivateKey read_key(const CertificateText& text) {
  if (text.pem.find("-----BEGIN") == std::string::npos) {
    fail(text,
         "is no PEM file; a PKCS#12 file is made one by: openssl pkcs12 -in FILE -out "
         "FILE.pem -nodes");
  }
  PrivateKey key = read_private_key(text.pem, text.password);
  if (!key) {
    fail(text, text.password.empty()
                   ? "holds no private key that can be read; an encrypted one needs "
                     "AZURE_CLIENT_CERTIFICATE_PASSWORD"
                   : "holds no private key that AZURE_CLIENT_CERTIFICATE_PASSWORD opens");
  }
  if (!is_rsa(key)) {
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

std::string thumbprint(const X509& certificate, const EVP_MD* digest) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (X509_digest(&certificate, digest, bytes.data(), &size) != 1) fail_signing();
  return to_base64url(std::span(bytes).first(size));
}

}  // namespace

std::string sign_client_assertion(const CertificateText& certificate,
                                  const AssertionClaims& claims) {
  const CleanErrorQueue errors;
  const PrivateKey key = read_key(certificate);
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
  return sign_jwt(key, header, payload);
}

}  // namespace cloudsync::auth
