// SPDX-License-Identifier: Apache-2.0
#include "base/time_format.h"
#include "base/time_range.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace cloudsync::base {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();

TEST(TimeFormatTest, Rfc3339TrimsZerosOfTheFraction) {
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(1795456800 * kSecond + 123456789),
            "2026-11-23T18:00:00.123456789Z");
  EXPECT_EQ(format_rfc3339(500'000'000), "1970-01-01T00:00:00.5Z");
  EXPECT_EQ(format_rfc3339(10), "1970-01-01T00:00:00.00000001Z");
}

TEST(TimeFormatTest, TimesBefore1970CountBackwards) {
  EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(format_rfc3339(-kSecond), "1969-12-31T23:59:59Z");
  EXPECT_EQ(format_http_date(-kSecond), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(format_decimal_seconds(-1), "-0.000000001");
  EXPECT_EQ(format_decimal_seconds(-1'500'000'000), "-1.5");
  EXPECT_EQ(parse_decimal_seconds("-0.000000001"), -1);
  EXPECT_EQ(parse_decimal_seconds("-1.5"), -1'500'000'000);
  EXPECT_EQ(parse_decimal_seconds("-2"), -2 * kSecond);
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59.5Z"), -500'000'000);
}

TEST(TimeFormatTest, EndsOfTheRangeRoundTrip) {
  for (const std::int64_t t : {kFirst, kFirst + 1, kLast, kLast - 1}) {
    EXPECT_EQ(parse_rfc3339(format_rfc3339(t)), t);
    EXPECT_EQ(parse_decimal_seconds(format_decimal_seconds(t)), t);
  }
  EXPECT_EQ(format_decimal_seconds(kFirst), "-9223372036.854775808");
}

TEST(TimeFormatTest, OnlyTheYears1To9999AreTimes) {
  EXPECT_FALSE(parse_decimal_seconds("253402300800"));
  EXPECT_FALSE(parse_decimal_seconds("-62135596800.5"));
  EXPECT_FALSE(parse_decimal_seconds("99999999999999999999999"));
  EXPECT_FALSE(parse_decimal_seconds("-9223372036854775808"));
  EXPECT_FALSE(parse_rfc3339("0000-12-31T23:59:59Z"));
  EXPECT_FALSE(parse_rfc3339("0001-01-01T00:00:00+00:01"));
  EXPECT_FALSE(parse_rfc3339("9999-12-31T23:59:59-00:01"));
  EXPECT_FALSE(parse_rfc3339("10000-01-01T00:00:00Z"));
  EXPECT_FALSE(parse_http_date("Sat, 01 Jan 0000 00:00:00 GMT"));
}

TEST(TimeFormatTest, YearsThatNanosecondsCannotHoldBecomeTheNearestThatTheyCan) {
  EXPECT_EQ(parse_decimal_seconds("9223372036.854775808"), kLast);
  EXPECT_EQ(parse_decimal_seconds("-9223372036.854775809"), kFirst);
  EXPECT_EQ(parse_decimal_seconds("253402300799.9"), kLast);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59.5Z"), kLast);
  EXPECT_EQ(parse_rfc3339("2300-01-01T00:00:00Z"), kLast);
  EXPECT_EQ(parse_rfc3339("0001-01-01T00:00:00Z"), kFirst);
  EXPECT_EQ(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT"), kLast);
}

TEST(TimeRangeTest, SumsAndDifferencesStayInRange) {
  EXPECT_EQ(time_sum(kLast, 1), kLast);
  EXPECT_EQ(time_sum(kFirst, -1), kFirst);
  EXPECT_EQ(time_sum(1, 2), 3);
  EXPECT_EQ(time_difference(kLast, -1), kLast);
  EXPECT_EQ(time_difference(kFirst, 1), kFirst);
  EXPECT_EQ(time_difference(0, kFirst), kLast);
  EXPECT_EQ(time_difference(5, 3), 2);
}

RC_GTEST_PROP(TimeFormatProperty, EveryTimeRoundTrips, ()) {
  const auto t = *rc::gen::arbitrary<std::int64_t>();
  const auto scale = *rc::gen::element<std::int64_t>(1, 1'000, 1'000'000, kSecond);
  const std::int64_t time = t / scale * scale;
  RC_ASSERT(parse_rfc3339(format_rfc3339(time)) == time);
  RC_ASSERT(parse_decimal_seconds(format_decimal_seconds(time)) == time);
}

RC_GTEST_PROP(TimeFormatProperty, HttpDatesRoundTripInSeconds, ()) {
  const std::int64_t time =
      *rc::gen::inRange<std::int64_t>(-9'000'000'000, 9'000'000'000) * kSecond;
  RC_ASSERT(parse_http_date(format_http_date(time)) == time);
}

TEST(TimeFormatTest, Rfc3339ReadsOffsetsAndAnyFraction) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T02:00:00+02:00"), 0);
  EXPECT_EQ(parse_rfc3339("1969-12-31T19:30:00-04:30"), 0);
  EXPECT_EQ(parse_rfc3339("1970-01-01t00:00:00.25z"), 250'000'000);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.1234567899Z"), 123'456'789);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00Z"), 1709164800 * kSecond);
}

TEST(TimeFormatTest, Rfc3339RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z",
        "1970-02-29T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00+2:00", "70-01-01T00:00:00Z", "1970-1-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

TEST(TimeFormatTest, HttpDateOfRfc9110) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777 * kSecond);
  EXPECT_EQ(format_http_date(784111777 * kSecond + 999), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const char* bad :
       {"", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
}

TEST(TimeFormatTest, CompactFormOfTheSigners) {
  EXPECT_EQ(format_compact(1795456800 * kSecond), "20261123T180000Z");
  EXPECT_EQ(format_compact(-1), "19691231T235959Z");
}

TEST(TimeFormatTest, DecimalSecondsReadMoreDigitsThanNine) {
  EXPECT_EQ(parse_decimal_seconds("1577836800"), 1577836800 * kSecond);
  EXPECT_EQ(parse_decimal_seconds("1.1234567899"), 1'123'456'789);
  EXPECT_EQ(parse_decimal_seconds("-0.0000000019"), -1);
  EXPECT_EQ(format_decimal_seconds(1'500'000'000), "1.5");
  EXPECT_EQ(format_decimal_seconds(0), "0");
  for (const char* bad :
       {"", "-", ".", "1.", ".5", "+1", "1e9", " 1", "1 ", "--1", "0x1"}) {
    EXPECT_FALSE(parse_decimal_seconds(bad)) << bad;
  }
}

}  // namespace
}  // namespace cloudsync::base
