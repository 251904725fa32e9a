// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/signing_key.h"

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>

#include "hash/digest.h"

namespace cloudsync::auth {
namespace {

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

Sha256Digest hmac(const Sha256Digest& key, std::string_view message) {
  return hash::hmac_sha256(std::as_bytes(std::span(key)), bytes_of(message));
}

// A run talks to one or two buckets, so a few entries do; the oldest makes room.
class SigningKeyCache {
 public:
  std::optional<SigningKey> find(const SigningKeyInputs& inputs) {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (entry.matches(inputs)) return entry.key;
    }
    return std::nullopt;
  }

  void insert(const SigningKeyInputs& inputs, const SigningKey& key) {
    const std::lock_guard lock(mutex_);
    entries_[next_] = {std::string(inputs.secret), std::string(inputs.date),
                       std::string(inputs.region), std::string(inputs.service), key};
    next_ = (next_ + 1) % entries_.size();
  }

 private:
  struct Entry {
    std::string secret;
    std::string date;
    std::string region;
    std::string service;
    SigningKey key{};

    bool matches(const SigningKeyInputs& inputs) const {
      return date == inputs.date && secret == inputs.secret && region == inputs.region &&
             service == inputs.service;
    }
  };

  std::mutex mutex_;
  std::array<Entry, 8> entries_;  // guarded by mutex_
  std::size_t next_ = 0;          // guarded by mutex_
};

}  // namespace

SigningKey derive_signing_key(const SigningKeyInputs& inputs) {
  std::string start = "AWS4";
  start.append(inputs.secret);
  const auto date_key = hash::hmac_sha256(bytes_of(start), bytes_of(inputs.date));
  return hmac(hmac(hmac(date_key, inputs.region), inputs.service), "aws4_request");
}

SigningKey signing_key(const SigningKeyInputs& inputs) {
  static SigningKeyCache cache;
  if (const auto cached = cache.find(inputs)) return *cached;
  const SigningKey key = derive_signing_key(inputs);
  cache.insert(inputs, key);
  return key;
}

}  // namespace cloudsync::auth
