// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/process_credentials.h"

#include <chrono>

#include "auth/aws/credential_document.h"
#include "auth/blank.h"
#include "auth/service_words.h"
#include "base/subprocess.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

// Some ask a browser or a hardware token; whoever is to answer has this long.
constexpr std::chrono::seconds kLongest{60};

base::SubprocessResult run(const std::string& line, const std::string& origin,
                           const CallContext& context) {
  try {
    base::Subprocess command;
    command.argv = base::split_command_line(line);
    command.timeout = kLongest;
    return base::run_subprocess(command, context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    throw Error(ErrorCode::kUnauthenticated, origin + ": " + error.what());
  }
}

}  // namespace

AwsCredentials run_credential_process(const std::string& line, const std::string& profile,
                                      const CallContext& context) {
  const std::string origin = "credential_process of " + profile;
  const base::SubprocessResult result = run(line, origin, context);
  if (result.exit_code == 0) return parse_process_credentials(result.out, origin);
  const std::string words(trim_blanks(result.err));
  throw Error(ErrorCode::kUnauthenticated,
              origin + " ended with exit code " + std::to_string(result.exit_code) +
                  (words.empty() ? "" : ": " + service_words(words)));
}

}  // namespace cloudsync::auth
