// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/byte_stream.h"

namespace cloudsync::storage::gcs {

// The caller's source from some byte on, with the CRC-32C of all of it taken on the way,
// the bytes left out included. Borrows the source.
class CheckedSource final : public ByteSource {
 public:
  explicit CheckedSource(ByteSource& inner) : inner_(inner) {}

  std::uint64_t size() const override { return inner_.size() - first_; }
  std::size_t read(MutableBytes out) override;
  void rewind() override;

  // The next read begins there. `first` is at most the inner size.
  void start_at(std::uint64_t first);
  // Of the whole inner source; reads what is left of it.
  std::uint32_t crc32c();

 private:
  std::size_t take(MutableBytes out);
  void skip_to(std::uint64_t position);

  ByteSource& inner_;
  std::uint64_t first_ = 0;
  std::uint64_t position_ = 0;  // in the inner source
  std::uint32_t crc_ = 0;       // of the bytes before position_
};

// A source between two texts: the envelope of a multipart/related body.
class EnvelopedSource final : public ByteSource {
 public:
  EnvelopedSource(std::string before, ByteSource& inner, std::string after)
      : before_(std::move(before)), inner_(inner), after_(std::move(after)) {}

  std::uint64_t size() const override {
    return before_.size() + inner_.size() + after_.size();
  }
  std::size_t read(MutableBytes out) override;
  void rewind() override;

 private:
  static std::size_t copy_from(const std::string& text, std::size_t& position,
                               MutableBytes out);

  std::string before_;
  ByteSource& inner_;
  std::string after_;
  std::size_t before_position_ = 0;
  std::uint64_t inner_position_ = 0;
  std::size_t after_position_ = 0;
};

}  // namespace cloudsync::storage::gcs
