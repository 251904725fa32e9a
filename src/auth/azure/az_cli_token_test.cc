// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/az_cli_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "auth/auth_testing.h"
#include "auth/azure/entra_world_testing.h"
#include "auth/azure/expiry_text.h"
#include "base/log.h"
#include "base/test_directory.h"
#include "base/time_format.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TokenAttempt fetch(TestWorld& world, const EntraIdentity& identity = {}) {
  return make_az_cli_source(world.world(), identity).fetch({});
}

void answer(TestWorld& world, const base::SubprocessResult& result) {
  world.run_program = [result](const base::Subprocess& command, const CallContext&) {
    EXPECT_EQ(command.argv, (std::vector<std::string>{
                                "az", "account", "get-access-token", "--output", "json",
                                "--scope", "https://storage.azure.com/.default"}));
    return result;
  };
}

TEST(AzCli, GivesTheTokenOfWhoIsLoggedIn) {
  TestWorld world;
  answer(world, {0,
                 R"({"accessToken":"t-cli-token","expiresOn":"2001-01-01 00:00:00.0",)"
                 R"("expires_on":1795460400,"tokenType":"Bearer"})",
                 ""});
  const TokenAttempt attempt = fetch(world);
  EXPECT_EQ(attempt.token->value, "t-cli-token");
  EXPECT_EQ(attempt.token->expires_ns,
            SettableClock::kStart + 3600 * SettableClock::kSecond);
  EXPECT_THAT(base::redacted("t-cli-token"), Not(HasSubstr("cli")));
}

TEST(AzCli, OfOlderVersionsSpeaksInLocalTime) {
  TestWorld world;
  answer(
      world,
      {0, R"({"accessToken":"t-cli-old","expiresOn":"2026-11-23 18:30:00.123456"})", ""});
  const TokenAttempt attempt = fetch(world);
  ASSERT_TRUE(attempt.token->expires_ns);
  const std::time_t seconds = *attempt.token->expires_ns / SettableClock::kSecond;
  std::tm local{};
  localtime_r(&seconds, &local);
  EXPECT_EQ(local.tm_hour, 18);
  EXPECT_EQ(local.tm_min, 30);
  EXPECT_EQ(local.tm_mday, 23);
}

TEST(AzCli, IsAskedForTheConfiguredTenant) {
  TestWorld world;
  world.run_program = [](const base::Subprocess& command, const CallContext&) {
    EXPECT_EQ(command.argv.at(7), "--tenant");
    EXPECT_EQ(command.argv.at(8), kTenantId);
    return base::SubprocessResult{0, R"({"accessToken":"t-tenant"})", ""};
  };
  EXPECT_EQ(fetch(world, {kTenantId, kClientId}).token->value, "t-tenant");
}

TEST(AzCli, WhatItCannotDoIsAnAbsenceInItsWords) {
  TestWorld world;
  EXPECT_THAT(fetch(world).absence, HasSubstr("az is not in PATH"));
  answer(world, {1, "", "ERROR: Please run 'az login' to setup account.\n"});
  EXPECT_THAT(fetch(world).absence, HasSubstr("Please run 'az login'"));
  answer(world, {1, "", ""});
  EXPECT_THAT(fetch(world).absence, HasSubstr("exit code 1"));
  for (const char* out :
       {"", "WARNING", "[]", "{}", R"({"accessToken":1})", R"({"accessToken":"a b"})"}) {
    answer(world, {0, out, ""});
    EXPECT_THAT(fetch(world).absence, HasSubstr("no token")) << out;
  }
}

TEST(AzCli, AStopIsAStop) {
  TestWorld world;
  world.run_program = [](const auto&, const auto&) -> base::SubprocessResult {
    throw Error(ErrorCode::kCancelled, "stopped on request");
  };
  EXPECT_EQ(error_of([&] { fetch(world); }).code(), ErrorCode::kCancelled);
  world.run_program = [](const auto&, const auto&) -> base::SubprocessResult {
    throw Error(ErrorCode::kDeadlineExceeded, "az did not end in time");
  };
  EXPECT_THAT(fetch(world).absence, HasSubstr("did not end in time"));
}

// The real runner, with a program called az in a PATH of its own.
TEST(AzCli, IsRunWithoutAShell) {
  const base::TestDirectory folder;
  folder.write("az",
               "#!/bin/sh\n"
               "[ \"$6\" = https://storage.azure.com/.default ] || exit 3\n"
               "echo '{\"accessToken\":\"t-script\",\"expires_on\":\"1795460400\"}'\n");
  std::filesystem::permissions(folder / "az", std::filesystem::perms::owner_all);
  const char* before = std::getenv("PATH");
  const std::string path = before == nullptr ? "" : before;
  setenv("PATH", (folder.path() + ":" + path).c_str(), 1);
  TestWorld world;
  world.run_program = base::run_subprocess;
  const TokenAttempt attempt = fetch(world);
  setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(attempt.token) << attempt.absence;
  EXPECT_EQ(attempt.token->value, "t-script");
}

TEST(ExpiryText, IsReadInAllItsForms) {
  const auto expected = base::parse_rfc3339("2026-11-23T00:05:06Z");
  for (const char* text :
       {"1795392306", "2026-11-23T00:05:06Z", "11/23/2026 00:05:06 +00:00",
        "11/23/2026 12:05:06 AM +00:00"}) {
    EXPECT_EQ(parse_expires_on(text), expected) << text;
  }
  EXPECT_EQ(parse_expires_on("1/2/2026 12:00:00 PM +00:00"),
            base::parse_rfc3339("2026-01-02T12:00:00Z"));
  EXPECT_EQ(parse_expires_on("1/2/2026 1:00:00 PM +00:00"),
            base::parse_rfc3339("2026-01-02T13:00:00Z"));
}

TEST(ExpiryText, NonsenseIsNoTime) {
  for (const char* text :
       {"", "-1", "99999999999999999999", "9000000000000", "soon", "1/2/2026",
        "13/45/2026 00:00:00 +00:00", "1/2/2026 13:00:00 PM +00:00",
        "1/2/2026 1:00:00 PM +01:00", "1/2/20260000000000 1:00:00 +00:00"}) {
    EXPECT_EQ(parse_expires_on(text), std::nullopt) << text;
  }
  for (const char* text : {"", "tomorrow", "2026-11-23", "1000-01-01 00:00:00"}) {
    EXPECT_EQ(parse_local_time(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace cloudsync::auth
