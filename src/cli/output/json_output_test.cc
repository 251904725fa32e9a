// SPDX-License-Identifier: Apache-2.0
#include "cli/output/json_output.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace cloudsync::cli {
namespace {

TEST(ActionJson, HasTheFieldsOfTheInterfaceInOrder) {
  const ActionEvent event{.action = OperationAction::kUpload,
                          .path = "a/b.csv",
                          .new_path = "",
                          .bytes = 12,
                          .status = ActionEvent::Status::kDone,
                          .error_code = "",
                          .error_message = ""};
  EXPECT_EQ(
      action_json(event),
      R"({"type":"action","action":"upload","path":"a/b.csv","bytes":12,"status":"done"})");
}

TEST(ActionJson, FailuresCarryCodeAndMessageWithoutSecrets) {
  base::redact_secret("json-test-secret");
  const ActionEvent event{.action = OperationAction::kDeleteRemote,
                          .path = "x",
                          .new_path = "",
                          .bytes = 0,
                          .status = ActionEvent::Status::kFailed,
                          .error_code = "unavailable",
                          .error_message = "said \"json-test-secret\""};
  EXPECT_EQ(
      action_json(event),
      R"({"type":"action","action":"delete_remote","path":"x","bytes":0,"status":"failed",)"
      R"("error":{"code":"unavailable","message":"said \"***\""}})");
}

TEST(ActionJson, ConflictCopiesHaveANewPath) {
  const ActionEvent event{.action = OperationAction::kConflictCopy,
                          .path = "a.txt",
                          .new_path = "a.cloudsync-conflict.txt",
                          .bytes = 3,
                          .status = ActionEvent::Status::kPlanned,
                          .error_code = "",
                          .error_message = ""};
  EXPECT_EQ(action_json(event),
            R"({"type":"action","action":"conflict_copy","path":"a.txt",)"
            R"("new_path":"a.cloudsync-conflict.txt","bytes":3,"status":"planned"})");
}

TEST(ActionJson, BytesThatAreNoTextStandBesideInBase64) {
  const ActionEvent event{.action = OperationAction::kUnsafe,
                          .path = "a\xff",
                          .new_path = "",
                          .bytes = 0,
                          .status = ActionEvent::Status::kDone,
                          .error_code = "",
                          .error_message = ""};
  EXPECT_EQ(action_json(event),
            "{\"type\":\"action\",\"action\":\"unsafe\",\"path\":\"a\xEF\xBF\xBD\","
            "\"path_base64\":\"Yf8=\",\"bytes\":0,\"status\":\"done\"}");
}

TEST(ActionJson, ControlCharactersStayInsideTheLine) {
  const ActionEvent event{.action = OperationAction::kUpload,
                          .path = "a\nb\x1b",
                          .new_path = "",
                          .bytes = 0,
                          .status = ActionEvent::Status::kDone,
                          .error_code = "",
                          .error_message = ""};
  EXPECT_NE(action_json(event).find(R"("path":"a\nb\u001b")"), std::string::npos);
}

TEST(SummaryJson, HasTheFieldsOfTheInterfaceInOrder) {
  SyncProgress progress;
  progress.command = "sync";
  progress.uploaded = 1;
  progress.downloaded = 2;
  progress.bytes_uploaded = 10;
  progress.seconds = 0.5;
  progress.requests = {.list = 1, .head = 2, .get = 3, .put = 4, .del = 5, .other = 6};
  progress.concurrency = {.automatic = true, .most = 96, .last = 64, .throttled = 1};
  EXPECT_EQ(
      summary_json(progress, 0),
      R"({"type":"summary","command":"sync","uploaded":1,"downloaded":2,"deleted_local":0,)"
      R"("deleted_remote":0,"adopted":0,"unchanged":0,"conflicts":0,"conflicts_open":0,)"
      R"("conflicts_resolved":0,"archived":0,"skipped":0,"unsafe":0,"failed":0,"bytes_uploaded":10,)"
      R"("bytes_downloaded":0,"seconds":0.5,"requests":{"list":1,"head":2,"get":3,"put":4,)"
      R"("delete":5,"other":6},"concurrency":{"mode":"auto","most":96,"last":64,)"
      R"("throttled":1},"rewritten":0,"state":null,"brake":null,"exit_code":0})");
}

TEST(SummaryJson, NamesTheBrakeAndTheProcessesOwnExitCode) {
  SyncProgress progress;
  progress.brake = "emptied";
  EXPECT_NE(summary_json(progress, 5).find(R"("brake":"emptied","exit_code":5})"),
            std::string::npos);
  EXPECT_NE(summary_json(progress, 143).find(R"("exit_code":143})"), std::string::npos);
}

TEST(ConflictJson, HasTheFieldsOfTheInterfaceInOrder) {
  ConflictRow row;
  row.key = "a";
  row.local.present = true;
  row.local.size = 3;
  row.local.mtime_ns = 1'000'000'000;
  EXPECT_EQ(conflict_json(row),
            R"({"path":"a","reason":")" + std::string(conflict_reason_text(row.reason)) +
                R"(","local":{"present":true,"bytes":3,"md5":null,)"
                R"("last_modified":"1970-01-01T00:00:01Z"},"cloud":{"present":false},)"
                R"("resolution":null})");
  row.choice = ConflictStrategy::kLocalWins;
  EXPECT_NE(conflict_json(row).find(R"("resolution":"local_wins"})"), std::string::npos);
}

TEST(ObjectJson, IsOneRecordALine) {
  const CloudFile file{.path = "raw/a",
                       .size = 7,
                       .last_modified_ns = 1'500'000'000,
                       .etag = "e",
                       .storage_class = "STANDARD",
                       .md5 = std::nullopt};
  EXPECT_EQ(
      object_json(file),
      R"({"path":"raw/a","bytes":7,"last_modified":"1970-01-01T00:00:01.5Z","etag":"e",)"
      R"("storage_class":"STANDARD"})");
}

TEST(RunJson, KeepsTheStoredSummaryAndSurvivesAnyOther) {
  RunRow run;
  run.command = "sync";
  run.stats = R"({"uploaded":3})";
  EXPECT_NE(run_json(run, nullptr).find(R"("summary":{"uploaded":3})"),
            std::string::npos);
  run.stats = "{broken";
  EXPECT_NE(run_json(run, nullptr).find(R"("summary":null)"), std::string::npos);
}

}  // namespace
}  // namespace cloudsync::cli
