// SPDX-License-Identifier: Apache-2.0
#include "storage/decorators.h"
#include "storage/gcs/gcs_test_bench.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

// Google's retry conformance tests (storage/v1/retry_tests.json of
// googleapis/conformance-tests), as far as they are about operations of ours.

namespace cloudsync::storage::gcs {
namespace {

using nlohmann::json;
using testing::environment_of;
using testing::FakeGcs;
using testing::Fault;
using testing::md5_of;
using testing::source_of;
using testing::StringSink;

class ImmediateClock final : public base::Clock {
 public:
  std::int64_t now_ns() const override { return 0; }
  std::chrono::steady_clock::time_point steady_now() const override { return {}; }
  bool sleep_for(std::chrono::milliseconds, std::stop_token) const override {
    return true;
  }
};

std::string content_of(std::size_t size) {
  std::string content(size, '\0');
  for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7 + i / 1021);
  return content;
}

constexpr std::uint64_t kPart = 8 << 20;

// A service that holds one object "k", and a retrying store on it.
class Bench {
 public:
  Bench() {
    service_->put("k", content_of(600 << 10));
    StorageOptions options;
    options.bucket = "bucket";
    gcs_ = make_gcs_store(options, environment_of({}),
                          {service_, std::make_unique<testing::CountedTokens>()});
    base::RetryEnvironment environment{clock_, base::system_random(), {}};
    store_ = make_retrying_store(*gcs_, {}, environment);
  }

  FakeGcs& service() { return *service_; }
  ObjectStore& store() { return *store_; }
  VersionToken token() { return gcs_->head({"k"}, {})->token; }

