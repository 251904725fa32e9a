// SPDX-License-Identifier: Apache-2.0
#include "cli/output/text_output.h"

#include <gtest/gtest.h>

namespace cloudsync::cli {
namespace {

TEST(SummaryText, SaysOnlyWhatHappened) {
  SyncProgress progress;
  progress.command = "sync";
  progress.uploaded = 3;
  progress.bytes_uploaded = 1'200'000;
  progress.deleted_local = 1;
  progress.unchanged = 1234;
  progress.seconds = 2;
  EXPECT_EQ(summary_text(progress),
            "sync: 3 uploaded (1.2 MB), 1 deleted locally, 1,234 unchanged in 2.0 s, "
            "600.0 kB/s");
}

TEST(SummaryText, NamesTheNumberOfRequestsThatTheRunFound) {
  SyncProgress progress;
  progress.command = "upload";
  progress.uploaded = progress.completed_files = 3;
  progress.concurrency = {.automatic = true, .most = 96, .last = 96, .throttled = 0};
  EXPECT_EQ(summary_text(progress),
            "upload: 3 uploaded (0 B) in 0 s, up to 96 requests at once (auto)");
  progress.concurrency = {.automatic = false, .most = 8, .last = 4, .throttled = 2};
  EXPECT_EQ(summary_text(progress),
            "upload: 3 uploaded (0 B) in 0 s, up to 8 requests at once, slowed down by "
            "the service");
}

TEST(SummaryText, SaysWhatToDoNext) {
  SyncProgress progress;
  progress.command = "upload";
  progress.failed = 2;
  progress.conflicts = 3;
  progress.conflicts_open = 1;
  progress.stopped = true;
  const std::string text = summary_text(progress);
  EXPECT_NE(text.find("2 failed"), std::string::npos);
  EXPECT_NE(text.find("3 conflicts (1 open)"), std::string::npos);
  EXPECT_NE(text.find("cloudsync conflicts list"), std::string::npos);
  EXPECT_NE(text.find("cloudsync retry"), std::string::npos);
  EXPECT_NE(text.find("run it again"), std::string::npos);
}

TEST(SummaryText, FailedRunNeverLooksLikeNothingToDo) {
  SyncProgress progress;
  progress.command = "sync";
  progress.fatal = Error(ErrorCode::kUnavailable, "no answer");
  EXPECT_EQ(summary_text(progress), "sync: ended early, nothing done in 0 s");
}

TEST(SummaryText, DryRunSaysThatNothingChanged) {
  SyncProgress progress;
  progress.command = "sync";
  progress.dry_run = true;
  EXPECT_EQ(summary_text(progress),
            "sync (dry run, nothing changed): nothing to do in 0 s");
}

TEST(ActionText, MakesNamesPrintable) {
  ActionEvent event;
  event.action = OperationAction::kUpload;
  event.path = "a\x1b[2J";
  event.bytes = 5;
  const std::string text = action_text(event);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.substr(0, 9), "upload 'a");
}

TEST(ConfigTable, AlignsAndKeepsOrder) {
  EXPECT_EQ(config_table({{"a", "1", "default"},
                          {"long.key", "", "c.yaml:2"},
                          {"f", "- a\n- b", "flag"}}),
            "a         1         default\n"
            "long.key  -         c.yaml:2\n"
            "f         - a; - b  flag");
}

TEST(StatusText, ShowsTotalsPairsAndRuns) {
  StatusView view;
  view.database = "/x/.sync_state.db";
  view.statistics.total_files = 2;
  view.statistics.recent_failures_24h = 1;
  PairRecord pair;
  pair.id = 7;
  pair.identity = {
      .local_root = "/d", .provider = "local", .container = "data", .prefix = "p/"};
  pair.entries = 2;
  view.pairs = {pair};
  RunRow run;
  run.pair = 7;
  run.command = "sync";
  run.started_ns = 1'000'000'000;
  run.ended_ns = 3'000'000'000;
  run.outcome = RunOutcome::kDone;
  run.stats = R"({"uploaded":2,"failed":0})";
  view.runs = {run};
  const std::string text = status_text(view);
  EXPECT_NE(text.find("/x/.sync_state.db"), std::string::npos);
  EXPECT_NE(text.find("1 in the last 24 hours"), std::string::npos);
  EXPECT_NE(text.find("/d <-> local data/p/  2 files"), std::string::npos);
  EXPECT_NE(text.find("1970-01-01T00:00:01Z  sync      done         2.0 s  uploaded 2"),
            std::string::npos);
  EXPECT_EQ(text.find("\nfailed\n"), std::string::npos);
}

TEST(StatusText, VerboseListsWhatTheLastWholeRunLeftOut) {
  RunRow run;
  run.pair = 7;
  run.stats = R"({"unsafe":3,"unsafe_paths":["b%FF/x","a%20b",5]})";
  const auto names = unsafe_names(run);
  ASSERT_TRUE(names);
  EXPECT_EQ(names->paths, (std::vector<std::string>{"a b", "b\xFF/x"}));
  EXPECT_EQ(names->count, 3U);
  StatusView view;
  view.verbose = true;
  view.unsafe = {*names};
  EXPECT_NE(status_text(view).find("other side\n  a b\n"), std::string::npos);
  EXPECT_NE(status_text(view).find("  and 1 more"), std::string::npos);
  for (const char* none : {"", "[]", "{}", R"({"unsafe":1})", R"({"unsafe_paths":7})"}) {
    run.stats = none;
    EXPECT_FALSE(unsafe_names(run)) << none;
  }
}

TEST(StatusText, VerboseListsFailuresWithTheirReason) {
  StatusView view;
  view.verbose = true;
  FailedRecord failure;
  failure.local_path = "/d/a.csv";
  failure.action = OperationAction::kUpload;
  failure.attempts = 4;
  failure.error_code = "unavailable";
  failure.error_text = "the service did not answer";
  view.failures = {failure};
  const std::string text = status_text(view);
  EXPECT_NE(text.find("/d/a.csv: upload failed"), std::string::npos);
  EXPECT_NE(text.find("after 4 attempts: the service did not answer (unavailable)"),
            std::string::npos);
  EXPECT_NE(text.find("open conflicts\n  none"), std::string::npos);
}

}  // namespace
}  // namespace cloudsync::cli
