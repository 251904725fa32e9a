// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "hash/checksum_vectors_for_test.h"
#include "hash/crc64nvme.h"
#include "hash/crc_polynomial.h"
#include "hash/digest.h"

namespace cloudsync::hash {
namespace {

Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// Bit by bit, straight from the definition.
template <class Word>
Word crc_by_definition(std::string_view text, Word polynomial) {
  Word state = static_cast<Word>(~Word{0});
  for (const char c : text) {
    state ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) state = times_x(state, polynomial);
  }
  return static_cast<Word>(~state);
}

std::string varied_text(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t x = 12345;
  for (char& c : text) {
    x = x * 1664525 + 1013904223;
    c = static_cast<char>(x >> 24);
  }
  return text;
}

TEST(CrcTest, PublishedCheckValues) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc64nvme(as_bytes("123456789")), 0xAE8B14860A799888U);
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc64nvme({}), 0U);
}

TEST(CrcTest, Crc32cOfRfc3720) {
  std::string increasing;
  for (int i = 0; i < 32; ++i) increasing += static_cast<char>(i);
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\0'))), 0x8A9136AAU);
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\xFF'))), 0x62A8AB43U);
  EXPECT_EQ(crc32c(as_bytes(increasing)), 0x46DD794EU);
}

TEST(CrcTest, Crc64NvmeOfTheNvmeSpecification) {
  EXPECT_EQ(crc64nvme(as_bytes(std::string(4096, '\0'))), 0x6482D367EB22B64EU);
  EXPECT_EQ(crc64nvme(as_bytes(std::string(4096, '\xFF'))), 0xC0DDBA7302ECA3ACU);
}

TEST(CrcTest, EveryLengthAgreesWithTheDefinition) {
  const std::string text = varied_text(400);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string_view part = std::string_view(text).substr(0, size);
    ASSERT_EQ(crc64nvme(as_bytes(part)), crc_by_definition(part, kCrc64NvmePolynomial))
        << size;
    ASSERT_EQ(crc32c(as_bytes(part)), crc_by_definition(part, kCrc32cPolynomial)) << size;
  }
}

TEST(CrcTest, TableAndCarrylessMultiplicationAgree) {
  if (!crc64nvme_has_clmul()) GTEST_SKIP() << "this processor has no PCLMULQDQ";
  const std::string text = varied_text(5000);
  for (std::size_t begin = 0; begin < 20; ++begin) {
    for (std::size_t size = 0; begin + size <= text.size(); size += 61) {
      const Bytes part = as_bytes(text).subspan(begin, size);
      for (const std::uint64_t state :
           {std::uint64_t{0}, ~std::uint64_t{0}, 0x1234567890ABCDEFU}) {
        ASSERT_EQ(crc64nvme_by_clmul(part, state), crc64nvme_by_table(part, state))
            << begin << "+" << size;
      }
    }
  }
}

RC_GTEST_PROP(CrcProperty, PiecesGiveTheCrcOfTheWhole,
              (const std::string& a, const std::string& b)) {
  const std::string whole = a + b;
  RC_ASSERT(crc32c(as_bytes(b), crc32c(as_bytes(a))) == crc32c(as_bytes(whole)));
  RC_ASSERT(crc64nvme(as_bytes(b), crc64nvme(as_bytes(a))) == crc64nvme(as_bytes(whole)));
}

RC_GTEST_PROP(CrcProperty, CombiningGivesTheCrcOfTheWhole, ()) {
  const std::string a = varied_text(*rc::gen::inRange<std::size_t>(0, 3000));
  const std::string b = *rc::gen::arbitrary<std::string>() + a.substr(a.size() / 3);
  const std::string whole = a + b;
  RC_ASSERT(crc32c_combine(crc32c(as_bytes(a)), crc32c(as_bytes(b)), b.size()) ==
            crc32c(as_bytes(whole)));
  RC_ASSERT(crc64nvme_combine(crc64nvme(as_bytes(a)), crc64nvme(as_bytes(b)), b.size()) ==
            crc64nvme(as_bytes(whole)));
}

// (A + B) + C = A + (B + C), with lengths that 32 bits cannot hold.
TEST(CrcTest, CombiningIsAssociativeForLengthsBeyond32Bits) {
  const std::uint64_t length_b = (std::uint64_t{1} << 41) + 12345;
  const std::uint64_t length_c = (std::uint64_t{1} << 35) + 77;
  const std::uint64_t left =
      crc64nvme_combine(crc64nvme_combine(0x1111, 0x2222, length_b), 0x3333, length_c);
  const std::uint64_t right = crc64nvme_combine(
      0x1111, crc64nvme_combine(0x2222, 0x3333, length_c), length_b + length_c);
  EXPECT_EQ(left, right);
  EXPECT_EQ(crc32c_combine(crc32c_combine(7, 8, length_b), 9, length_c),
            crc32c_combine(7, crc32c_combine(8, 9, length_c), length_b + length_c));
}

TEST(CrcTest, AgreesWithThePublishedVectors) {
  const auto vectors = checksum_vectors();
  if (!vectors) GTEST_SKIP() << kNoVectors;
  for (const auto& vector : vectors->at("vectors")) {
    const std::string content = vector_content(vector);
    EXPECT_EQ(fmt::format("{:08x}", crc32c(as_bytes(content))), vector.at("crc32c_hex"));
    EXPECT_EQ(fmt::format("{:016x}", crc64nvme(as_bytes(content))),
              vector.at("crc64nvme_hex"));
  }
}

template <class Word>
Word word_at(const nlohmann::json& list, std::size_t i) {
  return static_cast<Word>(std::stoull(list.at(i).get<std::string>(), nullptr, 16));
}

TEST(CrcTest, CombinesAsThePublishedVectorsDo) {
  const auto vectors = checksum_vectors();
  if (!vectors) GTEST_SKIP() << kNoVectors;
  for (const auto& vector : vectors->at("combine")) {
    const auto length = vector.at("len_b").get<std::uint64_t>();
    const auto& small = vector.at("crc32c");
    EXPECT_EQ(crc32c_combine(word_at<std::uint32_t>(small, 0),
                             word_at<std::uint32_t>(small, 1), length),
              word_at<std::uint32_t>(small, 2));
    const auto& large = vector.at("crc64nvme");
    EXPECT_EQ(crc64nvme_combine(word_at<std::uint64_t>(large, 0),
                                word_at<std::uint64_t>(large, 1), length),
              word_at<std::uint64_t>(large, 2));
  }
}

// 3 GiB of zeros by doubling: 1 GiB three times.
TEST(CrcTest, PublishedValueOfThreeGibibytesOfZeros) {
  std::uint64_t gibibyte = crc64nvme(as_bytes(std::string(1 << 20, '\0')));
  for (std::uint64_t length = 1 << 20; length < std::uint64_t{1} << 30; length *= 2) {
    gibibyte = crc64nvme_combine(gibibyte, gibibyte, length);
  }
  const std::uint64_t two = crc64nvme_combine(gibibyte, gibibyte, std::uint64_t{1} << 30);
  EXPECT_EQ(crc64nvme_combine(two, gibibyte, std::uint64_t{1} << 30),
            0xA1DDDD7C6FD17075U);
}

}  // namespace
}  // namespace cloudsync::hash
