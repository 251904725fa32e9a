// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cloudsync::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

// The whole program on the provider `local`, in a directory of its own.
class Program : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* base = ::getenv("TMPDIR");
    std::string pattern =
        std::string(base == nullptr ? "/tmp" : base) + "/cloudsync-cli-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    fs::create_directories(directory_ / "data");
    fs::create_directories(directory_ / "buckets/data");
    write("c.yaml", "storage:\n  provider: local\n  path: " + path("buckets") +
                        "\nsync_state_db: " + path("state.db") + "\n");
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }

  int run(Words words) {
    words.insert(words.end(), {"--config", path("c.yaml")});
    return run_bare(words);
  }

  int run_bare(const Words& words) {
    const int out =
        ::open(path("out").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    const int err =
        ::open(path("err").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    const int code = run_program(words, out, err);
    ::close(out);
    ::close(err);
    return code;
  }

  int sync(const Words& flags = {}) { return transfer("sync", flags); }

  int transfer(const std::string& command, const Words& flags = {}) {
    Words words{command, "--local-dir", path("data"), "--cloud-prefix", "p/"};
    words.insert(words.end(), flags.begin(), flags.end());
    return run(words);
  }

  // Every line of stdout; each must be one JSON object.
  std::vector<Json> records() const {
    std::vector<Json> result;
    std::istringstream stream(read("out"));
    for (std::string line; std::getline(stream, line);) {
      result.push_back(Json::parse(line, nullptr, false));
      EXPECT_TRUE(result.back().is_object()) << line;
    }
    return result;
  }

  fs::path directory_;
};

TEST_F(Program, UploadMovesFilesAndSaysSo) {
  write("data/a.csv", "hello");
  EXPECT_EQ(transfer("upload"), 0);
  EXPECT_EQ(read("buckets/data/p/a.csv"), "hello");
  EXPECT_NE(read("out").find("upload: 1 uploaded (5 B)"), std::string::npos);
  EXPECT_EQ(read("err"), "cloudsync: a new state database begins: " +
                             fs::weakly_canonical(path("state.db")).string() + "\n");
}

TEST_F(Program, JsonEndsWithTheSummary) {
  write("data/a.csv", "hello");
  EXPECT_EQ(sync({"--json"}), 0);
  const auto lines = records();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["action"], "upload");
  EXPECT_EQ(lines[0]["path"], "a.csv");
  EXPECT_EQ(lines[1]["type"], "summary");
  EXPECT_EQ(lines[1]["command"], "sync");
  EXPECT_EQ(lines[1]["exit_code"], 0);
}

TEST_F(Program, FailureBeforeTheRunStillEndsWithASummary) {
  fs::remove_all(directory_ / "data");
  EXPECT_EQ(transfer("upload", {"--json"}), 2);
  const auto lines = records();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["exit_code"], 2);
  EXPECT_EQ(read("err").substr(0, 11), "cloudsync: ");
}

TEST_F(Program, DryRunShowsThePlanAndChangesNothing) {
  write("data/a.csv", "hello");
  EXPECT_EQ(sync({"--dry-run"}), 0);
  EXPECT_NE(read("out").find("would upload 'a.csv' (5 B)\n"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("state.db")));
  EXPECT_FALSE(fs::exists(path("data/.cloudsync")));
  EXPECT_FALSE(fs::exists(path("buckets/data/p/a.csv")));
  EXPECT_EQ(sync({"--dry", "--json"}), 0);
  EXPECT_EQ(records()[0]["status"], "planned");
}

TEST_F(Program, FiltersReachTheEngine) {
  write("data/a.csv", "1");
  write("data/b.tmp", "2");
  EXPECT_EQ(sync({"--include", "*.csv", "--json"}), 0);
  EXPECT_EQ(records().size(), 2U);
  EXPECT_FALSE(fs::exists(path("buckets/data/p/b.tmp")));
}

