// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <span>

#include "storage/decorators.h"
#include "storage/memory/memory_store.h"
#include "storage/storage_testing.h"

namespace cloudsync::storage {
namespace {

MemoryStore::Options options_with(const Capabilities& capabilities) {
  MemoryStore::Options options;
  options.capabilities = capabilities;
  return options;
}

ServerFacts facts_of(ObjectStore& store) {
  return probe_server(store, "data/", "id", {}, {}).facts;
}

Capabilities probe(ObjectStore& store) {
  return facts_of(store).over(store.capabilities());
}

std::string text_of(const Capabilities& capabilities) {
  return facts_to_json(declared_facts(capabilities));
}

struct FlagCase {
  const char* name;
  bool Capabilities::* flag;
};

class CapabilityProbeTest : public ::testing::TestWithParam<FlagCase> {};
INSTANTIATE_TEST_SUITE_P(
    Flags, CapabilityProbeTest,
    ::testing::Values(FlagCase{"put", &Capabilities::conditional_put},
                      FlagCase{"complete", &Capabilities::conditional_complete},
                      FlagCase{"remove", &Capabilities::conditional_delete},
                      FlagCase{"batch_delete", &Capabilities::conditional_batch_delete},
                      FlagCase{"copy_source", &Capabilities::conditional_copy_source},
                      FlagCase{"copy_destination",
                               &Capabilities::conditional_copy_destination},
                      FlagCase{"nested_keys", &Capabilities::nested_keys},
                      FlagCase{"start_after", &Capabilities::start_after}),
    [](const auto& flag) { return flag.param.name; });

// One flag differs from all others at a time, so that no probe depends on another's
// answer.
TEST_P(CapabilityProbeTest, FindsTheFlagThatIsOff) {
  Capabilities actual;
  actual.conditional_batch_delete = true;
  actual.conditional_copy_destination = true;
  actual.*GetParam().flag = false;
  MemoryStore store(options_with(actual));
  const Capabilities found = probe(store);
  EXPECT_FALSE(found.*GetParam().flag);
  actual.multipart = true;
  actual.crc64nvme = true;
  EXPECT_EQ(text_of(found), text_of(actual));
  EXPECT_TRUE(testing::keys(store).empty());
}

TEST_P(CapabilityProbeTest, FindsTheFlagThatIsOn) {
  Capabilities actual;
  for (const auto flag :
       {&Capabilities::conditional_put, &Capabilities::conditional_complete,
        &Capabilities::conditional_delete, &Capabilities::conditional_batch_delete,
        &Capabilities::conditional_copy_source,
        &Capabilities::conditional_copy_destination, &Capabilities::nested_keys,
        &Capabilities::start_after}) {
    actual.*flag = false;
  }
  actual.*GetParam().flag = true;
  MemoryStore store(options_with(actual));
  EXPECT_TRUE(probe(store).*GetParam().flag);
}

TEST(ProbeOrderTest, FindsTheOrderOfTheListing) {
  for (const KeyOrder order :
       {KeyOrder::kUtf8, KeyOrder::kUtf16, KeyOrder::kComponent, KeyOrder::kNone}) {
    Capabilities actual;
    actual.list_order = order;
    MemoryStore store(options_with(actual));
    EXPECT_EQ(probe(store).list_order, order);
  }
}

TEST(ProbeTest, ChecksumIsClaimedWhereAWrongOneIsRefused) {
  MemoryStore store;
  EXPECT_TRUE(probe(store).crc64nvme);
}

TEST(ProbeTest, ChecksumsOfReadsAreConfirmedOnlyWhereTheyAreClaimed) {
  Capabilities actual;
  MemoryStore silent(options_with(actual));
  EXPECT_FALSE(probe(silent).crc32c);
  actual.crc32c = true;
  MemoryStore claiming(options_with(actual));
  EXPECT_TRUE(probe(claiming).crc32c);
}

// A store whose requests can be looked at and answered in its place.
class Scripted : public MemoryStore {
 public:
  using MemoryStore::MemoryStore;
  PutResult put(const PutRequest& request, ByteSource& source,
                const CallContext& context) override {
    if (request.crc64nvme && on_checksum) on_checksum();
    return MemoryStore::put(request, source, context);
  }
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest> requests,
                                        const CallContext& context) override {
    if (!knows_batches) throw Error(ErrorCode::kUnsupported, "no batches here");
    return MemoryStore::remove_many(requests, context);
  }
  std::function<void()> on_checksum;
  bool knows_batches = true;
};

Error answered(int status) {
  return Error(ErrorCode::kUnavailable, "injected",
               ServiceDetail{status, "InternalError", "", {}});
}

// Azurite answers 500 to x-ms-content-crc64. It is not used, and asked for again.
TEST(ProbeTest, AServerThatAlwaysFailsAtAChecksumLeavesItUnknown) {
  Scripted store;
  int asked = 0;
  store.on_checksum = [&] {
    ++asked;
    throw answered(500);
  };
  const ServerFacts facts = facts_of(store);
  EXPECT_EQ(facts.of(feature::kCrc64nvme), Support::kUnknown);
  EXPECT_FALSE(facts.over(store.capabilities()).crc64nvme);
  EXPECT_FALSE(facts.complete());
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(testing::keys(store).empty());
}

TEST(ProbeTest, AServerThatFailsOnceAtAChecksumIsAskedAgain) {
  Scripted store;
  int asked = 0;
  store.on_checksum = [&] {
    if (++asked == 1) throw answered(503);
  };
  EXPECT_TRUE(probe(store).crc64nvme);
}

TEST(ProbeTest, AnOutageDuringTheChecksumsIsNoAnswer) {
  Scripted store;
  store.on_checksum = [] { throw Error(ErrorCode::kUnavailable, "connection lost"); };
  const ServerFacts facts = facts_of(store);
  EXPECT_EQ(facts.of(feature::kCrc64nvme), Support::kUnknown);
  EXPECT_EQ(facts.of(feature::kPut), Support::kHonoured);
  EXPECT_TRUE(facts.doubts.contains(feature::kCrc64nvme));
}

TEST(ProbeTest, OnlyWhatIsUnknownIsAskedAgain) {
  Scripted store;
  store.on_checksum = [] { throw answered(503); };
  const ServerFacts first = facts_of(store);
  const auto remembered = facts_from_json(facts_to_json(first));
  ASSERT_TRUE(remembered);
  store.on_checksum = {};
  const auto before = store.operations("put");
  const ServerFacts second = probe_server(store, "data/", "id", *remembered, {}).facts;
  EXPECT_TRUE(second.complete());
  EXPECT_EQ(second.of(feature::kCrc64nvme), Support::kHonoured);
  EXPECT_LE(store.operations("put") - before, 4u);
}

TEST(ProbeTest, ARefusedWriteLeavesEverythingUnknownAtOnce) {
  MemoryStore store;
  int asked = 0;
  store.set_fault([&](const std::string& name, const std::string&, bool after) {
    if (name != "put" || after) return;
    ++asked;
    throw Error(ErrorCode::kPermissionDenied, "no", ServiceDetail{403, "", "", {}});
  });
  const ServerFacts facts = facts_of(store);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(facts.of(feature::kPut), Support::kUnknown);
  EXPECT_FALSE(facts.over(store.capabilities()).conditional_put);
}

TEST(ProbeTest, WhatAnswers501Or404IsRefused) {
  for (const int status : {400, 404, 405, 501}) {
    Scripted store;
    store.on_checksum = [&] {
      throw Error(ErrorCode::kUnsupported, "no", ServiceDetail{status, "", "", {}});
    };
    const ServerFacts facts = facts_of(store);
    EXPECT_EQ(facts.of(feature::kCrc64nvme), Support::kRefused) << status;
    EXPECT_TRUE(facts.complete());
  }
}

TEST(ProbeTest, AServerWithoutBatchesDeletesKeyByKey) {
  Scripted store;
  store.knows_batches = false;
  const ServerFacts found = facts_of(store);
  const Capabilities capabilities = found.over(store.capabilities());
  EXPECT_EQ(capabilities.batch_delete_limit, 1u);
  EXPECT_FALSE(capabilities.conditional_batch_delete);
  const auto remembered = facts_from_json(facts_to_json(found));
  ASSERT_TRUE(remembered);
  EXPECT_EQ(remembered->over(store.capabilities()).batch_delete_limit, 1u);
  const auto guard = make_precondition_guard(store, found);
  store.put_directly("a", "1");
  store.put_directly("b", "2");
  const std::vector<DeleteRequest> requests{{{"a"}, {}}, {{"b"}, {}}};
  for (const DeleteResult& result : guard->remove_many(requests, {})) {
    EXPECT_FALSE(result.error);
  }
  EXPECT_TRUE(testing::keys(store).empty());
}

TEST(ProbeTest, AServerWithoutUploadsTakesObjectsWhole) {
  MemoryStore store;
  store.set_fault([](const std::string& name, const std::string&, bool) {
    if (name == "upload_part") throw Error(ErrorCode::kUnsupported, "no parts here");
  });
  const Capabilities found = probe(store);
  EXPECT_FALSE(found.multipart);
  EXPECT_FALSE(found.conditional_complete);
}

// A session is told its condition and its sizes at the beginning; a probe must not have
// to send a part of the smallest size.
TEST(ProbeTest, UploadsAreOneLastPartBegunWithTheirCondition) {
  class Watching final : public MemoryStore {
   public:
    using MemoryStore::MemoryStore;
    PutResult put(const PutRequest& request, ByteSource& source,
                  const CallContext& context) override {
      largest = std::max(largest, source.size());
      return MemoryStore::put(request, source, context);
    }
    std::uint64_t largest = 0;
  };
  Capabilities actual;
  actual.min_part = 8 << 20;
  actual.sequential_parts = true;
  actual.part_copies = false;
  actual.lists_uploads = false;
  Watching store(options_with(actual));
  const Capabilities found = probe(store);
  EXPECT_TRUE(found.multipart);
  EXPECT_TRUE(found.conditional_complete);
  EXPECT_LT(store.largest, 100u);
  EXPECT_EQ(store.operations("copy_part"), 0u);
  EXPECT_EQ(store.operations("list_uploads"), 0u);
}

TEST(ProbeTest, TouchesNothingOutsideItsFolder) {
  MemoryStore store;
  store.put_directly("data/a", "1");
  store.set_fault([](const std::string& name, const std::string& key, bool) {
    if (name == "describe_bucket" || name == "remove_many") return;
    // What earlier probes left is looked for beside it.
    if (name.starts_with("list") && key == "data/.cloudsync/probe/") return;
    EXPECT_TRUE(key.starts_with("data/.cloudsync/probe/id/")) << name << " " << key;
  });
  probe(store);
  store.set_fault({});
  EXPECT_EQ(testing::keys(store), std::vector<std::string>{"data/a"});
}

TEST(ProbeTest, RefusalsAsErrorsCountAsHonoured) {
  MemoryStore store;
  store.set_fault([&](const std::string& name, const std::string& key, bool after) {
    // AWS answers 409 to a write that collides with another one.
    if (name == "put" && !after && key.ends_with("/c") && store.content(key)) {
      throw Error(ErrorCode::kUnsupported, "ConditionalRequestConflict",
                  ServiceDetail{409, "ConditionalRequestConflict", "", {}});
    }
  });
  // Every replacement is refused, also the right one: that is no use to us.
  EXPECT_FALSE(probe(store).conditional_put);
}

TEST(ProbeTest, AnOutageIsNoAnswerAndLeavesNothingBehind) {
  for (int failing = 1; failing < 40; failing += 13) {
    MemoryStore store;
    std::atomic<int> calls = 0;
    store.set_fault([&](const std::string& name, const std::string&, bool after) {
      if (name == "remove" || name == "abort_upload" || name == "remove_many_key") return;
      if (after && ++calls >= failing) throw Error(ErrorCode::kUnavailable, "cut");
    });
    EXPECT_FALSE(facts_of(store).complete()) << failing;
    store.set_fault({});
    EXPECT_TRUE(testing::keys(store).empty()) << failing;
  }
}

TEST(ProbeTest, StopStillCleansUp) {
  MemoryStore store;
  std::stop_source stop;
  CallContext context;
  context.stop = stop.get_token();
  store.set_fault([&](const std::string& name, const std::string&, bool after) {
    if (name == "copy" && after) stop.request_stop();
  });
  EXPECT_THROW(probe_server(store, "", "id", {}, context), Error);
  EXPECT_TRUE(testing::keys(store).empty());
  EXPECT_TRUE(store.multipart()->list_uploads("", {}).empty());
}

TEST(ServerFactsTest, RoundTripKeepsFactsAndTakesLimitsFromTheDeclaration) {
  Capabilities probed;
  probed.conditional_delete = false;
  probed.nested_keys = false;
  probed.list_order = KeyOrder::kUtf16;
  probed.max_parts = 1;
  Capabilities declared;
  declared.declared = false;
  declared.max_parts = 77;
  ServerFacts facts = declared_facts(probed);
  facts.learnt_ns = 42;
  facts.renounced = {"checksum_mode"};
  facts.support[feature::kPut] = Support::kIgnored;
  const auto read = facts_from_json(facts_to_json(facts));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->support, facts.support);
  EXPECT_EQ(read->learnt_ns, 42);
  EXPECT_EQ(read->renounced, facts.renounced);
  const Capabilities found = read->over(declared);
  EXPECT_FALSE(found.conditional_delete);
  EXPECT_FALSE(found.conditional_put);
  EXPECT_FALSE(found.nested_keys);
  EXPECT_EQ(found.list_order, KeyOrder::kUtf16);
  EXPECT_EQ(found.max_parts, 77u);
  EXPECT_TRUE(found.declared);
}

