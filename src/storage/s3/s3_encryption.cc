// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_encryption.h"

#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"
#include "hash/digest.h"

#include <span>

namespace cloudsync::storage::s3 {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr char kAlgorithm[] = "x-amz-server-side-encryption";
constexpr char kCustomer[] = "x-amz-server-side-encryption-customer-";
constexpr char kSourceCustomer[] = "x-amz-copy-source-server-side-encryption-customer-";

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

bool is_kms(const std::string& algorithm) {
  return algorithm == "aws:kms" || algorithm == "aws:kms:dsse";
}

void check_algorithm(const Encryption& encryption) {
  const std::string& algorithm = encryption.algorithm;
  if (!algorithm.empty() && algorithm != "AES256" && !is_kms(algorithm)) {
    refuse("storage.server_side_encryption: '" + base::printable(algorithm) +
           "' is not one of AES256, aws:kms, aws:kms:dsse");
  }
  if (encryption.kms_key_id.empty()) return;
  if (!is_kms(algorithm)) {
    refuse(
        "storage.sse_kms_key_id needs storage.server_side_encryption aws:kms or "
        "aws:kms:dsse");
  }
  for (const char c : encryption.kms_key_id) {
    if (c <= 0x20 || c >= 0x7f) {
      refuse("storage.sse_kms_key_id: '" + base::printable(encryption.kms_key_id) +
             "' is not the id, alias or ARN of a key");
    }
  }
}

// The key itself is never told.
std::string md5_of_key(const std::string& customer_key) {
  const auto key = base::from_base64(customer_key);
  if (!key || key->size() != kKeyBytes) {
    refuse(
        "storage.sse_customer_key must be 32 bytes in base64, such as `openssl rand "
        "-base64 32` makes them");
  }
  return base::to_base64(hash::Md5::of(std::as_bytes(std::span(*key))));
}

void add_key(http::Headers& headers, const std::string& prefix,
             const Encryption& encryption) {
  if (encryption.customer_key.empty()) return;
  headers.emplace_back(prefix + "algorithm", "AES256");
  headers.emplace_back(prefix + "key", encryption.customer_key);
  headers.emplace_back(prefix + "key-md5", encryption.customer_key_md5);
}

[[noreturn]] void throw_not_encrypted(const std::string& setting) {
  throw Error(
      ErrorCode::kUnsupported,
      "the server does not confirm the encryption that " + setting +
          " asks for and may have stored the content without it; unset it, or use "
          "a server that encrypts");
}

}  // namespace

Encryption encryption_of(const StorageOptions& options) {
  Encryption encryption;
  encryption.algorithm = options.server_side_encryption;
  encryption.kms_key_id = options.sse_kms_key_id;
  check_algorithm(encryption);
  if (options.sse_customer_key.empty()) return encryption;
  base::redact_secret(options.sse_customer_key);
  if (!encryption.algorithm.empty()) {
    refuse(
        "storage.sse_customer_key and storage.server_side_encryption cannot be combined: "
        "an object is encrypted with one key; give one of them");
  }
  encryption.customer_key = options.sse_customer_key;
  encryption.customer_key_md5 = md5_of_key(options.sse_customer_key);
  return encryption;
}

void refuse_open_key(const Encryption& encryption, const std::string& endpoint_setting) {
  if (encryption.customer_key.empty()) return;
  refuse("storage.sse_customer_key would be sent unprotected: " + endpoint_setting +
         " must begin with https://");
}

void add_encryption(http::Headers& headers, const Encryption& encryption) {
  if (!encryption.algorithm.empty()) {
    headers.emplace_back(kAlgorithm, encryption.algorithm);
  }
  if (!encryption.kms_key_id.empty()) {
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id",
                         encryption.kms_key_id);
  }
  add_customer_key(headers, encryption);
}

void add_customer_key(http::Headers& headers, const Encryption& encryption) {
  add_key(headers, kCustomer, encryption);
}

void add_source_key(http::Headers& headers, const Encryption& encryption) {
  add_key(headers, kSourceCustomer, encryption);
}

void require_encrypted(const http::HttpResponse& response, const Encryption& encryption) {
  if (!encryption.algorithm.empty() &&
      response.header(kAlgorithm) != encryption.algorithm) {
    throw_not_encrypted("storage.server_side_encryption");
  }
  if (!encryption.customer_key.empty() &&
      !response.header(std::string(kCustomer) + "algorithm")) {
    throw_not_encrypted("storage.sse_customer_key");
  }
}

}  // namespace cloudsync::storage::s3
