// SPDX-License-Identifier: Apache-2.0
#include "base/secret_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "base/encoding.h"
#include "base/log.h"

namespace cloudsync::base {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "s3cr/et+k\"ey x\\1==";

std::string base64_of(const std::string& text) {
  return to_base64(std::vector<std::uint8_t>(text.begin(), text.end()));
}

class SecretForms : public ::testing::Test {
 protected:
  void SetUp() override { redact_secret(kSecret); }
};

TEST_F(SecretForms, PercentEncodedInEverySpelling) {
  for (const std::string text :
       {"s3cr%2Fet%2Bk%22ey%20x%5C1%3D%3D", "s3cr%2fet%2bk%22ey%20x%5c1%3d%3d",
        "s3cr/et%2Bk%22ey%20x%5C1%3D%3D", "s3cr%2Fet%2Bk%22ey+x%5C1%3D%3D"}) {
    EXPECT_EQ(redacted("q=" + text + "&b"), "q=***&b") << text;
  }
}

TEST_F(SecretForms, InsideAJsonString) {
  EXPECT_EQ(redacted(R"({"k":"s3cr/et+k\"ey x\\1=="})"), R"({"k":"***"})");
  EXPECT_EQ(redacted(R"({"k":"s3cr\/et+k\"ey x\\1=="})"), R"({"k":"***"})");
}

TEST_F(SecretForms, InsideBase64WhateverStandsAround) {
  for (const std::string before : {"", "u", "us", "user:", "somebody:"}) {
    for (const std::string after : {"", "a", "bc", "def"}) {
      const std::string encoded = base64_of(before + kSecret + after);
      const std::string shown = redacted("Basic " + encoded);
      EXPECT_THAT(shown, HasSubstr("***")) << before << "|" << after;
      // What is left over is less than one character of the secret at each end.
      EXPECT_LE(shown.size(), std::string("Basic ***").size() +
                                  (before.size() + after.size() + 4) * 4 / 3 + 4);
    }
  }
}

TEST_F(SecretForms, ShortSecretsDoNotMaskOtherTexts) {
  redact_secret("pass");
  EXPECT_EQ(redacted("cGFz"), "cGFz");  // a syllable of base64
  EXPECT_EQ(redacted("<pass>"), "<***>");
}

TEST(SecretRegistryCost, GrowsWithTheTextAndNotWithTheSecrets) {
  for (int i = 0; i < 20'000; ++i)
    redact_secret("token-" + std::to_string(i) + "-abcdef");
  EXPECT_EQ(redacted("<token-19999-abcdef>"), "<***>");
  EXPECT_EQ(redacted(std::string(1 << 20, 'x')).size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace cloudsync::base