// What the version before wrote: without a time, so that everything is asked again.
TEST(ServerFactsTest, TheEarlierFormIsReadAndIsOld) {
  const auto read =
      facts_from_json(R"({"version":2,"conditional_put":true,"conditional_delete":false,)"
                      R"("batch_delete":true,"list_order":"utf8"})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->learnt_ns, 0);
  EXPECT_EQ(read->of(feature::kPut), Support::kHonoured);
  EXPECT_EQ(read->of(feature::kDelete), Support::kUnknown);
  EXPECT_EQ(read->list_order, KeyOrder::kUtf8);
}

TEST(ServerFactsTest, ForeignTextIsNothing) {
  for (const char* text : {"", "{", "[]", "{}", "{\"version\":99}", "{\"version\":\"1\"}",
                           "{\"version\":3,\"conditional_put\":true}"}) {
    EXPECT_FALSE(facts_from_json(text)) << text;
  }
}

TEST(ProbeTest, AServerThatHangsUpOnNestedKeysHasNone) {
  MemoryStore store;
  store.set_fault([](const std::string& name, const std::string& key, bool after) {
    if (name == "put" && !after && key.ends_with("/n"))
      throw Error(ErrorCode::kUnavailable, "hung up");
  });
  EXPECT_FALSE(probe(store).nested_keys);
}

TEST(CapabilityProbe, OneObjectThatStaysDoesNotKeepTheOthers) {
  MemoryStore store;
  store.set_fault([](const std::string& name, const std::string& key, bool after) {
    if (name == "remove" && !after && key.ends_with("/d"))
      throw Error(ErrorCode::kPermissionDenied, "injected");
  });
  probe(store);
  EXPECT_EQ(testing::keys(store), std::vector<std::string>{"data/.cloudsync/probe/id/d"});
}

// A server that does not answer any more would be asked for minutes.
TEST(CapabilityProbe, CleaningUpAfterAStopIsBoundedInTime) {
  class Watching final : public MemoryStore {
   public:
    DeleteResult remove(const DeleteRequest& request,
                        const CallContext& context) override {
      unbounded += context.deadline ? 0 : 1;
      return MemoryStore::remove(request, context);
    }
    int unbounded = 0;
  };
  Watching store;
  std::stop_source stop;
  store.set_fault([&](const std::string& name, const std::string&, bool after) {
    if (name == "copy" && !after) stop.request_stop();
  });
  EXPECT_THROW(probe_server(store, "data/", "id", {}, {stop.get_token(), {}}), Error);
  EXPECT_TRUE(testing::keys(store).empty());
  EXPECT_EQ(store.unbounded, 0);
}

}  // namespace
}  // namespace cloudsync::storage
