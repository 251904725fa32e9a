// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_body.h"

#include "cloudsync/error.h"
#include "hash/digest.h"

#include <algorithm>
#include <vector>

namespace cloudsync::storage::gcs {
namespace {

constexpr std::size_t kSkipBuffer = 256 << 10;

}  // namespace

std::size_t CheckedSource::take(MutableBytes out) {
  const std::size_t n = inner_.read(out);
  crc_ = hash::crc32c(out.first(n), crc_);
  position_ += n;
  return n;
}

void CheckedSource::skip_to(std::uint64_t position) {
  if (position_ >= position) return;
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(kSkipBuffer, position)));
  while (position_ < position) {
    const auto want = static_cast<std::size_t>(
        std::min<std::uint64_t>(buffer.size(), position - position_));
    if (take(MutableBytes(buffer).first(want)) != 0) continue;
    throw Error(ErrorCode::kLocalIo, "the data to send ended after " +
                                         std::to_string(position_) + " of " +
                                         std::to_string(inner_.size()) + " bytes");
  }
}

std::size_t CheckedSource::read(MutableBytes out) {
  skip_to(first_);
  return take(out);
}

void CheckedSource::rewind() {
  inner_.rewind();
  position_ = 0;
  crc_ = 0;
}

void CheckedSource::start_at(std::uint64_t first) {
  first_ = first;
  if (position_ > first) rewind();
}

std::uint32_t CheckedSource::crc32c() {
  skip_to(inner_.size());
  return crc_;
}

std::size_t EnvelopedSource::copy_from(const std::string& text, std::size_t& position,
                                       MutableBytes out) {
  const std::size_t n = std::min(out.size(), text.size() - position);
  if (n != 0) std::memcpy(out.data(), text.data() + position, n);
  position += n;
  return n;
}

std::size_t EnvelopedSource::read(MutableBytes out) {
  if (const std::size_t n = copy_from(before_, before_position_, out)) return n;
  if (inner_position_ < inner_.size()) {
    const std::size_t n = inner_.read(out);
    inner_position_ += n;
    return n;  // 0: shorter than it said, and the transport says so
  }
  return copy_from(after_, after_position_, out);
}

void EnvelopedSource::rewind() {
  inner_.rewind();
  before_position_ = 0;
  inner_position_ = 0;
  after_position_ = 0;
}

}  // namespace cloudsync::storage::gcs