TEST_F(Program, NamesThatAreNoTextNeverBreakTheOutput) {
  write("data/bad\xff\n", "x");
  sync({"--json"});
  const auto lines = records();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["path_base64"], "YmFk/wo=");
  sync({"-v"});
  EXPECT_EQ(read("err").find('\xff'), std::string::npos);
}

TEST_F(Program, PrefixWithoutItsSlashGetsOneWithANotice) {
  write("data/a", "x");
  EXPECT_EQ(run({"upload", "--local-dir", path("data"), "--cloud-prefix", "p"}), 0);
  EXPECT_NE(read("err").find("the prefix 'p' is taken as 'p/'"), std::string::npos);
  EXPECT_EQ(read("buckets/data/p/a"), "x");
}

TEST_F(Program, QuietSaysNothingWhenAllIsWell) {
  write("data/a", "x");
  EXPECT_EQ(run({"upload", "--local-dir", path("data"), "--cloud-prefix", "p", "-q"}), 0);
  EXPECT_EQ(read("out") + read("err"), "");
}

TEST_F(Program, VerboseNamesWhatIsDone) {
  write("data/a", "x");
  EXPECT_EQ(sync({"-v"}), 0);
  EXPECT_NE(read("err").find("upload 'a' (1 B)"), std::string::npos);
}

TEST_F(Program, LogFileHoldsTheActionsAndIsNeverSynced) {
  write("data/a", "x");
  EXPECT_EQ(sync({"--log-file", path("data/run.log")}), 0);
  EXPECT_NE(read("data/run.log").find("upload 'a' (1 B)"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("buckets/data/p/run.log")));
  EXPECT_EQ(read("err").find("run.log"), std::string::npos);
}

TEST_F(Program, StatusNeedsNoBucketAndShowsTheRun) {
  write("data/a", "x");
  sync();
  fs::remove_all(directory_ / "buckets");
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_NE(read("out").find(path("state.db")), std::string::npos);
  EXPECT_NE(read("out").find("uploaded 1"), std::string::npos);
  EXPECT_EQ(run({"status", "--json"}), 0);
  const auto lines = records();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["total_files"], 1);
  EXPECT_EQ(lines[2]["outcome"], "done");
}

TEST_F(Program, StatusWithoutADatabaseCreatesNone) {
  EXPECT_EQ(run({"status", "--verbose"}), 0);
  EXPECT_FALSE(fs::exists(path("state.db")));
}

TEST_F(Program, RetryWithNothingFailedSaysSo) {
  EXPECT_EQ(run({"retry"}), 0);
  EXPECT_EQ(read("out"), "retry: nothing has failed\n");
  EXPECT_EQ(run({"retry", "--json"}), 0);
  EXPECT_EQ(records().at(0)["command"], "retry");
}

TEST_F(Program, RetryOfAPairNobodyKnowsIsAnError) {
  EXPECT_EQ(run({"retry", "--local-dir", path("data")}), 2);
}

TEST_F(Program, LsListsSizesTimesAndKeys) {
  write("data/a", "x");
  write("data/b", "yy");
  sync();
  EXPECT_EQ(run({"ls", "--json"}), 0);
  const auto lines = records();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["path"], "p/a");
  EXPECT_EQ(lines[1]["bytes"], 2);
  EXPECT_EQ(run({"ls", "p/b"}), 0);
  EXPECT_TRUE(read("out").ends_with("  p/b\n"));
}

class ProgramConflict : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("data/a", "base");
    sync();
    write("data/a", "local side");
    write("buckets/data/p/a", "the cloud's side");
    EXPECT_EQ(sync({"--conflict-strategy", "manual", "--json"}), 4);
  }
};

