// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "storage/decorators.h"
#include "storage/memory/memory_store.h"
#include "storage/storage_testing.h"

namespace cloudsync::storage {
namespace {

using testing::bytes_of;
using testing::get;
using testing::JumpingClock;
using testing::put;
using testing::StringSink;
using testing::TextSource;

MemoryStore::Options like_s3() {
  MemoryStore::Options options;
  options.content_tokens = true;
  options.capabilities.min_part = 1;
  return options;
}

class RetryingStoreTest : public ::testing::Test {
 protected:
  // The named operation fails `times` times, before or after it took effect.
  void fail(const std::string& operation, bool after, int times,
            ErrorCode code = ErrorCode::kUnavailable) {
    left_ = times;
    memory.set_fault(
        [=, this](const std::string& name, const std::string&, bool is_after) {
          if (name != operation || is_after != after || left_ == 0) return;
          --left_;
          if (on_fault) on_fault();
          throw Error(code, "injected");
        });
  }

  MemoryStore memory{like_s3()};
  JumpingClock clock;
  int throttled = 0;
  std::function<void()> on_fault;  // another writer, at the moment of the failure
  std::unique_ptr<ObjectStore> store = make_retrying_store(
      memory, {}, {clock, base::system_random(), {}}, {{}, [this] { ++throttled; }});

 private:
  int left_ = 0;
};

TEST_F(RetryingStoreTest, ReadsAreRepeatedUntilTheBudgetIsUsedUp) {
  memory.put_directly("a", "1");
  fail("head", false, 3);
  EXPECT_TRUE(store->head({"a"}, {}));
  EXPECT_EQ(memory.operations("head"), 4u);
  fail("list", false, 4);
  EXPECT_THROW(store->list({}, {}), Error);
  EXPECT_EQ(clock.sleeps(), 6);
}

TEST_F(RetryingStoreTest, PermanentErrorsAreNotRepeated) {
  fail("head", false, 1, ErrorCode::kPermissionDenied);
  EXPECT_THROW(store->head({"a"}, {}), Error);
  EXPECT_EQ(memory.operations("head"), 1u);
}

TEST_F(RetryingStoreTest, ThrottlingIsReportedEachTime) {
  fail("head", false, 2, ErrorCode::kThrottled);
  store->head({"a"}, {});
  EXPECT_EQ(throttled, 2);
}

TEST_F(RetryingStoreTest, UnconditionalPutWithALostAnswerIsNotRepeated) {
  fail("put", true, 1);
  EXPECT_THROW(put(*store, "a", "1"), Error);
  EXPECT_EQ(memory.operations("put"), 1u);
}

// A store whose tokens are made of the content, with a clock of its own.
class RecurringTokensTest : public ::testing::Test {
 protected:
  class SetClock final : public JumpingClock {
   public:
    std::int64_t now_ns() const override { return now; }
    std::int64_t now = 1'700'000'000'000'000'000;
  };

  RecurringTokensTest() {
    auto options = like_s3();
    options.capabilities.tokens_recur = true;
    options.clock = &clock;
    memory = std::make_unique<MemoryStore>(options);
    token = memory->put_directly("a", "1");
    clock.now += 60'000'000'000;
    store = make_retrying_store(*memory, {}, {clock, base::system_random(), {}}, {});
  }
  // The first put's answer is lost, before or after it took effect.
  void lose_answer(bool after, std::function<void()> then = {}) {
    memory->set_fault([=, lost = false](const std::string& name, const std::string&,
                                        bool is_after) mutable {
      if (name != "put" || is_after != after || lost) return;
      lost = true;
      if (then) then();
      throw Error(ErrorCode::kUnavailable, "injected");
    });
  }

