// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/proof.h"

#include <gtest/gtest.h>

namespace cloudsync::sync {
namespace {

Md5Digest md5_of(std::uint8_t byte) {
  Md5Digest md5;
  md5.fill(byte);
  return md5;
}

BaseRow adopted_by_schema_1() {
  BaseRow row;
  row.key = "k";
  row.size = 4;
  row.md5 = md5_of(1);
  row.flags = kBaseUnproven;
  return row;
}

storage::ObjectInfo object(std::optional<Md5Digest> md5) {
  storage::ObjectInfo info;
  info.size = 4;
  info.md5 = md5;
  return info;
}

TEST(Proof, IsKeptInTheRow) {
  const auto written = [](std::uint32_t flags, Proof proof) {
    BaseRow row;
    row.flags = flags;
    return std::get<UpsertBase>(proven_base(1, row, proof)).row.flags;
  };
  EXPECT_EQ(written(kBaseRacy, Proof::kTransferred), kBaseRacy | kBaseTransferred);
  EXPECT_EQ(written(kBaseTransferred, Proof::kCompared), kBaseCompared);
  EXPECT_EQ(written(kBaseTransferred, Proof::kStillUnchanged), kBaseTransferred);
  EXPECT_EQ(written(kBaseCompared, Proof::kNoContent), 0U);
  EXPECT_EQ(written(kBaseUnproven, Proof::kStillUnchanged), 0U);
}

TEST(Doubt, ConcernsOnlyRowsThatNobodyProved) {
  BaseRow row = adopted_by_schema_1();
  row.flags = kBaseCompared;
  const auto other = object(md5_of(2));
  EXPECT_EQ(doubt_of(row, &other, true), Doubt::kNone);
}

TEST(Doubt, TheObjectsOwnHashClearsIt) {
  const auto same = object(md5_of(1));
  EXPECT_EQ(doubt_of(adopted_by_schema_1(), &same, true), Doubt::kCleared);
  auto candidate = object(std::nullopt);
  candidate.md5_candidate = md5_of(1);
  EXPECT_EQ(doubt_of(adopted_by_schema_1(), &candidate, true), Doubt::kCleared);
}

TEST(Doubt, WithoutAHashOrWithAnotherTheRowIsVoid) {
  for (const auto& info : {object(std::nullopt), object(md5_of(2))}) {
    EXPECT_EQ(doubt_of(adopted_by_schema_1(), &info, true), Doubt::kVoid);
  }
  BaseRow strong = adopted_by_schema_1();
  strong.sha256.emplace();
  const auto same = object(md5_of(1));
  EXPECT_EQ(doubt_of(strong, &same, true), Doubt::kVoid);
}

TEST(Doubt, AgainstAMissingObjectTheTrashDecides) {
  EXPECT_EQ(doubt_of(adopted_by_schema_1(), nullptr, true), Doubt::kHarmless);
  EXPECT_EQ(doubt_of(adopted_by_schema_1(), nullptr, false), Doubt::kVoid);
}

}  // namespace
}  // namespace cloudsync::sync
