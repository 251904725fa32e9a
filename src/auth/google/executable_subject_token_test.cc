// SPDX-License-Identifier: Apache-2.0
#include "auth/google/executable_answer.h"
#include "auth/google/google_auth_testing.h"
#include "auth/google/subject_token.h"
#include "base/log.h"

#include <filesystem>
#include <thread>

namespace cloudsync::auth::google {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr std::int64_t kNow = kTestStart / kTestSecond;

class ExecutableSubjectTokenTest : public GoogleCredentialsFixture {
 protected:
  void SetUp() override { variables_["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"] = "1"; }
  json account(const json& extra = json::object()) {
    json executable = {{"command", (home_ / "give-token") + " --for 'a b'"}};
    executable.update(extra);
    return external_account_json({{"executable", executable}});
  }
  static std::string answer(const std::string& token, std::int64_t end = kNow + 600) {
    return json{{"version", 1},
                {"success", true},
                {"token_type", "urn:ietf:params:oauth:token-type:id_token"},
                {"id_token", token},
                {"expiration_time", end}}
        .dump();
  }
  void write_program(const std::string& script) {
    home_.write("give-token", "#!/bin/sh\n" + script);
    std::filesystem::permissions(home_ / "give-token", std::filesystem::perms::owner_all);
  }
  std::string read(const json& document, RunProgram run) {
    const GoogleWorld own_world = world();
    const auto parsed = CredentialDocument::parse(document.dump(), "/keys/x.json");
    return make_executable_subject_token(parsed, own_world, std::move(run))->read({});
  }
  Error refusal(const json& document, const RunProgram& run) {
    return error_of([&] { read(document, run); });
  }
  static RunProgram printing(const std::string& text) {
    return [text](const base::Subprocess&, const CallContext&) {
      return base::SubprocessResult{0, text, ""};
    };
  }
  static RunProgram failing_with(ErrorCode code) {
    return [code](const base::Subprocess&, const CallContext&) -> base::SubprocessResult {
      throw Error(code, "as told");
    };
  }
};

TEST_F(ExecutableSubjectTokenTest, ProgramIsRunWithWhatGoogleDefines) {
  json document = account({{"timeout_millis", 7000}, {"output_file", home_ / "out"}});
  document["service_account_impersonation_url"] = kIamUrl;
  const RunProgram run = [&](const base::Subprocess& command, const CallContext&) {
    EXPECT_EQ(command.argv,
              (std::vector<std::string>{home_ / "give-token", "--for", "a b"}));
    EXPECT_EQ(command.timeout, std::chrono::milliseconds(7000));
    const auto& set = command.extra_environment;
    EXPECT_THAT(set, Contains(Pair("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", kAudience)));
    EXPECT_THAT(set, Contains(Pair("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE",
                                   "urn:ietf:params:oauth:token-type:jwt")));
    EXPECT_THAT(set, Contains(Pair("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0")));
    EXPECT_THAT(set, Contains(Pair("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL",
                                   "robot@p.iam.gserviceaccount.com")));
    EXPECT_THAT(set,
                Contains(Pair("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", home_ / "out")));
    return base::SubprocessResult{0, answer("program-token"), ""};
  };
  EXPECT_EQ(read(document, run), "program-token");
  EXPECT_EQ(base::redacted("program-token"), "***");
}

TEST_F(ExecutableSubjectTokenTest, RealProgramsAnswerIsExchanged) {
  write_program("printf '%s' '" + answer("real-program-token") + "'");
  internet_.serve(kStsUrl, [](const FakeRequest& request) {
    EXPECT_EQ(request.form().at("subject_token"), "real-program-token");
    return scripted_response(200, {}, token_json("federated-token"));
  });
  EXPECT_EQ(provider_for(account())->token({})->value, "federated-token");
}

TEST_F(ExecutableSubjectTokenTest, NothingRunsUnlessAllowed) {
  for (const char* value : {"", "0", "true"}) {
    variables_["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"] = value;
    const Error error =
        refusal(account(), [](const auto&, const auto&) -> base::SubprocessResult {
          ADD_FAILURE() << "was run";
          return {};
        });
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"),
                      HasSubstr("/keys/x.json")));
  }
}

TEST_F(ExecutableSubjectTokenTest, FailingProgramIsNamedWithItsWords) {
  write_program("echo secret-on-stdout; echo 'no ticket' >&2; exit 3");
  const Error error = failure_for(account());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("exit code 3: no ticket"),
                                  HasSubstr("credential_source.executable.command"),
                                  Not(HasSubstr("secret-on-stdout"))));
}

