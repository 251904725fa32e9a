// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/server_clock.h"

#include "base/time_format.h"

#include <gtest/gtest.h>

#include <string>

namespace cloudsync::storage::rest {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'790'000'000 * kSecond;

http::HttpResponse dated(std::int64_t date_ns, int status = 200) {
  http::HttpResponse response;
  response.status = status;
  response.headers = {{"date", base::format_http_date(date_ns)}};
  return response;
}

TEST(ServerClock, KnowsNothingBeforeAnAnswer) { EXPECT_FALSE(ServerClock().offset_ns()); }

TEST(ServerClock, ClocksThatMayAgreeAgree) {
  ServerClock clock;
  clock.observe(dated(kNow), kNow + kSecond / 2, kNow + kSecond * 3 / 4);
  EXPECT_EQ(clock.offset_ns(), 0);
}

TEST(ServerClock, TakesTheLargestOfTheSmallestCorrections) {
  ServerClock clock;
  clock.observe(dated(kNow + 60 * kSecond), kNow, kNow + kSecond);
  EXPECT_EQ(clock.offset_ns(), 59 * kSecond);
  clock.observe(dated(kNow), kNow, kNow);
  EXPECT_EQ(clock.offset_ns(), 59 * kSecond);
  clock.observe(dated(kNow - 600 * kSecond), kNow, kNow);
  EXPECT_EQ(clock.offset_ns(), -599 * kSecond);
}

TEST(ServerClock, IgnoresCachesGatewaysAndSlowAnswers) {
  ServerClock clock;
  http::HttpResponse cached = dated(kNow - 3600 * kSecond);
  cached.headers.emplace_back("age", "3600");
  clock.observe(cached, kNow, kNow);
  clock.observe(dated(kNow - 3600 * kSecond, 502), kNow, kNow);
  clock.observe(dated(kNow - 3600 * kSecond), kNow - 3600 * kSecond, kNow);
  clock.observe(http::HttpResponse{}, kNow, kNow);
  EXPECT_FALSE(clock.offset_ns());
}

TEST(ServerClock, SurvivesAbsurdDates) {
  for (const char* date :
       {"Thu, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "yesterday"}) {
    ServerClock clock;
    http::HttpResponse response;
    response.status = 200;
    response.headers = {{"date", date}};
    clock.observe(response, kNow, kNow);
    EXPECT_FALSE(clock.offset_ns()) << date;
  }
}

}  // namespace
}  // namespace cloudsync::storage::rest