 private:
  std::shared_ptr<FakeGcs> service_ = std::make_shared<FakeGcs>();
  ImmediateClock clock_;
  std::unique_ptr<ObjectStore> gcs_;
  std::unique_ptr<ObjectStore> store_;
};

void insert(Bench& bench, bool conditional) {
  PutRequest request;
  request.key = {"new"};
  request.condition.if_absent = conditional;
  request.md5 = md5_of("content");
  MemorySource source = source_of("content");
  EXPECT_EQ(bench.store().put(request, source, {}).outcome, Outcome::kOk);
  EXPECT_EQ(bench.service().object("new")->content, "content");
}

void insert_resumable(Bench& bench, bool conditional) {
  const std::string content = content_of(kPart + (1 << 20) + 17);
  MultipartStore& sessions = *bench.store().multipart();
  BeginUploadRequest begin;
  begin.key = {"new"};
  begin.condition.if_absent = conditional;
  begin.size = content.size();
  begin.part_size = kPart;
  CompleteRequest complete;
  complete.key = begin.key;
  complete.condition = begin.condition;
  complete.size = begin.size;
  complete.md5 = md5_of(content);
  complete.upload = sessions.begin_upload(begin, {});
  for (std::uint32_t number = 1; number <= 2; ++number) {
    PartRequest part;
    part.key = begin.key;
    part.upload = complete.upload;
    part.number = number;
    part.offset = (number - 1) * kPart;
    const std::string bytes = content.substr(part.offset, kPart);
    MemorySource source = source_of(bytes);
    complete.parts.push_back(sessions.upload_part(part, source, {}));
  }
  EXPECT_EQ(sessions.complete_upload(complete, {}).outcome, Outcome::kOk);
  EXPECT_EQ(bench.service().object("new")->content, content);
}

void download(Bench& bench) {
  StringSink sink;
  EXPECT_EQ(bench.store().get({{"k"}, {}, {}, ""}, sink, {}).outcome, Outcome::kOk);
  EXPECT_EQ(sink.text, content_of(600 << 10));
}

void rewrite(Bench& bench, bool conditional) {
  CopyRequest request;
  request.source = {"k"};
  request.destination = {"new"};
  request.condition.if_absent = conditional;
  EXPECT_EQ(bench.store().copy(request, {}).outcome, Outcome::kOk);
}

// The call behind a method of the test data, and the verb of the request it is about.
struct Operation {
  std::string verb;
  std::function<void(Bench&, bool conditional)> run;
};

std::map<std::string, Operation> operations() {
  return {
      {"storage.buckets.get",
       {"GET",
        [](Bench& b, bool) { EXPECT_TRUE(b.store().describe_bucket({}).exists); }}},
      {"storage.objects.get",
       {"GET", [](Bench& b, bool) { EXPECT_TRUE(b.store().head({"k"}, {})); }}},
      {"storage.objects.list",
       {"GET",
        [](Bench& b, bool) { EXPECT_EQ(b.store().list({}, {}).objects.size(), 1U); }}},
      {"storage.objects.insert", {"POST", insert}},
      {"storage.objects.rewrite", {"POST", rewrite}},
      {"storage.objects.delete",
       {"DELETE",
        [](Bench& b, bool conditional) {
          DeleteRequest request{{"k"}, {}};
          if (conditional) request.if_match = b.token();
          EXPECT_EQ(b.store().remove(request, {}).outcome, Outcome::kOk);
          EXPECT_FALSE(b.service().object("k"));
        }}},
      {"storage.resumable.upload", {"", insert_resumable}},
      {"storage.objects.download", {"", [](Bench& b, bool) { download(b); }}},
  };
}

struct Scenario {
  std::string method;
  std::vector<std::string> instructions;
  bool conditional = false;
  bool success = false;
};

void run(const Scenario& scenario) {
  const Operation operation = operations().at(scenario.method);
  Bench bench;
  for (const std::string& instruction : scenario.instructions)
    bench.service().fail_next({instruction, operation.verb});
  if (scenario.success) {
    EXPECT_NO_THROW(operation.run(bench, scenario.conditional));
    EXPECT_EQ(bench.service().pending_faults(), 0U);
    return;
  }
  EXPECT_THROW(operation.run(bench, scenario.conditional), Error);
  EXPECT_EQ(bench.service().pending_faults(), 0U);
  // Once more than the faults would be a repetition that nobody asked for.
  if (operation.verb != "GET") {
    EXPECT_EQ(bench.service().count(operation.verb, ""), scenario.instructions.size());
  }
}

std::optional<json> vectors() {
  const char* directory = std::getenv("CLOUDSYNC_VECTORS");
  if (directory == nullptr) return std::nullopt;
  std::ifstream file(std::string(directory) + "/gcs/retry_tests.json");
  if (!file) return std::nullopt;
  return json::parse(file);
}

TEST(GcsRetryScenarios, OfGoogleBehaveAsExpected) {
  const auto document = vectors();
  if (!document)
    GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with gcs/retry_tests.json";
  const auto known = operations();
  int ran = 0;
  for (const json& test : document->at("retryTests")) {
    for (const json& one : test.at("cases")) {
      for (const json& method : test.at("methods")) {
        Scenario scenario;
        scenario.method = method.value("group", method.at("name").get<std::string>());
        if (!known.contains(scenario.method)) continue;
        for (const json& instruction : one.at("instructions"))
          scenario.instructions.push_back(instruction);
        scenario.conditional = test.at("preconditionProvided");
        scenario.success = test.at("expectSuccess");
        SCOPED_TRACE(test.at("description").get<std::string>() + " " + scenario.method +
                     " " + one.dump());
        run(scenario);
        ++ran;
      }
    }
  }
  EXPECT_GT(ran, 40);
}

TEST(GcsRetry, AWriteWhoseAnswerWasLostIsRecognisedAsOurOwn) {
  Bench bench;
  bench.service().fail_next({"lose-answer", "POST"});
  insert(bench, true);
  EXPECT_EQ(bench.service().count("POST", "uploadType=multipart"), 2U);
}

TEST(GcsRetry, ADeleteWhoseAnswerWasLostIsDone) {
  Bench bench;
  const VersionToken token = bench.token();
  bench.service().fail_next({"lose-answer", "DELETE"});
  EXPECT_EQ(bench.store().remove({{"k"}, token}, {}).outcome, Outcome::kOk);
}

TEST(GcsRetry, ASessionSurvivesAnyTwoFaultsInARow) {
  const std::vector<std::string> kinds = {"return-503",
                                          "return-reset-connection",
                                          "return-408",
                                          "lose-answer",
                                          "return-429",
                                          "return-503-after-256K",
                                          "return-503-after-8192K",
                                          "return-500",
                                          "return-503-after-8448K"};
  for (const std::string& first : kinds) {
    for (const std::string& second : kinds) {
      SCOPED_TRACE(first + ", " + second);
      Bench bench;
      bench.service().fail_next({first, "PUT"});
      bench.service().fail_next({second, "PUT"});
      EXPECT_NO_THROW(insert_resumable(bench, true));
    }
  }
}

}  // namespace
}  // namespace cloudsync::storage::gcs
