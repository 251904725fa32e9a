// SPDX-License-Identifier: Apache-2.0
// What happens to credentials while they are used: renewal, refusal, outage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "auth/aws/aws_world_testing.h"

namespace cloudsync::auth {
namespace {

using std::chrono::minutes;
using ::testing::HasSubstr;

const Variables kContainer = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds"}};

class CredentialRefreshTest : public ::testing::Test {
 protected:
  CredentialRefreshTest() : world_("2026-01-01T00:00:00Z") {}
  TestWorld world_;
};

TEST_F(CredentialRefreshTest, RenewedAheadOfExpiryAndNotBefore) {
  world_.answer(200, metadata_answer("2026-01-01T06:00:00Z", "ONE"))
      .answer(200, metadata_answer("2026-01-01T12:00:00Z", "TWO"));
  const auto chain = world_.chain(kContainer);
  EXPECT_EQ(chain->credentials({})->access_key_id, "ONE");
  world_.clock().set("2026-01-01T05:44:00Z");
  EXPECT_EQ(chain->credentials({})->access_key_id, "ONE");
  EXPECT_EQ(world_.requests().size(), 1U);
  world_.clock().set("2026-01-01T05:46:00Z");
  EXPECT_EQ(chain->credentials({})->access_key_id, "TWO");
  EXPECT_EQ(world_.requests().size(), 2U);
}

TEST_F(CredentialRefreshTest, OutageIsBridgedUntilTheEnd) {
  world_.answer(200, metadata_answer("2026-01-01T06:00:00Z", "ONE"))
      .answer(503, "")
      .answer(503, "")
      .answer(200, metadata_answer("2026-01-01T12:00:00Z", "TWO"));
  const auto chain = world_.chain(kContainer);
  chain->credentials({});
  world_.clock().set("2026-01-01T05:55:00Z");
  EXPECT_EQ(chain->credentials({})->access_key_id, "ONE");
  EXPECT_EQ(chain->credentials({})->access_key_id, "ONE") << "not asked again at once";
  EXPECT_EQ(world_.requests().size(), 2U);
  world_.clock().set("2026-01-01T06:00:01Z");
  const Error error = error_of([&] { chain->credentials({}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.retryable());
  EXPECT_EQ(chain->credentials({})->access_key_id, "TWO");
}

TEST_F(CredentialRefreshTest, ManyThreadsMakeOneExchange) {
  std::latch all(16);
  world_.transport().expect([&](const http::HttpRequest&, const std::string&, ByteSink*) {
    all.wait();  // everybody has begun to ask
    return http::scripted_response(200, {}, metadata_answer("2026-01-01T06:00:00Z"));
  });
  const auto chain = world_.chain(kContainer);
  std::atomic<int> served{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        all.count_down();
        served += chain->credentials({})->access_key_id == "ASIAMETA" ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(served, 16);
  EXPECT_EQ(world_.requests().size(), 1U);
}

TEST_F(CredentialRefreshTest, RefusedCredentialsAreFetchedAnew) {
  world_.answer(200, metadata_answer("2026-01-01T06:00:00Z", "ONE"))
      .answer(200, metadata_answer("2026-01-01T06:00:00Z", "TWO"));
  const auto chain = world_.chain(kContainer);
  const auto first = chain->credentials({}).value();
  chain->invalidate(first);
  EXPECT_EQ(chain->credentials({})->access_key_id, "TWO");
  chain->invalidate(first);
  EXPECT_EQ(chain->credentials({})->access_key_id, "TWO");
  EXPECT_EQ(world_.requests().size(), 2U);
}

TEST_F(CredentialRefreshTest, ExpiredOnArrivalIsSaid) {
  world_.answer(200, metadata_answer("2025-12-31T23:59:59Z"));
  const Error error = world_.failure(kContainer);
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("expired at 2025-12-31T23:59:59Z"));
}

TEST_F(CredentialRefreshTest, StopIsNotTakenForARefusal) {
  std::stop_source stop;
  stop.request_stop();
  CallContext context;
  context.stop = stop.get_token();
  const auto chain = world_.chain(kContainer);
  EXPECT_EQ(error_of([&] { chain->credentials(context); }).code(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace cloudsync::auth
