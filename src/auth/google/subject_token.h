// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/google/credential_document.h"
#include "auth/google/google_credentials.h"
#include "base/call_context.h"
#include "base/subprocess.h"

#include <functional>
#include <memory>
#include <string>

namespace cloudsync::auth::google {

// The proof of identity that another identity provider gave, read anew for each exchange.
class SubjectTokenSource {
 public:
  virtual ~SubjectTokenSource() = default;
  // Registered with base::redact_secret. Throws Error{kUnauthenticated} naming the place.
  virtual std::string read(const CallContext& context) = 0;
};

// By what the account's credential_source holds. The world outlives the source.
std::unique_ptr<SubjectTokenSource> make_subject_token_source(
    const CredentialDocument& account, const GoogleWorld& world);

// Where the token stands in a text: the whole text, or a field of a JSON object.
class SubjectTokenFormat {
 public:
  explicit SubjectTokenFormat(const CredentialDocument& credential_source);
  std::string extract(const std::string& text, const std::string& place) const;

 private:
  std::string field_;  // "" = the text itself
};

std::unique_ptr<SubjectTokenSource> make_file_subject_token(
    const CredentialDocument& account);
std::unique_ptr<SubjectTokenSource> make_url_subject_token(
    const CredentialDocument& account, const GoogleWorld& world);
std::unique_ptr<SubjectTokenSource> make_aws_subject_token(
    const CredentialDocument& account, const GoogleWorld& world);

using RunProgram = std::function<base::SubprocessResult(const base::Subprocess& command,
                                                        const CallContext& context)>;
std::unique_ptr<SubjectTokenSource> make_executable_subject_token(
    const CredentialDocument& account, const GoogleWorld& world,
    RunProgram run = base::run_subprocess);

}  // namespace cloudsync::auth::google
