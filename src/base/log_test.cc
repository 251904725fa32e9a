// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "base/test_directory.h"
#include "cloudsync/error.h"

namespace cloudsync::base {
namespace {

using testing::HasSubstr;
using testing::Not;

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { configure_log({}); }

  LogOptions to_file() const {
    LogOptions options;
    options.level = spdlog::level::info;
    options.file = directory_ / "run.log";
    options.to_stderr = false;
    return options;
  }
  std::string content() const { return directory_.read("run.log"); }

  TestDirectory directory_;
};

TEST_F(LogTest, SecretNeverReachesTheFile) {
  redact_secret("hunter2-secret");
  configure_log(to_file());
  log().info("key=hunter2-secret and again hunter2-secret.");
  log().info("argument {}", "xhunter2-secretx");
  EXPECT_THAT(content(), HasSubstr("key=*** and again ***."));
  EXPECT_THAT(content(), HasSubstr("argument x***x"));
  EXPECT_THAT(content(), Not(HasSubstr("hunter2")));
}

TEST_F(LogTest, SecretNeverReachesStderr) {
  redact_secret("stderr-secret-77");
  testing::internal::CaptureStderr();
  configure_log({});
  log().warn("signature stderr-secret-77");
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_EQ(output, "cloudsync: warning: signature ***\n");
}

TEST_F(LogTest, SecretIsHiddenInUrlAndJsonForm) {
  redact_secret("pa/ss+wo=rd");
  redact_secret("-----BEGIN-----\nabc\n-----END-----");
  EXPECT_EQ(redacted("https://h/?sig=pa%2Fss%2Bwo%3Drd&x"), "https://h/?sig=***&x");
  EXPECT_EQ(redacted("{\"k\":\"-----BEGIN-----\\nabc\\n-----END-----\"}"),
            "{\"k\":\"***\"}");
}

TEST_F(LogTest, OverlappingSecretsLeaveNoTail) {
  redact_secret("overlap-abcd");
  redact_secret("abcd-efgh");
  redact_secret("abcd");
  EXPECT_EQ(redacted("<overlap-abcd-efgh>"), "<***>");
  EXPECT_EQ(redacted("<abcd>"), "<***>");
}

TEST_F(LogTest, ShortSecretsAreIgnored) {
  redact_secret("abc");
  redact_secret("");
  EXPECT_EQ(redacted("abcabc"), "abcabc");
}

TEST_F(LogTest, FileIsPrivateAndAppended) {
  const mode_t previous = umask(0);
  configure_log(to_file());
  umask(previous);
  log().info("first");
  configure_log(to_file());
  log().info("second");
  struct stat status{};
  ASSERT_EQ(stat((directory_ / "run.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_THAT(content(), HasSubstr("first"));
  EXPECT_THAT(content(), HasSubstr("second"));
}

TEST_F(LogTest, OnlyMessagesOfTheLevelAreWritten) {
  configure_log(to_file());
  log().debug("fine detail");
  EXPECT_EQ(content(), "");
}

TEST_F(LogTest, FileThatCannotBeOpenedIsAnError) {
  LogOptions options = to_file();
  options.file = directory_ / "absent/run.log";
  try {
    configure_log(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kLocalIo);
    EXPECT_THAT(error.what(), HasSubstr("absent/run.log"));
  }
}

TEST_F(LogTest, TargetsCanChangeWhileOthersLog) {
  redact_secret("thread-secret");
  configure_log(to_file());
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 200; ++k) log().info("line thread-secret {}", k);
    });
  }
  for (int i = 0; i < 20; ++i) configure_log(to_file());
  threads.clear();
  EXPECT_THAT(content(), HasSubstr("line *** 199"));
  EXPECT_THAT(content(), Not(HasSubstr("thread-secret")));
}

}  // namespace
}  // namespace cloudsync::base
