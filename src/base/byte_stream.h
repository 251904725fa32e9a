// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <algorithm>

#include "cloudsync/types.h"

namespace cloudsync {

// A rewindable body of known length. Read by one thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  // Fills up to out.size() bytes; 0 only at the end. Throws Error when the bytes cannot be had or
  // may no longer be sent (a file that changed while being read): the request is then dropped.
  virtual std::size_t read(MutableBytes out) = 0;
  // Back to the first byte; called before every further attempt.
  virtual void rewind() = 0;
};

// Where a body goes, in order. Written by one thread at a time; throwing aborts the transfer.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(Bytes bytes) = 0;
};

// A source over memory that somebody else owns and keeps alive.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::size_t read(MutableBytes out) override {
    const std::size_t n = std::min(out.size(), bytes_.size() - position_);
    if (n != 0) std::memcpy(out.data(), bytes_.data() + position_, n);
    position_ += n;
    return n;
  }
  void rewind() override { position_ = 0; }

 private:
  Bytes bytes_;
  std::size_t position_ = 0;
};

}  // namespace cloudsync
