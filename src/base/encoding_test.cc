// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace cloudsync::base {
namespace {

using ByteVector = std::vector<std::uint8_t>;

ByteVector bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::string utf8_of(char32_t c) {
  std::string out;
  const auto add = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    add(c);
  } else if (c < 0x800) {
    add(0xC0 | c >> 6);
    add(0x80 | (c & 63));
  } else if (c < 0x10000) {
    add(0xE0 | c >> 12);
    add(0x80 | (c >> 6 & 63));
    add(0x80 | (c & 63));
  } else {
    add(0xF0 | c >> 18);
    add(0x80 | (c >> 12 & 63));
    add(0x80 | (c >> 6 & 63));
    add(0x80 | (c & 63));
  }
  return out;
}

TEST(EncodingTest, HexIsLowerCaseAndReadsEitherCase) {
  EXPECT_EQ(to_hex(ByteVector{0x00, 0x9F, 0xAB}), "009fab");
  EXPECT_EQ(from_hex("009FaB"), (ByteVector{0x00, 0x9F, 0xAB}));
  EXPECT_EQ(from_hex(""), ByteVector{});
}

TEST(EncodingTest, HexRefusesOddLengthsAndForeignCharacters) {
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("0g"));
  EXPECT_FALSE(from_hex(" 0"));
}

TEST(EncodingTest, Base64OfRfc4648) {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(bytes_of(plain)), encoded);
    EXPECT_EQ(from_base64(encoded), bytes_of(plain));
  }
}

TEST(EncodingTest, Base64RefusesMissingOrMisplacedPadding) {
  for (const char* bad :
       {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm-_", "Zm9vYg=a"}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
}

RC_GTEST_PROP(EncodingProperty, HexAndBase64RoundTrip, (const ByteVector& bytes)) {
  RC_ASSERT(from_hex(to_hex(bytes)) == bytes);
  RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
}

RC_GTEST_PROP(EncodingProperty, PercentEncodingRoundTrips,
              (const std::string& text, bool keep_slash)) {
  const std::string encoded = percent_encode(text, keep_slash);
  RC_ASSERT(percent_decode(encoded) == text);
  RC_ASSERT(percent_decode(encoded, true) == text);
}

TEST(EncodingTest, PercentEncodingKeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b/c+d"), "a%20b%2Fc%2Bd");
  EXPECT_EQ(percent_encode("a b/c", true), "a%20b/c");
  EXPECT_EQ(percent_encode("\xC3\xA9"), "%C3%A9");
}

TEST(EncodingTest, PercentDecodingLeavesMalformedEscapes) {
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz%41"), "%zzA");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
}

TEST(EncodingTest, Utf8RefusesWhatUnicodeRefuses) {
  for (const std::string_view bad :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\x80", "\xC3", "\xE2\x82", "a\xFF", "\xC3(", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << to_hex(bytes_of(bad));
  }
}

TEST(EncodingTest, Utf8AcceptsEveryScalarValueAndNoSurrogate) {
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x11000 ? 1 : 97) {
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(is_valid_utf8(utf8_of(c)), !surrogate)
        << std::hex << static_cast<unsigned>(c);
  }
  EXPECT_TRUE(is_valid_utf8(utf8_of(0x10FFFF)));
  EXPECT_FALSE(is_valid_utf8(utf8_of(0x110000)));
}

RC_GTEST_PROP(EncodingProperty, ConcatenationOfValidUtf8IsValid, ()) {
  const auto scalars = *rc::gen::container<std::vector<unsigned>>(rc::gen::oneOf(
      rc::gen::inRange(0U, 0xD800U), rc::gen::inRange(0xE000U, 0x110000U)));
  std::string text;
  for (const unsigned c : scalars) text += utf8_of(c);
  RC_ASSERT(is_valid_utf8(text));
  RC_ASSERT(!is_valid_utf8(text + "\xC3"));
}

RC_GTEST_PROP(EncodingProperty, PrintableIsAlwaysValidAndFreeOfControls,
              (const ByteVector& bytes)) {
  const std::string text = printable(std::string(bytes.begin(), bytes.end()));
  RC_ASSERT(is_valid_utf8(text));
  for (const char c : text) {
    RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }
}

TEST(EncodingTest, PrintableEscapesWhatHurtsATerminal) {
  EXPECT_EQ(printable("plain \xC3\xA9 \xF0\x9F\x98\x80"),
            "plain \xC3\xA9 \xF0\x9F\x98\x80");
  EXPECT_EQ(printable("a\x1B[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(printable("\xFF\xC3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b");
  EXPECT_EQ(printable("\xE2\x80\xAEtxt.exe"), "\\xe2\\x80\\xaetxt.exe");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

}  // namespace
}  // namespace cloudsync::base
