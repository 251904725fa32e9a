// SPDX-License-Identifier: Apache-2.0
#include "storage/memory/memory_store.h"

#include <gtest/gtest.h>

#include <string>

namespace cloudsync::storage {
namespace {

class StringSink : public ByteSink {
 public:
  void write(Bytes bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string text;
};

PutResult put(ObjectStore& store, const std::string& key, const std::string& content,
              Precondition condition = {}) {
  MemorySource source(std::as_bytes(std::span(content)));
  PutRequest request;
  request.key = {key};
  request.condition = std::move(condition);
  return store.put(request, source, {});
}

std::vector<std::string> keys(ObjectStore& store) {
  std::vector<std::string> found;
  for (const ObjectInfo& info : store.list({}, {}).objects)
    found.push_back(info.key.value);
  return found;
}

TEST(MemoryStoreTest, FaultBeforeLeavesNothingAndFaultAfterLeavesTheObject) {
  MemoryStore store;
  bool fail_after = false;
  store.set_fault([&](const std::string& operation, const std::string&, bool after) {
    if (operation == "put" && after == fail_after)
      throw Error(ErrorCode::kUnavailable, "cut");
  });
  EXPECT_THROW(put(store, "a", "1"), Error);
  EXPECT_FALSE(store.content("a"));
  fail_after = true;
  EXPECT_THROW(put(store, "a", "1"), Error);
  EXPECT_EQ(store.content("a"), "1");
  EXPECT_EQ(store.operations("put"), 2u);
}

TEST(MemoryStoreTest, RequiredPreconditionsMakeABlindWriteAnInternalError) {
  MemoryStore::Options options;
  options.require_preconditions = true;
  MemoryStore store(options);
  EXPECT_THROW(put(store, "a", "1"), Error);
  EXPECT_THROW(store.remove({{"a"}, {}}, {}), Error);
  EXPECT_EQ(put(store, "a", "1", {{}, true}).outcome, Outcome::kOk);
}

TEST(MemoryStoreTest, ConditionsAreIgnoredWhereTheCapabilityIsOff) {
  MemoryStore::Options options;
  options.capabilities.conditional_put = false;
  MemoryStore store(options);
  put(store, "a", "1");
  EXPECT_EQ(put(store, "a", "2", {{}, true}).outcome, Outcome::kOk);
  EXPECT_EQ(store.content("a"), "2");
}

TEST(MemoryStoreTest, Utf16OrderPutsAstralKeysBeforeThePrivateUseArea) {
  MemoryStore::Options options;
  options.capabilities.list_order = KeyOrder::kUtf16;
  MemoryStore store(options);
  store.put_directly("\xEE\x80\x80", "U+E000");
  store.put_directly("\xF0\x9F\x98\x80", "U+1F600");
  EXPECT_EQ(keys(store), (std::vector<std::string>{"\xF0\x9F\x98\x80", "\xEE\x80\x80"}));
}

TEST(MemoryStoreTest, ComponentOrderPutsTheSlashFirst) {
  MemoryStore::Options options;
  options.capabilities.list_order = KeyOrder::kComponent;
  MemoryStore store(options);
  store.put_directly("a-b", "");
  store.put_directly("a/b", "");
  EXPECT_EQ(keys(store), (std::vector<std::string>{"a/b", "a-b"}));
}

TEST(MemoryStoreTest, ContentTokensRepeatForTheSameBytes) {
  MemoryStore::Options options;
  options.content_tokens = true;
  MemoryStore store(options);
  const auto first = store.put_directly("a", "1");
  EXPECT_EQ(store.put_directly("a", "1"), first);
  EXPECT_EQ(first.value, "c4ca4238a0b923820dcc509a6f75849b");
}

TEST(MemoryStoreTest, OldVersionsStayReadableInAVersionedBucket) {
  MemoryStore::Options options;
  options.versioned = true;
  MemoryStore store(options);
  const std::string first = put(store, "a", "1").version_id;
  put(store, "a", "2");
  StringSink sink;
  GetRequest request;
  request.key = {"a"};
  request.version_id = first;
  EXPECT_EQ(store.get(request, sink, {}).outcome, Outcome::kOk);
  EXPECT_EQ(sink.text, "1");
}

TEST(MemoryStoreTest, BrokenBodyDeliversTheBytesBeforeTheBreak) {
  MemoryStore store;
  store.put_directly("a", "0123456789");
  store.break_next_body_after(4);
  StringSink sink;
  GetRequest request;
  request.key = {"a"};
  EXPECT_THROW(store.get(request, sink, {}), Error);
  EXPECT_EQ(sink.text, "0123");
}

TEST(MemoryStoreTest, ArchivedObjectIsListedButNotReadable) {
  MemoryStore store;
  store.put_directly("a", "1");
  store.archive("a");
  StringSink sink;
  GetRequest request;
  request.key = {"a"};
  EXPECT_EQ(store.get(request, sink, {}).outcome, Outcome::kArchived);
  EXPECT_TRUE(store.list({}, {}).objects.at(0).archived);
}

TEST(MemoryStoreTest, WithoutNestedKeysAChildOfAnObjectIsRefused) {
  MemoryStore::Options options;
  options.capabilities.nested_keys = false;
  MemoryStore store(options);
  put(store, "a", "1");
  EXPECT_THROW(put(store, "a/b", "2"), Error);
  EXPECT_EQ(put(store, "a-b", "2").outcome, Outcome::kOk);
}

TEST(MemoryStoreTest, OneKeysFailureInRemoveManyIsItsOwn) {
  MemoryStore store;
  store.put_directly("a", "1");
  store.put_directly("b", "2");
  store.set_fault([](const std::string& operation, const std::string& key, bool) {
    if (operation == "remove_many_key" && key == "a")
      throw Error(ErrorCode::kThrottled, "slow");
  });
  const std::vector<DeleteRequest> requests{{{"a"}, {}}, {{"b"}, {}}};
  const auto results = store.remove_many(requests, {});
  EXPECT_TRUE(results.at(0).error);
  EXPECT_FALSE(results.at(1).error);
  EXPECT_EQ(keys(store), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace cloudsync::storage
