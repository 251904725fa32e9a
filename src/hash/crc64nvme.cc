// SPDX-License-Identifier: Apache-2.0
#include "hash/crc64nvme.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "hash/crc_polynomial.h"
#include "hash/digest.h"

namespace cloudsync::hash {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t kPolynomial = kCrc64NvmePolynomial;
constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;

// tables[k][b]: the register after byte b and k zero bytes, from an empty register.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = times_x(value, kPolynomial);
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t previous = tables[k - 1][byte];
      tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

std::uint64_t load_word(const std::byte* data) {
  std::uint64_t word = 0;
  std::memcpy(&word, data, sizeof word);
  return word;
}

std::uint64_t shift_word(std::uint64_t word) {
  std::uint64_t result = 0;
  for (std::size_t k = 0; k < kSlices; ++k) {
    result ^= kTables[kSlices - 1 - k][(word >> (8 * k)) & 0xFF];
  }
  return result;
}

}  // namespace

std::uint64_t crc64nvme_by_table(Bytes bytes, std::uint64_t state) {
  for (; bytes.size() >= kSlices; bytes = bytes.subspan(kSlices)) {
    state = shift_word(state ^ load_word(bytes.data()));
  }
  for (const std::byte byte : bytes) {
    state =
        (state >> 8) ^ kTables[0][(state ^ std::to_integer<std::uint64_t>(byte)) & 0xFF];
  }
  return state;
}

#if defined(__x86_64__)
namespace {

constexpr std::size_t kLane = 16;
constexpr std::size_t kLanes = 4;
constexpr std::size_t kBlock = kLane * kLanes;

// Factors that move a 128-bit lane `distance` bits forward in the message. The low half
// holds the earlier bytes, hence 64 more; a carry-less product of two reflected words is
// itself one bit short, hence 1 less.
struct FoldFactors {
  std::uint64_t low;
  std::uint64_t high;
};
constexpr FoldFactors fold_factors(std::uint64_t distance) {
  return {power_of_x<std::uint64_t>(distance + 64 - 1, kPolynomial),
          power_of_x<std::uint64_t>(distance - 1, kPolynomial)};
}
constexpr FoldFactors kFoldBlock = fold_factors(kBlock * 8);
constexpr FoldFactors kFoldLane = fold_factors(kLane * 8);

#define CLOUDSYNC_CLMUL __attribute__((target("pclmul,sse2")))

CLOUDSYNC_CLMUL __m128i factors_of(const FoldFactors& factors) {
  return _mm_set_epi64x(static_cast<std::int64_t>(factors.high),
                        static_cast<std::int64_t>(factors.low));
}

CLOUDSYNC_CLMUL __m128i load_lane(const std::byte* data) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
}

CLOUDSYNC_CLMUL __m128i fold(__m128i lane, __m128i factors, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(lane, factors, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lane, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

}  // namespace

CLOUDSYNC_CLMUL std::uint64_t crc64nvme_by_clmul(Bytes bytes, std::uint64_t state) {
  if (bytes.size() < kBlock) return crc64nvme_by_table(bytes, state);
  __m128i lane0 = load_lane(bytes.data());
  __m128i lane1 = load_lane(bytes.data() + kLane);
  __m128i lane2 = load_lane(bytes.data() + 2 * kLane);
  __m128i lane3 = load_lane(bytes.data() + 3 * kLane);
  lane0 = _mm_xor_si128(lane0, _mm_cvtsi64_si128(static_cast<std::int64_t>(state)));
  const __m128i by_block = factors_of(kFoldBlock);
  for (bytes = bytes.subspan(kBlock); bytes.size() >= kBlock;
       bytes = bytes.subspan(kBlock)) {
    lane0 = fold(lane0, by_block, load_lane(bytes.data()));
    lane1 = fold(lane1, by_block, load_lane(bytes.data() + kLane));
    lane2 = fold(lane2, by_block, load_lane(bytes.data() + 2 * kLane));
    lane3 = fold(lane3, by_block, load_lane(bytes.data() + 3 * kLane));
  }
  const __m128i by_lane = factors_of(kFoldLane);
  lane1 = fold(lane0, by_lane, lane1);
  lane2 = fold(lane1, by_lane, lane2);
  lane3 = fold(lane2, by_lane, lane3);
  std::array<std::byte, kLane> folded{};
  _mm_storeu_si128(reinterpret_cast<__m128i*>(folded.data()), lane3);
  // The folded lane stands for everything before it, so the tables finish from an empty
  // register.
  return crc64nvme_by_table(bytes, crc64nvme_by_table(folded, 0));
}

bool crc64nvme_has_clmul() {
  static const bool supported = __builtin_cpu_supports("pclmul") != 0;
  return supported;
}
#else
std::uint64_t crc64nvme_by_clmul(Bytes bytes, std::uint64_t state) {
  return crc64nvme_by_table(bytes, state);
}

bool crc64nvme_has_clmul() { return false; }
#endif

std::uint64_t crc64nvme(Bytes bytes, std::uint64_t crc) {
  return ~(crc64nvme_has_clmul() ? crc64nvme_by_clmul(bytes, ~crc)
                                 : crc64nvme_by_table(bytes, ~crc));
}

std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b,
                                std::uint64_t length_b) {
  return combine_crc(a, b, length_b, kPolynomial);
}

}  // namespace cloudsync::hash
