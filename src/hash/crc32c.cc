// SPDX-License-Identifier: Apache-2.0
#include <isa-l/crc.h>

#include <algorithm>

#include "hash/crc_polynomial.h"
#include "hash/digest.h"

namespace cloudsync::hash {
namespace {

constexpr std::size_t kLongestCall = std::size_t{1} << 30;  // the library counts in int

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t crc) {
  // ISA-L works on the bare register; the inversion before and after is the caller's.
  std::uint32_t state = ~crc;
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), kLongestCall);
    // The parameter is not const by oversight; the library only reads.
    auto* data =
        const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(n), state);
    bytes = bytes.subspan(n);
  }
  return ~state;
}

std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) {
  return combine_crc(a, b, length_b, kCrc32cPolynomial);
}

}  // namespace cloudsync::hash
