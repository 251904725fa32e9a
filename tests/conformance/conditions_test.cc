// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <barrier>
#include <thread>

#include "tests/conformance/conformance_fixture.h"

namespace cloudsync::conformance {
namespace {

class Conditions : public ConformanceTest {
 protected:
  static Precondition absent() { return {{}, true}; }
  static Precondition match(const VersionToken& token) { return {token, false}; }
};
INSTANTIATE_TEST_SUITE_P(Stores, Conditions, ::testing::ValuesIn(store_cases()),
                         case_name);

TEST_P(Conditions, PutIfAbsentCreates) {
  CS_REQUIRE_CAPABILITY(conditional_put);
  EXPECT_EQ(put("dir/a", "1", absent()).outcome, Outcome::kOk);
  EXPECT_EQ(content("dir/a"), "1");
}

TEST_P(Conditions, PutIfAbsentOnExistingObjectReportsPreconditionFailed) {
  CS_REQUIRE_CAPABILITY(conditional_put);
  put("a", "1");
  EXPECT_EQ(put("a", "2", absent()).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(content("a"), "1");
}

TEST_P(Conditions, PutIfMatchReplacesTheVersionItNames) {
  CS_REQUIRE_CAPABILITY(conditional_put);
  const auto token = put("a", "1").token;
  EXPECT_EQ(put("a", "2", match(token)).outcome, Outcome::kOk);
  EXPECT_EQ(content("a"), "2");
}

TEST_P(Conditions, PutIfMatchOnAnotherVersionReportsPreconditionFailed) {
  CS_REQUIRE_CAPABILITY(conditional_put);
  const auto old = put("a", "1").token;
  put("a", "2");
  EXPECT_EQ(put("a", "3", match(old)).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(content("a"), "2");
}

TEST_P(Conditions, PutIfMatchOnAnAbsentObjectIsRefused) {
  CS_REQUIRE_CAPABILITY(conditional_put);
  EXPECT_TRUE(refused(put("a", "1", match(stale_token())).outcome));
  EXPECT_FALSE(store().head(key("a"), {}));
}

TEST_P(Conditions, PutIfAbsentAfterARemovalCreatesAnew) {
  CS_REQUIRE_CAPABILITY(conditional_put);
  put("a", "1");
  store().remove({key("a"), {}}, {});
  EXPECT_EQ(put("a", "2", absent()).outcome, Outcome::kOk);
  EXPECT_EQ(content("a"), "2");
}

TEST_P(Conditions, EightWritersOfOneAbsentKeyHaveOneWinner) {
  CS_REQUIRE_CAPABILITY(conditional_put);
  for (int round = 0; round < 5; ++round) {
    const std::string name = "race-" + std::to_string(round);
    std::atomic<int> winners = 0;
    std::atomic<int> winner = -1;
    std::barrier start(8);
    in_eight_threads([&](int i) {
      start.arrive_and_wait();
      try {
        if (put(name, std::to_string(i), absent()).outcome != Outcome::kOk) return;
        ++winners;
        winner = i;
      } catch (const Error& error) {
        // A server may ask for another try while two writers collide; it must not store
        // twice.
        EXPECT_TRUE(error.retryable()) << error.what();
      }
    });
    ASSERT_EQ(winners, 1) << name;
    EXPECT_EQ(content(name), std::to_string(winner));
  }
}

TEST_P(Conditions, EightReplacersOfOneVersionHaveOneWinner) {
  CS_REQUIRE_CAPABILITY(conditional_put);
  const auto token = put("a", "first").token;
  std::atomic<int> winners = 0;
  std::barrier start(8);
  in_eight_threads([&](int i) {
    start.arrive_and_wait();
    try {
      if (put("a", std::to_string(i), match(token)).outcome == Outcome::kOk) ++winners;
    } catch (const Error& error) {
      EXPECT_TRUE(error.retryable()) << error.what();
    }
  });
  EXPECT_EQ(winners, 1);
}

TEST_P(Conditions, ReadersNeverSeeAMixWhileAnObjectIsReplaced) {
  const std::string one(200'000, '1');
  const std::string two(300'000, '2');
  put("a", one);
  std::jthread writer([&] {
    try {
      for (int i = 0; i < 20; ++i) put("a", i % 2 == 0 ? two : one);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  });
  for (int i = 0; i < 20; ++i) {
    std::string body;
    const GetResult result = get("a", body);
    ASSERT_EQ(result.outcome, Outcome::kOk);
    ASSERT_TRUE(body == one || body == two);
    ASSERT_EQ(result.info.size, body.size());
    if (const auto md5 = storage::told_md5(result.info)) {
      ASSERT_EQ(*md5, hash::Md5::of(bytes_of(body)));
    }
  }
}

TEST_P(Conditions, RemoveIfMatchRemovesTheVersionItNames) {
  const auto token = put("a", "1").token;
  EXPECT_EQ(store().remove({key("a"), token}, {}).outcome, Outcome::kOk);
  EXPECT_FALSE(store().head(key("a"), {}));
}

TEST_P(Conditions, RemoveIfMatchSparesAnotherVersion) {
  CS_REQUIRE_CAPABILITY(conditional_delete);
  const auto old = put("a", "1").token;
  put("a", "2");
  EXPECT_EQ(store().remove({key("a"), old}, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(content("a"), "2");
}

TEST_P(Conditions, RemoveIfMatchOfAnAbsentObjectIsNoError) {
  CS_REQUIRE_CAPABILITY(conditional_delete);
  const auto token = stale_token();
  EXPECT_NO_THROW(store().remove({key("a"), token}, {}));
}

TEST_P(Conditions, RemoveManySparesAnotherVersionWhereItClaimsTo) {
  CS_REQUIRE_CAPABILITY(conditional_batch_delete);
  const auto old = put("a", "1").token;
  put("a", "2");
  const auto token = put("b", "1").token;
  const std::vector<DeleteRequest> requests{{key("a"), old}, {key("b"), token}};
  const auto results = store().remove_many(requests, {});
  EXPECT_EQ(results.at(0).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(results.at(1).outcome, Outcome::kOk);
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_P(Conditions, CopyOfAChangedSourceReportsPreconditionFailed) {
  CS_REQUIRE_CAPABILITY(conditional_copy_source);
  const auto old = put("from", "1").token;
  put("from", "2");
  const CopyRequest request{key("from"), old, key("to"), {}, 1};
  EXPECT_EQ(store().copy(request, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_FALSE(store().head(key("to"), {}));
}

TEST_P(Conditions, CopyToAnExistingDestinationIsRefusedWhereItIsClaimed) {
  CS_REQUIRE_CAPABILITY(conditional_copy_destination);
  const auto token = put("from", "1").token;
  put("to", "2");
  const CopyRequest request{key("from"), token, key("to"), absent(), 1};
  EXPECT_EQ(store().copy(request, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(content("to"), "2");
}

TEST_P(Conditions, NestedKeysAreHeldOrRefusedAsUnsupported) {
  put("a", "1");
  if (capabilities.nested_keys) {
    put("a/b", "2");
    EXPECT_EQ(names(), (std::vector<std::string>{"a", "a/b"}));
    return;
  }
  try {
    put("a/b", "2");
    // A server that takes the key and hides one of the two says so by this capability
    // alone.
    EXPECT_EQ(content("a"), "1");
  } catch (const Error& error) {
    EXPECT_EQ(content("a"), "1");
    EXPECT_NE(std::string(error.what()), "");
  }
}

}  // namespace
}  // namespace cloudsync::conformance
