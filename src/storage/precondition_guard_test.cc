// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "storage/decorators.h"
#include "storage/memory/memory_store.h"
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
      make_precondition_guard(memory, memory.capabilities());
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
  request.upload = multipart.begin_upload({{"a"}, {}, 0, 0, "", "", {}}, {});
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
  const auto guarded = make_precondition_guard(honest, honest.capabilities());
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

}  // namespace
}  // namespace cloudsync::storage
