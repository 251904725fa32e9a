// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/process_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/aws/aws_world_testing.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CredentialProcessTest : public ::testing::Test {
 protected:
  // A program that prints `answer`.
  std::string printing(const std::string& answer) const {
    return "cat '" + world_.write("an answer", answer) + "'";
  }
  static AwsCredentials run(const std::string& line) {
    return run_credential_process(line, "profile \"p\"", {});
  }
  static std::string failure(const std::string& line) {
    const Error error = error_of([&] { run(line); });
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    return error.what();
  }
  TestWorld world_;
};

TEST_F(CredentialProcessTest, AnswerIsRead) {
  const auto found = run(printing(
      R"({"Version":1,"AccessKeyId":"K","SecretAccessKey":"S","SessionToken":"T",)"
      R"("Expiration":"2030-01-01T00:00:00+01:00"})"));
  EXPECT_EQ(found.access_key_id, "K");
  EXPECT_EQ(found.secret_access_key, "S");
  EXPECT_EQ(found.session_token, "T");
  EXPECT_EQ(found.expires_ns, base::parse_rfc3339("2029-12-31T23:00:00Z"));
  EXPECT_EQ(found.origin, "credential_process of profile \"p\"");
}

TEST_F(CredentialProcessTest, TokenAndExpiryMayBeMissing) {
  const auto found =
      run(printing(R"({"Version":1,"AccessKeyId":"K","SecretAccessKey":"S"})"));
  EXPECT_EQ(found.session_token, "");
  EXPECT_EQ(found.expires_ns, std::nullopt);
}

TEST_F(CredentialProcessTest, FailureGivesTheProgramsWordsAndNeverItsOutput) {
  const auto script =
      world_.write("script", "echo 'hidden output'; echo 'please log in' >&2; exit 3\n");
  EXPECT_THAT(failure("sh '" + script + "'"),
              AllOf(HasSubstr("ended with exit code 3: please log in"),
                    Not(HasSubstr("hidden"))));
}

TEST_F(CredentialProcessTest, AbsentProgramsAndOpenQuotesAreNamed) {
  EXPECT_THAT(failure("cloudsync-no-such-program a"),
              AllOf(HasSubstr("credential_process of profile \"p\""),
                    HasSubstr("no program cloudsync-no-such-program")));
  EXPECT_THAT(failure("sh 'a"), HasSubstr("open '"));
}

TEST_F(CredentialProcessTest, OtherAnswersAreRefusedWithoutTheirText) {
  for (
      const std::string answer :
      {"", "hush", R"({"AccessKeyId":"hush","SecretAccessKey":"hush"})",
       R"({"Version":2,"AccessKeyId":"hush","SecretAccessKey":"hush"})",
       R"({"Version":"1","AccessKeyId":"hush","SecretAccessKey":"hush"})",
       R"({"Version":1,"AccessKeyId":"hush"})",
       R"({"Version":1,"AccessKeyId":"hu\nsh","SecretAccessKey":"hush"})",
       R"({"Version":1,"AccessKeyId":"hush","SecretAccessKey":"hush","Expiration":1})"}) {
    EXPECT_THAT(failure(printing(answer)), Not(HasSubstr("hush")));
  }
}

TEST_F(CredentialProcessTest, NoShellReadsTheLine) {
  world_.write_config("[default]\ncredential_process = echo $HOME; touch " +
                      world_.path("made") + "\n");
  world_.failure();
  EXPECT_FALSE(std::filesystem::exists(world_.path("made")));
}

}  // namespace
}  // namespace cloudsync::auth
