// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/database_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cloudsync::sync {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

DatabaseClaim claim(const std::string& id, const std::string& path = "/state.db",
                    const std::string& host = "h1") {
  DatabaseClaim result;
  result.provider = "s3";
  result.container = "bucket";
  result.prefix = "data/";
  result.database_id = id;
  result.path = path;
  result.host = host;
  result.host_name = "name of " + host;
  return result;
}

ClaimVerdict judge(const DatabaseClaim& known, const DatabaseClaim& own, bool exists) {
  return judge_claim(&known, own, [=](const DatabaseClaim&) { return exists; });
}

TEST(DatabaseClaim, TheSameDatabaseMayMoveEvenToAnotherHost) {
  EXPECT_EQ(judge_claim(nullptr, claim("a"), {}), ClaimVerdict::kOwn);
  EXPECT_EQ(judge(claim("a"), claim("a"), true), ClaimVerdict::kOwn);
  EXPECT_EQ(judge(claim("a"), claim("a", "/other"), true), ClaimVerdict::kOwn);
  EXPECT_EQ(judge(claim("a"), claim("a", "/other", "h2"), true), ClaimVerdict::kOwn);
}

TEST(DatabaseClaim, AnotherOneCountsWhileTheFirstExistsOrCannotBeLookedFor) {
  EXPECT_EQ(judge(claim("a"), claim("b", "/other"), true), ClaimVerdict::kOtherHere);
  EXPECT_EQ(judge(claim("a"), claim("b", "/other"), false), ClaimVerdict::kRebuilt);
  EXPECT_EQ(judge(claim("a"), claim("b", "/x", "h2"), false), ClaimVerdict::kOtherHost);
}

TEST(DatabaseClaim, TheLatestOfThePairCounts) {
  auto old = claim("a");
  auto latest = claim("b");
  latest.at_ns = 5;
  auto other_pair = claim("c");
  other_pair.prefix = "other/";
  other_pair.at_ns = 9;
  const std::vector<DatabaseClaim> all = {latest, old, other_pair};
  EXPECT_EQ(find_claim(all, claim("x"))->database_id, "b");
}

TEST(DatabaseClaim, PutReplacesThatPairsOnly) {
  auto other_pair = claim("c");
  other_pair.container = "elsewhere";
  std::vector<DatabaseClaim> all = {claim("a"), other_pair};
  put_claim(all, claim("b"));
  EXPECT_THAT(all, SizeIs(2));
  EXPECT_EQ(find_claim(all, claim("x"))->database_id, "b");
}

TEST(DatabaseClaim, SurvivesJsonWithAnyBytes) {
  const auto odd = claim("a", "/\xff\x01 base64:", "h");
  const auto back = claims_from_json(
      nlohmann::json::parse(claims_to_json({odd, claim("b", "base64:x")}).dump()));
  ASSERT_THAT(back, SizeIs(2));
  EXPECT_EQ(back[0].path, odd.path);
  EXPECT_EQ(back[1].path, "base64:x");
  EXPECT_TRUE(back[0].concerns(odd));
}

TEST(DatabaseClaim, MalformedEntriesArePassedOver) {
  EXPECT_THAT(claims_from_json(nlohmann::json::parse(R"([1, {}, {"path": 3}])")),
              IsEmpty());
  EXPECT_THAT(claims_from_json(nlohmann::json("text")), IsEmpty());
}

TEST(DatabaseClaim, TheRefusalNamesBothAndTheWayOut) {
  const auto text = other_database_text(ClaimVerdict::kOtherHost, claim("a", "/one"),
                                        claim("b", "/two"), "/root");
  for (const char* part : {"'/one' on host 'name of h1'", "'/two'", "--force state"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace cloudsync::sync