TEST_F(ProgramConflict, IsReportedListedAndShown) {
  EXPECT_EQ(records().back()["conflicts_open"], 1);
  EXPECT_EQ(run({"conflicts", "list"}), 0);
  EXPECT_EQ(read("out").substr(0, 3), "a: ");
  EXPECT_EQ(run({"conflicts", "list", "--json"}), 0);
  ASSERT_EQ(records().size(), 1U);
  EXPECT_EQ(records()[0]["path"], "a");
  EXPECT_EQ(records()[0]["local"]["bytes"], 10);
  EXPECT_TRUE(records()[0]["resolution"].is_null());
  EXPECT_EQ(run({"conflicts", "show", "a"}), 0);
  EXPECT_NE(read("out").find("conflicts resolve 'a'"), std::string::npos);
  EXPECT_EQ(run({"conflicts", "show", "other"}), 2);
}

TEST_F(ProgramConflict, ResolveActsAtOnce) {
  EXPECT_EQ(run({"conflicts", "resolve", "a", "--keep", "local", "--json"}), 0);
  EXPECT_EQ(records().back()["command"], "conflicts resolve");
  EXPECT_EQ(read("buckets/data/p/a"), "local side");
  EXPECT_EQ(run({"conflicts", "list"}), 0);
  EXPECT_EQ(read("out"), "no open conflicts\n");
}

TEST_F(ProgramConflict, ResolveOfWhatHasChangedIsStale) {
  write("data/a", "changed once more");
  EXPECT_EQ(run({"conflicts", "resolve", "a", "--keep", "cloud"}), 4);
  EXPECT_EQ(read("data/a"), "changed once more");
}

TEST_F(Program, ConfigCheckShowsEveryValueWithItsOrigin) {
  EXPECT_EQ(run({"config", "check", "--max-workers", "3", "--json", "--connect"}), 0);
  const auto lines = records();
  const auto workers = std::find_if(lines.begin(), lines.end(), [](const Json& line) {
    return line["key"] == "max_workers";
  });
  ASSERT_NE(workers, lines.end());
  EXPECT_EQ((*workers)["value"], "3");
  EXPECT_EQ((*workers)["origin"], "flag");
  EXPECT_EQ(lines[0]["origin"], path("c.yaml") + ":2");
}

TEST_F(Program, ConfigCheckNeverShowsSecrets) {
  write("c.yaml",
        "storage:\n  provider: s3\n  bucket: b\n  credentials:\n"
        "    aws_access_key_id: AKIAEXAMPLEEXAMPLE\n    aws_secret_access_key: "
        "hidden-words\n");
  EXPECT_EQ(run({"config", "check"}), 0);
  EXPECT_EQ(read("out").find("hidden-words"), std::string::npos);
  EXPECT_NE(read("out").find("***"), std::string::npos);
}

TEST_F(Program, UsageErrorsExitWithTwo) {
  EXPECT_EQ(run_bare({"sync", "--frobnicate"}), 2);
  EXPECT_NE(read("err").find("unknown flag '--frobnicate'"), std::string::npos);
  EXPECT_EQ(run_bare({}), 2);
  EXPECT_EQ(run_bare({"status", "--config", path("missing.yaml")}), 2);
  EXPECT_EQ(run_bare({"--help"}), 0);
  EXPECT_NE(read("out").find("Usage: cloudsync"), std::string::npos);
}

TEST_F(Program, UnreachableServiceExitsWithEleven) {
  write("c.yaml",
        "storage:\n  provider: s3\n  bucket: my-bucket\n  endpoint_url: "
        "http://127.0.0.1:1\n"
        "  region: us-east-1\n  credentials: {aws_access_key_id: AK, "
        "aws_secret_access_key: "
        "word-of-secret}\nretry_attempts: 0\n");
  EXPECT_EQ(run({"ls"}), 11);
  const std::string message = read("err");
  EXPECT_NE(message.find("my-bucket"), std::string::npos);
  EXPECT_NE(message.find("127.0.0.1:1"), std::string::npos);
  EXPECT_EQ(message.find("word-of-secret"), std::string::npos);
}

}  // namespace
}  // namespace cloudsync::cli
