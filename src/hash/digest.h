// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "cloudsync/types.h"

namespace cloudsync::hash {

// Streaming digests. One object, one thread; finish() once.
class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;
  void update(Bytes bytes);
  Md5Digest finish();
  static Md5Digest of(Bytes bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(Bytes bytes);
  Sha256Digest finish();
  static Sha256Digest of(Bytes bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Digest hmac_sha256(Bytes key, Bytes message);

// CRC-32C (Castagnoli) by ISA-L. `crc` is the value so far, 0 at the start.
std::uint32_t crc32c(Bytes bytes, std::uint32_t crc = 0);
// CRC-64/NVME. `crc` is the value so far, 0 at the start.
std::uint64_t crc64nvme(Bytes bytes, std::uint64_t crc = 0);
// The CRC of A followed by B from both CRCs and B's length in bytes.
std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b);
std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_b);

}  // namespace cloudsync::hash
