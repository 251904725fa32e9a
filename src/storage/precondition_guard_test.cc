// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "storage/decorators.h"
#include "storage/memory/memory_store.h"
#include "storage/server_helps.h"
#include "storage/storage_testing.h"

namespace cloudsync::storage {
namespace {

using testing::keys;
using testing::put;

MemoryStore::Options ignoring_everything() {
  MemoryStore::Options options;
  Capabilities& capabilities = options.capabilities;
  capabilities.conditional_put = false;
  capabilities.conditional_complete = false;
  capabilities.conditional_delete = false;
  capabilities.conditional_batch_delete = false;
  capabilities.conditional_copy_source = false;
  capabilities.conditional_copy_destination = false;
  return options;
}

class PreconditionGuardTest : public ::testing::Test {
 protected:
  MemoryStore memory{ignoring_everything()};
  std::unique_ptr<ObjectStore> store =
      make_precondition_guard(memory, declared_facts(memory.capabilities()));
};

TEST_F(PreconditionGuardTest, PutIfAbsentIsKept) {
  EXPECT_EQ(put(*store, "a", "1", {{}, true}).outcome, Outcome::kOk);
  EXPECT_EQ(put(*store, "a", "2", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.content("a"), "1");
}

TEST_F(PreconditionGuardTest, PutIfMatchIsKept) {
  const auto old = memory.put_directly("a", "1");
  const auto now = memory.put_directly("a", "2");
  EXPECT_EQ(put(*store, "a", "3", {old, false}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(put(*store, "a", "3", {now, false}).outcome, Outcome::kOk);
  EXPECT_EQ(put(*store, "b", "3", {now, false}).outcome, Outcome::kPreconditionFailed);
}

TEST_F(PreconditionGuardTest, DeletesAreKept) {
  const auto old = memory.put_directly("a", "1");
  const auto now = memory.put_directly("a", "2");
  EXPECT_EQ(store->remove({{"a"}, old}, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.content("a"), "2");
  EXPECT_EQ(store->remove({{"a"}, now}, {}).outcome, Outcome::kOk);
  EXPECT_EQ(store->remove({{"a"}, now}, {}).outcome, Outcome::kOk);
}

TEST_F(PreconditionGuardTest, BatchDeletesAreKeptPerKeyAndInOrder) {
  const auto old = memory.put_directly("a", "1");
  memory.put_directly("a", "2");
  const auto token = memory.put_directly("b", "1");
  memory.put_directly("c", "1");
  const std::vector<DeleteRequest> requests{{{"c"}, {}}, {{"a"}, old}, {{"b"}, token}};
  const auto results = store->remove_many(requests, {});
  EXPECT_EQ(results.at(0).outcome, Outcome::kOk);
  EXPECT_EQ(results.at(1).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(results.at(2).outcome, Outcome::kOk);
  EXPECT_EQ(keys(memory), std::vector<std::string>{"a"});
}

TEST_F(PreconditionGuardTest, CopyConditionsAreKeptOnBothEnds) {
  const auto old = memory.put_directly("a", "1");
  const auto now = memory.put_directly("a", "2");
  memory.put_directly("taken", "3");
  EXPECT_EQ(store->copy({{"a"}, old, {"b"}, {}, 1}, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(store->copy({{"a"}, now, {"taken"}, {{}, true}, 1}, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(store->copy({{"x"}, now, {"b"}, {}, 1}, {}).outcome, Outcome::kNotFound);
  EXPECT_EQ(store->copy({{"a"}, now, {"b"}, {{}, true}, 1}, {}).outcome, Outcome::kOk);
  EXPECT_EQ(memory.content("taken"), "3");
}

TEST_F(PreconditionGuardTest, CompleteIfAbsentIsKept) {
  memory.put_directly("a", "1");
  MultipartStore& multipart = *store->multipart();
  CompleteRequest request;
  request.key = {"a"};
  request.upload = multipart.begin_upload({{"a"}, {}, 0, 0, "", "", {}, {}, {}}, {});
  const std::string body = "parts";
  testing::TextSource source(body);
  PartRequest part;
  part.key = request.key;
  part.upload = request.upload;
  part.number = 1;
  request.parts = {multipart.upload_part(part, source, {})};
  request.condition = {{}, true};
  EXPECT_EQ(multipart.complete_upload(request, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.content("a"), "1");
}

TEST_F(PreconditionGuardTest, WhatTheServerHonoursCostsNoRequest) {
  MemoryStore honest;
  const auto guarded =
      make_precondition_guard(honest, declared_facts(honest.capabilities()));
  put(*guarded, "a", "1", {{}, true});
  EXPECT_EQ(honest.operations("head"), 0u);
}

TEST(CountedStoreTest, RequestsAreCountedByKind) {
  MemoryStore memory;
  RequestCounter counter;
  const auto store = make_counted_store(memory, counter);
  put(*store, "a", "1");
  put(*store, "b", "1");
  store->head({"a"}, {});
  std::string body;
  testing::get(*store, "a", body);
  store->list({}, {});
  store->remove({{"a"}, {}}, {});
  store->multipart()->list_uploads("", {});
  const RequestCounts counts = counter.counts();
  EXPECT_EQ(counts.put, 2u);
  EXPECT_EQ(counts.head, 1u);
  EXPECT_EQ(counts.get, 1u);
  EXPECT_EQ(counts.list, 1u);
  EXPECT_EQ(counts.del, 1u);
  EXPECT_EQ(counts.other, 1u);
}

// Watches the conditions that arrive, and answers some of them in its own way.
class Watching final : public MemoryStore, public ServerHelps {
 public:
  PutResult put(const PutRequest& request, ByteSource& source,
                const CallContext& context) override {
    conditions.push_back(request.condition);
    if (request.condition.any() && refuses_to_hear)
      throw Error(ErrorCode::kUnsupported, "NotImplemented",
                  {501, "NotImplemented", "", {}});
    if (request.condition.if_absent && below_marker) {
      PutResult refused;
      refused.outcome = Outcome::kPreconditionFailed;
      return refused;
    }
    if (below_marker && request.condition.if_match == below_marker) {
      PutRequest plain = request;
      plain.condition = {};
      return MemoryStore::put(plain, source, context);
    }
    return MemoryStore::put(request, source, context);
  }
  std::optional<VersionToken> token_below_marker(const ObjectKey&,
                                                 const CallContext&) override {
    return names_versions ? below_marker : std::nullopt;
  }
  std::vector<Precondition> conditions;
  bool refuses_to_hear = false;
  bool names_versions = true;
  std::optional<VersionToken> below_marker;
};

ServerFacts put_support(Support support) {
  ServerFacts facts = declared_facts(Capabilities{});
  facts.support[feature::kPut] = support;
  return facts;
}

const Precondition kAbsent{{}, true};

TEST(GuardOfTheUnknown, TheConditionIsSentAndTheKeyLookedAt) {
  Watching store;
  const auto guarded = make_precondition_guard(store, put_support(Support::kUnknown));
  EXPECT_EQ(put(*guarded, "a", "1", kAbsent).outcome, Outcome::kOk);
  EXPECT_EQ(store.conditions, std::vector<Precondition>{kAbsent});
  EXPECT_EQ(store.operations("head"), 1u);
  EXPECT_EQ(put(*guarded, "a", "2", kAbsent).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(store.conditions.size(), 1u);
}

TEST(GuardOfTheUnknown, ARefusalToHearIsLearntAndLookingGoesOn) {
  for (const Support before : {Support::kUnknown, Support::kHonoured}) {
    Watching store;
    store.refuses_to_hear = true;
    std::vector<Support> learnt;
    GuardOptions options;
    options.on_learnt = [&](const std::string& name, Support now, const std::string&) {
      EXPECT_EQ(name, feature::kPut);
      learnt.push_back(now);
    };
    const auto guarded = make_precondition_guard(store, put_support(before), options);
    EXPECT_EQ(put(*guarded, "a", "1", kAbsent).outcome, Outcome::kOk);
    EXPECT_EQ(learnt.back(), Support::kRefused);
    store.conditions.clear();
    EXPECT_EQ(put(*guarded, "b", "1", kAbsent).outcome, Outcome::kOk);
    EXPECT_EQ(store.conditions, std::vector<Precondition>{Precondition{}});
    EXPECT_EQ(put(*guarded, "b", "2", kAbsent).outcome, Outcome::kPreconditionFailed);
  }
}

TEST(GuardOfTheUnknown, NothingIsLearntOfConditionsFromRefusedTags) {
  MemoryStore memory{ignoring_everything()};
  memory.set_fault([](const std::string& operation, const std::string&, bool after) {
    if (operation != "put" || after) return;
    throw Error(ErrorCode::kUnsupported, "no tags here",
                ServiceDetail{501, "NotImplemented", "", {}});
  });
  int learnt = 0;
  GuardOptions options;
  options.on_learnt = [&](const auto&...) { ++learnt; };
  const auto store = make_precondition_guard(memory, {}, options);
  PutRequest request;
  request.key = {"a"};
  request.condition.if_absent = true;
  request.tags = {{"team", "red"}};
  MemorySource body(Bytes{});
  EXPECT_THROW(store->put(request, body, {}), Error);
  EXPECT_EQ(learnt, 0);
  request.tags.clear();
  EXPECT_THROW(store->put(request, body, {}), Error);
  EXPECT_EQ(learnt, 1);
}

TEST(GuardOfTheUnknown, WhereConditionsAreRequiredLookingIsNoSubstitute) {
  Watching store;
  store.refuses_to_hear = true;
  GuardOptions options;
  options.may_look_instead = false;
  const auto guarded =
      make_precondition_guard(store, put_support(Support::kHonoured), options);
  EXPECT_THROW(put(*guarded, "a", "1", kAbsent), Error);
  EXPECT_FALSE(store.content("a"));
}

TEST(GuardOverDeleteMarkers, TheVersionBelowIsTheCondition) {
  Watching store;
  store.below_marker = VersionToken{"old"};
  GuardOptions options;
  options.doubts_refusals = true;
  options.may_look_instead = false;
  const auto guarded =
      make_precondition_guard(store, put_support(Support::kHonoured), options);
  EXPECT_EQ(put(*guarded, "a", "1", kAbsent).outcome, Outcome::kOk);
  EXPECT_EQ(store.conditions.back().if_match, store.below_marker);
  store.names_versions = false;
  EXPECT_THROW(put(*guarded, "b", "1", kAbsent), Error);
}

TEST(GuardOverDeleteMarkers, AnObjectThatIsThereStaysRefused) {
  Watching store;
  store.put_directly("a", "foreign");
  store.below_marker = VersionToken{"old"};
  GuardOptions options;
  options.doubts_refusals = true;
  const auto guarded =
      make_precondition_guard(store, put_support(Support::kHonoured), options);
  EXPECT_EQ(put(*guarded, "a", "1", kAbsent).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(store.content("a"), "foreign");
}

}  // namespace
}  // namespace cloudsync::storage
