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

Capabilities probe(MemoryStore& store) {
  return probe_capabilities(store, "data/", "id", {});
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
  EXPECT_EQ(capabilities_to_json(found), capabilities_to_json(actual));
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

// Azurite answers 500 to x-ms-content-crc64.
TEST(ProbeTest, AServerThatAlwaysFailsAtAChecksumDoesNotHaveIt) {
  Scripted store;
  int asked = 0;
  store.on_checksum = [&] {
    ++asked;
    throw answered(500);
  };
  EXPECT_FALSE(probe(store).crc64nvme);
  EXPECT_EQ(asked, 2);
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
  store.on_checksum = [&] {
    store.set_fault([](const std::string& name, const std::string&, bool after) {
      if (name == "put" && !after) throw answered(500);
    });
    throw answered(500);
  };
  EXPECT_THROW(probe(store), Error);
  store.on_checksum = [] { throw Error(ErrorCode::kUnavailable, "connection lost"); };
  store.set_fault({});
  EXPECT_THROW(probe(store), Error);
}

TEST(ProbeTest, AServerWithoutBatchesDeletesKeyByKey) {
  Scripted store;
  store.knows_batches = false;
  const Capabilities found = probe(store);
  EXPECT_EQ(found.batch_delete_limit, 1u);
  EXPECT_FALSE(found.conditional_batch_delete);
  const auto remembered =
      capabilities_from_json(capabilities_to_json(found), store.capabilities());
  ASSERT_TRUE(remembered);
  EXPECT_EQ(remembered->batch_delete_limit, 1u);
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

TEST(ProbeTest, OutageIsAnErrorAndLeavesNothingBehind) {
  for (int failing = 1; failing < 40; ++failing) {
    MemoryStore store;
    std::atomic<int> calls = 0;
    store.set_fault([&](const std::string& name, const std::string&, bool after) {
      if (name == "remove" || name == "abort_upload" || name == "remove_many_key") return;
      if (after && ++calls == failing) throw Error(ErrorCode::kUnavailable, "cut");
    });
    if (failing < 20) {
      EXPECT_THROW(probe(store), Error) << failing;
    } else {
      try {
        probe(store);
      } catch (const Error&) {
      }
    }
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
  EXPECT_THROW(probe_capabilities(store, "", "id", context), Error);
  EXPECT_TRUE(testing::keys(store).empty());
  EXPECT_TRUE(store.multipart()->list_uploads("", {}).empty());
}

TEST(CapabilitiesJsonTest, RoundTripKeepsFlagsAndTakesLimitsFromTheDeclaration) {
  Capabilities probed;
  probed.conditional_delete = false;
  probed.nested_keys = false;
  probed.list_order = KeyOrder::kUtf16;
  probed.max_parts = 1;
  Capabilities declared;
  declared.declared = false;
  declared.max_parts = 77;
  const auto read = capabilities_from_json(capabilities_to_json(probed), declared);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->conditional_delete);
  EXPECT_FALSE(read->nested_keys);
  EXPECT_EQ(read->list_order, KeyOrder::kUtf16);
  EXPECT_EQ(read->max_parts, 77u);
  EXPECT_TRUE(read->declared);
}

TEST(CapabilitiesJsonTest, ForeignTextIsNothing) {
  const Capabilities declared;
  for (const char* text : {"", "{", "[]", "{}", "{\"version\":99}", "{\"version\":\"1\"}",
                           "{\"version\":1,\"conditional_put\":true}"}) {
    EXPECT_FALSE(capabilities_from_json(text, declared)) << text;
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

TEST(ProbeTest, AnOutageIsNotTakenForAServerWithoutNestedKeys) {
  MemoryStore store;
  bool down = false;
  store.set_fault([&](const std::string& name, const std::string& key, bool after) {
    down = down || (name == "put" && !after && key.ends_with("/n"));
    if (down && name == "put") throw Error(ErrorCode::kUnavailable, "hung up");
  });
  EXPECT_THROW(probe(store), Error);
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
  EXPECT_THROW(probe_capabilities(store, "data/", "id", {stop.get_token(), {}}), Error);
  EXPECT_TRUE(testing::keys(store).empty());
  EXPECT_EQ(store.unbounded, 0);
}

}  // namespace
}  // namespace cloudsync::storage
