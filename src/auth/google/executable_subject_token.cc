// SPDX-License-Identifier: Apache-2.0
#include "auth/blank.h"
#include "auth/google/executable_answer.h"
#include "auth/google/subject_token.h"
#include "auth/service_words.h"
#include "auth/small_file.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace cloudsync::auth::google {
namespace {

constexpr char kAllow[] = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";
constexpr std::int64_t kDefaultMillis = 30'000;
constexpr std::int64_t kShortestMillis = 5'000;
constexpr std::int64_t kLongestMillis = 120'000;

std::chrono::milliseconds timeout_of(const CredentialDocument& executable) {
  const auto millis = executable.integer_or("timeout_millis", kDefaultMillis);
  if (millis < kShortestMillis || millis > kLongestMillis) {
    executable.refuse("timeout_millis", "must be between 5000 and 120000");
  }
  return std::chrono::milliseconds(millis);
}

// The service account's name in .../serviceAccounts/NAME:generateAccessToken.
std::string impersonated_email(const CredentialDocument& account) {
  const std::string url = account.text_or("service_account_impersonation_url", "");
  const std::size_t end = url.rfind(':');
  const std::size_t begin = url.rfind('/', end) + 1;
  return begin == 0 || end < begin ? "" : url.substr(begin, end - begin);
}

std::vector<std::pair<std::string, std::string>> variables_of(
    const CredentialDocument& account, const std::string& output_file) {
  std::vector<std::pair<std::string, std::string>> out = {
      {"GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", account.text("audience")},
      {"GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", account.text("subject_token_type")},
      {"GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0"},
      {"GOOGLE_EXTERNAL_ACCOUNT_REVOKE", "0"}};
  const std::string email = impersonated_email(account);
  if (!email.empty()) {
    out.emplace_back("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email);
  }
  if (!output_file.empty()) {
    out.emplace_back("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", output_file);
  }
  return out;
}

class ExecutableSubjectToken final : public SubjectTokenSource {
 public:
  ExecutableSubjectToken(const CredentialDocument& account, const GoogleWorld& world,
                         RunProgram run)
      : ExecutableSubjectToken(account,
                               account.object("credential_source").object("executable"),
                               world, std::move(run)) {}

  std::string read(const CallContext& context) override;

 private:
  ExecutableSubjectToken(const CredentialDocument& account,
                         const CredentialDocument& executable, const GoogleWorld& world,
                         RunProgram run)
      : world_(world),
        run_(std::move(run)),
        output_file_(executable.text_or("output_file", "")),
        timeout_(timeout_of(executable)),
        command_(executable.text("command")),
        variables_(variables_of(account, output_file_)),
        place_("the program in " + executable.field_name("command")) {}

  void require_allowed() const;
  std::optional<std::string> remembered_token() const;
  base::SubprocessResult run(const CallContext& context) const;
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(ErrorCode::kUnauthenticated, place_ + " " + reason);
  }

  const GoogleWorld& world_;
  const RunProgram run_;
  const std::string output_file_;
  const std::chrono::milliseconds timeout_;
  const std::string command_;
  const std::vector<std::pair<std::string, std::string>> variables_;
  const std::string place_;
};

std::string ExecutableSubjectToken::read(const CallContext& context) {
  require_allowed();
  if (auto token = remembered_token()) return *std::move(token);
  const base::SubprocessResult result = run(context);
  if (result.exit_code != 0) {
    refuse("failed with exit code " + std::to_string(result.exit_code) + ": " +
           service_words(trim_blanks(result.err)));
  }
  std::string text = result.out;
  if (text.empty() && !output_file_.empty()) {
    text = require_small_file({output_file_, "the output file of " + place_});
  }
  const ExecutableAnswer answer = parse_executable_answer(text);
  if (!answer.problem.empty()) refuse(answer.problem);
  if (answer.expired(world_.clock)) refuse("gave a token that has expired");
  if (!output_file_.empty() && !answer.expires_ns) {
    refuse("gave no expiration_time, which is needed with an output_file");
  }
  return answer.token;
}

// Whoever can write the credential file could otherwise run programs.
void ExecutableSubjectToken::require_allowed() const {
  if (environment_value(world_.environment, kAllow) == "1") return;
  refuse(std::string("may not be run: set ") + kAllow + "=1 if you trust that file");
}

// What an earlier run left there. Anything but a good, dated token means: run again.
std::optional<std::string> ExecutableSubjectToken::remembered_token() const {
  if (output_file_.empty()) return std::nullopt;
  const auto text = read_small_file({output_file_, "the output file of " + place_});
  if (!text) return std::nullopt;
  ExecutableAnswer answer = parse_executable_answer(*text);
  const bool good =
      answer.problem.empty() && answer.expires_ns && !answer.expired(world_.clock);
  return good ? std::optional(std::move(answer.token)) : std::nullopt;
}

base::SubprocessResult ExecutableSubjectToken::run(const CallContext& context) const {
  base::Subprocess command;
  command.extra_environment = variables_;
  command.timeout = timeout_;
  try {
    command.argv = base::split_command_line(command_);
    return run_(command, context);
  } catch (const Error& error) {
    const bool callers_end =
        context.deadline && std::chrono::steady_clock::now() >= *context.deadline;
    if (error.code() == ErrorCode::kCancelled || callers_end) throw;
    if (error.code() == ErrorCode::kDeadlineExceeded) {
      refuse("did not end within " + std::to_string(timeout_.count()) +
             " ms (timeout_millis) and was stopped");
    }
    refuse("could not be run: " + std::string(error.what()));
  }
}

}  // namespace

std::unique_ptr<SubjectTokenSource> make_executable_subject_token(
    const CredentialDocument& account, const GoogleWorld& world, RunProgram run) {
  return std::make_unique<ExecutableSubjectToken>(account, world, std::move(run));
}

}  // namespace cloudsync::auth::google
