// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

namespace cloudsync::hash {

inline constexpr std::uint32_t kCrc32cPolynomial = 0x82F63B78;
inline constexpr std::uint64_t kCrc64NvmePolynomial = 0x9A6C9329AC4BC9B5;

// Arithmetic in GF(2)[x] modulo a CRC polynomial, everything bit-reflected as the CRCs
// are: the highest bit of a word is the coefficient of x^0.
template <class Word>
inline constexpr Word kPolynomialOne = Word{1} << (std::numeric_limits<Word>::digits - 1);

template <class Word>
constexpr Word times_x(Word a, Word polynomial) {
  return (a & 1) != 0 ? static_cast<Word>((a >> 1) ^ polynomial)
                      : static_cast<Word>(a >> 1);
}

template <class Word>
constexpr Word multiply(Word a, Word b, Word polynomial) {
  Word product = 0;
  for (Word bit = kPolynomialOne<Word>; bit != 0 && a != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    a &= static_cast<Word>(~bit);
    b = times_x(b, polynomial);
  }
  return product;
}

// base^exponent.
template <class Word>
constexpr Word power(Word base, std::uint64_t exponent, Word polynomial) {
  Word result = kPolynomialOne<Word>;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = multiply(result, base, polynomial);
    base = multiply(base, base, polynomial);
  }
  return result;
}

// x^bits.
template <class Word>
constexpr Word power_of_x(std::uint64_t bits, Word polynomial) {
  return power(static_cast<Word>(kPolynomialOne<Word> >> 1), bits, polynomial);
}

// CRC of A followed by B: A's CRC moved left by B's length. Initial value and final
// inversion cancel out when both are all ones.
template <class Word>
constexpr Word combine_crc(Word a, Word b, std::uint64_t length_b, Word polynomial) {
  const Word x8 = static_cast<Word>(kPolynomialOne<Word> >> 8);
  return multiply(a, power(x8, length_b, polynomial), polynomial) ^ b;
}

}  // namespace cloudsync::hash
