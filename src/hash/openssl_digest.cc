// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <string>

#include "cloudsync/error.h"
#include "hash/digest.h"

namespace cloudsync::hash {
namespace {

[[noreturn]] void throw_openssl(const char* what) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  throw Error(ErrorCode::kInternal, std::string("the TLS library cannot compute ") +
                                        what + ": " + reason.data());
}

void require(int ok, const char* what) {
  if (ok != 1) throw_openssl(what);
}

struct DigestContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, DigestContextFree>;

struct MacContextFree {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, MacContextFree>;

// Fetched once a process: looking an algorithm up costs more than hashing a kilobyte.
const EVP_MD* md5_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return algorithm;
}

const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

void begin(EVP_MD_CTX* context, const EVP_MD* algorithm, const char* what) {
  if (algorithm == nullptr) throw_openssl(what);
  require(EVP_DigestInit_ex2(context, algorithm, nullptr), what);
}

DigestContext make_context(const EVP_MD* algorithm, const char* what) {
  DigestContext context(EVP_MD_CTX_new());
  if (!context) throw_openssl(what);
  begin(context.get(), algorithm, what);
  return context;
}

template <class Digest>
Digest finish_digest(EVP_MD_CTX* context, const char* what) {
  Digest digest{};
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context, digest.data(), &size), what);
  return digest;
}

// Small buffers are most of the work: one context a thread instead of one a call.
template <class Digest>
Digest digest_of(const EVP_MD* algorithm, Bytes bytes, const char* what) {
  thread_local const DigestContext context(EVP_MD_CTX_new());
  if (!context) throw_openssl(what);
  begin(context.get(), algorithm, what);
  require(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()), what);
  return finish_digest<Digest>(context.get(), what);
}

MacContext make_hmac_context() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  if (mac == nullptr) throw_openssl("HMAC");
  MacContext context(EVP_MAC_CTX_new(mac));
  if (!context) throw_openssl("HMAC");
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> params = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  require(EVP_MAC_CTX_set_params(context.get(), params.data()), "HMAC");
  return context;
}

const unsigned char* as_unsigned(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

struct Md5::State {
  DigestContext context = make_context(md5_algorithm(), "MD5");
};

Md5::Md5() : state_(std::make_unique<State>()) {}
Md5::~Md5() = default;
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;

void Md5::update(Bytes bytes) {
  require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()), "MD5");
}

Md5Digest Md5::finish() { return finish_digest<Md5Digest>(state_->context.get(), "MD5"); }

Md5Digest Md5::of(Bytes bytes) {
  return digest_of<Md5Digest>(md5_algorithm(), bytes, "MD5");
}

struct Sha256::State {
  DigestContext context = make_context(sha256_algorithm(), "SHA-256");
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(Bytes bytes) {
  require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()), "SHA-256");
}

Sha256Digest Sha256::finish() {
  return finish_digest<Sha256Digest>(state_->context.get(), "SHA-256");
}

Sha256Digest Sha256::of(Bytes bytes) {
  return digest_of<Sha256Digest>(sha256_algorithm(), bytes, "SHA-256");
}

Sha256Digest hmac_sha256(Bytes key, Bytes message) {
  thread_local const MacContext context = make_hmac_context();
  // A null key means "keep the last one" to EVP_MAC_init; an empty key must not.
  static constexpr unsigned char kEmpty = 0;
  const unsigned char* key_data = key.empty() ? &kEmpty : as_unsigned(key);
  Sha256Digest digest{};
  std::size_t size = 0;
  require(EVP_MAC_init(context.get(), key_data, key.size(), nullptr), "HMAC");
  require(EVP_MAC_update(context.get(), as_unsigned(message), message.size()), "HMAC");
  require(EVP_MAC_final(context.get(), digest.data(), &size, digest.size()), "HMAC");
  return digest;
}

}  // namespace cloudsync::hash