  SetClock clock;
  std::unique_ptr<MemoryStore> memory;
  VersionToken token;
  std::unique_ptr<ObjectStore> store;
};

TEST_F(RecurringTokensTest, PutSparesWhoPutTheOldContentBack) {
  lose_answer(true, [&] { EXPECT_EQ(memory->put_directly("a", "1"), token); });
  EXPECT_EQ(put(*store, "a", "2", {.if_match = token}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(memory->content("a"), "1");
}

TEST_F(RecurringTokensTest, PutThatDidNotArriveIsSentAgain) {
  lose_answer(false);
  EXPECT_EQ(put(*store, "a", "2", {.if_match = token}).outcome, Outcome::kOk);
  EXPECT_EQ(memory->content("a"), "2");
  EXPECT_EQ(memory->operations("put"), 2u);
}

TEST_F(RetryingStoreTest, UnconditionalPutIsRepeatedWhenItWasThrottled) {
  fail("put", false, 1, ErrorCode::kThrottled);
  EXPECT_EQ(put(*store, "a", "1").outcome, Outcome::kOk);
}

TEST_F(RetryingStoreTest, UnconditionalPutOfAnOwnKeyIsRepeated) {
  fail("put", true, 1);
  EXPECT_EQ(put(*store, "data/.cloudsync/trash/1/a", "1").outcome, Outcome::kOk);
  fail("put", true, 1);
  EXPECT_EQ(put(*store, ".cloudsync/probe/1", "1").outcome, Outcome::kOk);
  fail("put", true, 1);
  EXPECT_THROW(put(*store, "not.cloudsync/a", "1"), Error);
}

TEST_F(RetryingStoreTest, CreateWithALostAnswerIsSettledAsOurOwnSuccess) {
  fail("put", true, 1);
  const PutResult result = put(*store, "a", "1", {{}, true}, {{"mtime", "5"}});
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.token, memory.head({"a"}, {})->token);
  EXPECT_EQ(memory.operations("put"), 2u);
}

TEST_F(RetryingStoreTest, ReplaceWithALostAnswerIsSettledAsOurOwnSuccess) {
  const auto token = memory.put_directly("a", "old");
  fail("put", true, 1);
  EXPECT_EQ(put(*store, "a", "new", {token, false}).outcome, Outcome::kOk);
  EXPECT_EQ(memory.content("a"), "new");
}

TEST_F(RetryingStoreTest, ForeignContentAfterALostAnswerIsAFailedPrecondition) {
  fail("put", false, 1);
  on_fault = [&] { memory.put_directly("a", "foreign"); };
  EXPECT_EQ(put(*store, "a", "mine", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.content("a"), "foreign");
}

TEST_F(RetryingStoreTest, SameSizeIsNoProof) {
  fail("put", false, 1);
  on_fault = [&] { memory.put_directly("a", "abcd"); };
  EXPECT_EQ(put(*store, "a", "mine", {{}, true}).outcome, Outcome::kPreconditionFailed);
}

TEST_F(RetryingStoreTest, SameBytesWithForeignMetadataAreNotOurWrite) {
  fail("put", false, 1);
  on_fault = [&] { memory.put_directly("a", "1", {{"mtime", "6"}}); };
  EXPECT_EQ(put(*store, "a", "1", {{}, true}, {{"mtime", "5"}}).outcome,
            Outcome::kPreconditionFailed);
}

TEST_F(RetryingStoreTest, RefusalInTheFirstTryIsTakenAtItsWord) {
  memory.put_directly("a", "1");
  EXPECT_EQ(put(*store, "a", "1", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.operations("head"), 0u);
}

TEST_F(RetryingStoreTest, UnpinnedGetTellsTheMetadataThatOnlyHeadHas) {
  MemoryStore::Options options;
  options.silent_get = true;
  MemoryStore silent(options);
  silent.put_directly("a", "1", {{"mtime", "6"}});
  const auto retrying =
      make_retrying_store(silent, {}, {clock, base::system_random(), {}});
  testing::StringSink sink;
  const GetResult result = retrying->get({{"a"}, {}, {}, ""}, sink, {});
  EXPECT_EQ(result.info.metadata, (Metadata{{"mtime", "6"}}));
}

TEST_F(RetryingStoreTest, BodyIsSentFromItsBeginningEachTime) {
  fail("put", false, 2);
  EXPECT_EQ(put(*store, "a", "whole body", {{}, true}).outcome, Outcome::kOk);
  EXPECT_EQ(memory.content("a"), "whole body");
}

TEST_F(RetryingStoreTest, BrokenBodyGoesOnAtTheByteWhereItBroke) {
  const auto token = memory.put_directly("a", "0123456789");
  memory.break_next_body_after(4);
  std::string body;
  const GetResult result = get(*store, "a", body, {}, token);
  EXPECT_EQ(body, "0123456789");
  EXPECT_EQ(result.body_bytes, 10u);
  EXPECT_EQ(result.info.size, 10u);
}

TEST_F(RetryingStoreTest, BrokenRangeGoesOnInsideTheRange) {
  const auto token = memory.put_directly("a", "0123456789");
  memory.break_next_body_after(2);
  std::string body;
  EXPECT_EQ(get(*store, "a", body, ByteRange{3, 5}, token).body_bytes, 5u);
  EXPECT_EQ(body, "34567");
}

TEST_F(RetryingStoreTest, UnpinnedBodyGoesOnWithTheVersionFirstSeen) {
  memory.put_directly("a", "0123456789");
  memory.break_next_body_after(4);
  std::string body;
  EXPECT_EQ(get(*store, "a", body).outcome, Outcome::kOk);
  EXPECT_EQ(body, "0123456789");
}

TEST_F(RetryingStoreTest, BodyThatBrokeAfterItsLastByteIsComplete) {
  const auto token = memory.put_directly("a", "0123456789");
  memory.break_next_body_after(10);
  std::string body;
  EXPECT_EQ(get(*store, "a", body, {}, token).body_bytes, 10u);
  EXPECT_EQ(body, "0123456789");
  EXPECT_EQ(memory.operations("get"), 1u);
}

TEST_F(RetryingStoreTest, ObjectReplacedWhileItsBodyBrokeIsAnError) {
  const auto token = memory.put_directly("a", "0123456789");
  memory.break_next_body_after(4);
  memory.set_fault([&](const std::string& name, const std::string&, bool after) {
    if (name == "head" && !after) memory.put_directly("a", "xx");
  });
  StringSink sink;
  try {
    store->get({{"a"}, {}, token, ""}, sink, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kPreconditionFailed);
  }
  EXPECT_EQ(sink.text, "0123");
}

TEST_F(RetryingStoreTest, PinnedGetOfAnotherVersionIsAValue) {
  const auto token = memory.put_directly("a", "1");
  memory.put_directly("a", "2");
  std::string body;
  EXPECT_EQ(get(*store, "a", body, {}, token).outcome, Outcome::kPreconditionFailed);
}

TEST_F(RetryingStoreTest, FailureOfTheReceiverIsNeverRepeated) {
  class FullSink : public ByteSink {
   public:
    void write(Bytes) override {
      ++calls;
      throw Error(ErrorCode::kUnavailable, "the receiver broke");
    }
    int calls = 0;
  };
  const auto token = memory.put_directly("a", "1");
  FullSink sink;
  EXPECT_THROW(store->get({{"a"}, {}, token, ""}, sink, {}), Error);
  EXPECT_EQ(sink.calls, 1);
}

TEST_F(RetryingStoreTest, DeleteOfATokenWithALostAnswerIsDoneWhenTheObjectIsGone) {
  const auto token = memory.put_directly("a", "1");
  fail("remove", true, 1);
  EXPECT_EQ(store->remove({{"a"}, token}, {}).outcome, Outcome::kOk);
  EXPECT_FALSE(memory.content("a"));
}

TEST_F(RetryingStoreTest, DeleteOfATokenSparesWhatCameAfterIt) {
  const auto token = memory.put_directly("a", "1");
  fail("remove", true, 1);
  on_fault = [&] { memory.put_directly("a", "2"); };
  EXPECT_EQ(store->remove({{"a"}, token}, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.content("a"), "2");
}

TEST_F(RetryingStoreTest, DeleteOfANameWithALostAnswerIsNotRepeated) {
  memory.put_directly("a", "1");
  fail("remove", true, 1);
  EXPECT_THROW(store->remove({{"a"}, {}}, {}), Error);
  EXPECT_EQ(memory.operations("remove"), 1u);
}

TEST_F(RetryingStoreTest, RemoveManyRepeatsOnlyTheKeysThatFailed) {
  std::vector<DeleteRequest> requests;
  for (const char* key : {"a", "b", "c"}) {
    requests.push_back({{key}, memory.put_directly(key, key)});
  }
  int left = 2;
  std::vector<std::string> asked;
  memory.set_fault([&](const std::string& name, const std::string& key, bool) {
    if (name != "remove_many_key") return;
    asked.push_back(key);
    if (key == "b" && left-- > 0) throw Error(ErrorCode::kThrottled, "slow down");
  });
  for (const auto& result : store->remove_many(requests, {})) EXPECT_FALSE(result.error);
  EXPECT_EQ(asked, (std::vector<std::string>{"a", "b", "c", "b", "b"}));
}

TEST_F(RetryingStoreTest, RemoveManyLeavesTheErrorOfAKeyThatMayNotBeRepeated) {
  memory.put_directly("a", "1");
  memory.put_directly("b", "1");
  memory.set_fault([&](const std::string& name, const std::string& key, bool) {
    if (name == "remove_many_key" && key == "b")
      throw Error(ErrorCode::kUnavailable, "cut");
  });
  const std::vector<DeleteRequest> requests{{{"a"}, {}}, {{"b"}, {}}};
  const auto results = store->remove_many(requests, {});
  EXPECT_FALSE(results.at(0).error);
  EXPECT_TRUE(results.at(1).error);
  EXPECT_EQ(memory.operations("remove_many"), 1u);
}

TEST_F(RetryingStoreTest, RemoveManyOfNamesWithALostAnswerIsNotRepeated) {
  memory.put_directly("a", "1");
  fail("remove_many", true, 1);
  const std::vector<DeleteRequest> requests{{{"a"}, {}}};
  EXPECT_THROW(store->remove_many(requests, {}), Error);
  EXPECT_EQ(memory.operations("remove_many"), 1u);
}

TEST_F(RetryingStoreTest, CopyIntoTrashWithALostAnswerIsRepeated) {
  const auto token = memory.put_directly("a", "1");
  fail("copy", true, 1);
  const CopyRequest request{{"a"}, token, {".cloudsync/trash/1/a"}, {}, 1};
  EXPECT_EQ(store->copy(request, {}).outcome, Outcome::kOk);
  EXPECT_EQ(memory.operations("copy"), 2u);
}

TEST_F(RetryingStoreTest, CopyToAnOrdinaryKeyWithALostAnswerIsNotRepeated) {
  const auto token = memory.put_directly("a", "1");
  fail("copy", true, 1);
  EXPECT_THROW(store->copy({{"a"}, token, {"b"}, {}, 1}, {}), Error);
}

TEST_F(RetryingStoreTest, StopEndsTheWaiting) {
  std::stop_source stop;
  fail("head", false, 100);
  on_fault = [&] { stop.request_stop(); };
  CallContext context;
  context.stop = stop.get_token();
  try {
    store->head({"a"}, context);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  EXPECT_EQ(memory.operations("head"), 1u);
}

class RetryingUploadsTest : public RetryingStoreTest {
 protected:
  CompleteRequest upload(const std::vector<std::string>& bodies,
                         Precondition condition = {}) {
    MultipartStore& multipart = *store->multipart();
    CompleteRequest complete;
    complete.key = {"big"};
    complete.upload = multipart.begin_upload({{"big"}, {}, 0, 0, "", "", {}, {}, {}}, {});
    complete.condition = std::move(condition);
    for (const std::string& body : bodies) {
      PartRequest part;
      part.key = {"big"};
      part.upload = complete.upload;
      part.number = static_cast<std::uint32_t>(complete.parts.size() + 1);
      TextSource source(body);
      complete.parts.push_back(multipart.upload_part(part, source, {}));
      complete.size += body.size();
    }
    return complete;
  }
};

TEST_F(RetryingUploadsTest, PartsAreRepeatedWithTheirWholeBody) {
  fail("upload_part", true, 2);
  const CompleteRequest complete = upload({"first", "second"});
  EXPECT_EQ(store->multipart()->complete_upload(complete, {}).outcome, Outcome::kOk);
  EXPECT_EQ(memory.content("big"), "firstsecond");
}

TEST_F(RetryingUploadsTest, CompleteWithALostAnswerIsSettledByTheEtagOfItsParts) {
  const CompleteRequest complete = upload({"first", "second"}, {{}, true});
  fail("complete_upload", true, 1);
  const PutResult result = store->multipart()->complete_upload(complete, {});
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.token, memory.head({"big"}, {})->token);
  EXPECT_EQ(memory.operations("complete_upload"), 2u);
}

TEST_F(RetryingUploadsTest, CompleteThatCannotBeProvenThrows) {
  const CompleteRequest complete = upload({"first", "second"});
  fail("complete_upload", true, 1);
  on_fault = [&] { memory.put_directly("big", "FIRSTSECOND"); };
  try {
    store->multipart()->complete_upload(complete, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(std::string(error.what()).find("does not prove"), std::string::npos);
  }
}

TEST_F(RetryingUploadsTest, CompleteOfAnUploadThatAnEarlierRunCompletedIsOk) {
  const CompleteRequest complete = upload({"first", "second"}, {{}, true});
  EXPECT_EQ(memory.multipart()->complete_upload(complete, {}).outcome, Outcome::kOk);
  EXPECT_EQ(store->multipart()->complete_upload(complete, {}).outcome, Outcome::kOk);
}

TEST_F(RetryingUploadsTest, CompleteOfAnAbortedUploadIsNotFound) {
  const CompleteRequest complete = upload({"first"});
  store->multipart()->abort_upload({"big"}, complete.upload, {});
  EXPECT_EQ(store->multipart()->complete_upload(complete, {}).outcome,
            Outcome::kNotFound);
}

TEST_F(RetryingUploadsTest, ForeignObjectAtCompleteIsAFailedPrecondition) {
  const CompleteRequest complete = upload({"first"}, {{}, true});
  fail("complete_upload", false, 1);
  on_fault = [&] { memory.put_directly("big", "other"); };
  EXPECT_EQ(store->multipart()->complete_upload(complete, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.content("big"), "other");
}

TEST_F(RetryingUploadsTest, WholeChecksumProvesACompleteWhereTheTokenDoesNot) {
  MemoryStore::Options options;
  options.capabilities.min_part = 1;
  MemoryStore counting(options);
  const auto retrying =
      make_retrying_store(counting, {}, {clock, base::system_random(), {}});
  MultipartStore& multipart = *retrying->multipart();
  CompleteRequest complete;
  complete.key = {"big"};
  complete.upload = multipart.begin_upload({{"big"}, {}, 0, 0, "", "", {}, {}, {}}, {});
  TextSource source("body");
  PartRequest part{{"big"}, complete.upload, 1, 0, {}, {}, {}, {}};
  complete.parts = {multipart.upload_part(part, source, {})};
  complete.size = 4;
  complete.crc64nvme = hash::crc64nvme(bytes_of("body"));
  bool failed = false;
  counting.set_fault([&](const std::string& name, const std::string&, bool after) {
    if (name == "complete_upload" && after && !std::exchange(failed, true)) {
      throw Error(ErrorCode::kUnavailable, "cut");
    }
  });
  EXPECT_EQ(multipart.complete_upload(complete, {}).outcome, Outcome::kOk);
}

}  // namespace
}  // namespace cloudsync::storage