TEST_F(ExecutableSubjectTokenTest, AbsentProgramIsNamed) {
  EXPECT_EQ(failure_for(account()).code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(failure_for(account()).what(), HasSubstr("could not be run"));
}

TEST_F(ExecutableSubjectTokenTest, ProgramThatDoesNotEndIsAnErrorOfItsOwn) {
  const Error error = refusal(account(), failing_with(ErrorCode::kDeadlineExceeded));
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("did not end within 30000 ms"));
}

TEST_F(ExecutableSubjectTokenTest, CancellationStopsAWaitingProgram) {
  write_program("echo running > " + (home_ / "started") + "; sleep 60");
  const auto tokens = provider_for(account());
  std::stop_source stop;
  const std::jthread stopper([&] {
    while (!std::filesystem::exists(home_ / "started")) std::this_thread::yield();
    stop.request_stop();
  });
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of([&] { tokens->token({stop.get_token(), {}}); }).code(),
            ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(20));
}

TEST_F(ExecutableSubjectTokenTest, CallersDeadlineIsNotTheProgramsFault) {
  const GoogleWorld own_world = world();
  const auto parsed = CredentialDocument::parse(account().dump(), "/keys/x.json");
  const auto source = make_executable_subject_token(
      parsed, own_world, failing_with(ErrorCode::kDeadlineExceeded));
  const CallContext over = {{}, std::chrono::steady_clock::now()};
  EXPECT_EQ(error_of([&] { source->read(over); }).code(), ErrorCode::kDeadlineExceeded);
}

TEST_F(ExecutableSubjectTokenTest, TimeLimitsAreGooglesLimits) {
  for (const int millis : {0, 4999, 120001}) {
    EXPECT_THAT(failure_for(account({{"timeout_millis", millis}})).what(),
                HasSubstr("credential_source.executable.timeout_millis"));
  }
}

TEST_F(ExecutableSubjectTokenTest, RememberedTokenIsUsedWhileItIsGood) {
  const json document = account({{"output_file", home_ / "out"}});
  home_.write("out", answer("remembered-token"));
  EXPECT_EQ(read(document, failing_with(ErrorCode::kInternal)), "remembered-token");
  home_.write("out", answer("remembered-token", kNow));
  EXPECT_EQ(read(document, printing(answer("newer-token"))), "newer-token");
  home_.write("out", "garbage");
  EXPECT_EQ(read(document, printing(answer("newer-token"))), "newer-token");
}

TEST_F(ExecutableSubjectTokenTest, SilentProgramMayWriteTheFileInstead) {
  const json document = account({{"output_file", home_ / "out"}});
  EXPECT_EQ(read(document,
                 [&](const auto&, const auto&) {
                   home_.write("out", answer("written-token"));
                   return base::SubprocessResult{};
                 }),
            "written-token");
}

TEST_F(ExecutableSubjectTokenTest, UnusableAnswersSayWhatIsWrong) {
  json good = json::parse(answer("some-token"));
  const auto refused = [&](const json& change, const std::string& words) {
    json document = good;
    document.merge_patch(change);
    const Error error = refusal(account(), printing(document.dump()));
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(), HasSubstr(words));
  };
  refused({{"version", 2}}, "version");
  refused({{"version", nullptr}}, "version");
  refused({{"success", "yes"}}, "success");
  refused({{"token_type", "urn:x"}}, "token_type");
  refused({{"id_token", nullptr}}, "without id_token");
  refused({{"expiration_time", kNow}}, "has expired");
  refused({{"expiration_time", "soon"}}, "expiration_time");
  refused({{"expiration_time", 18446744073709551615ULL}}, "expiration_time");
  refused({{"expiration_time", 9223372036854775807LL}}, "expiration_time");
  refused({{"success", false}, {"code", "401"}, {"message", "Caller not authorized."}},
          "401: Caller not authorized.");
  EXPECT_THAT(refusal(account(), printing("")).what(), HasSubstr("no JSON object"));
  good.erase("expiration_time");
  const json remembered = account({{"output_file", home_ / "out"}});
  EXPECT_THAT(refusal(remembered, printing(good.dump())).what(),
              HasSubstr("expiration_time, which is needed"));
  EXPECT_EQ(read(account(), printing(good.dump())), "some-token");
}

TEST_F(ExecutableSubjectTokenTest, SamlAnswersHaveAFieldOfTheirOwn) {
  const json saml = {{"version", 1},
                     {"success", true},
                     {"token_type", "urn:ietf:params:oauth:token-type:saml2"},
                     {"saml_response", "saml-assertion"}};
  EXPECT_EQ(read(account(), printing(saml.dump())), "saml-assertion");
}

}  // namespace
}  // namespace cloudsync::auth::google
