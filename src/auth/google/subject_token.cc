// SPDX-License-Identifier: Apache-2.0
#include "auth/google/subject_token.h"

#include "auth/blank.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

#include <nlohmann/json.hpp>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;

[[noreturn]] void throw_unusable(const std::string& place, const std::string& reason) {
  throw Error(ErrorCode::kUnauthenticated,
              "the subject token in " + place + " " + reason);
}

}  // namespace

SubjectTokenFormat::SubjectTokenFormat(const CredentialDocument& credential_source) {
  if (!credential_source.has("format")) return;
  const CredentialDocument format = credential_source.object("format");
  const std::string type = format.text_or("type", "text");
  if (type == "json") {
    field_ = format.text("subject_token_field_name");
  } else if (type != "text") {
    format.refuse("type", "must be \"text\" or \"json\"");
  }
}

std::string SubjectTokenFormat::extract(const std::string& text,
                                        const std::string& place) const {
  std::string token(trim_blanks(text));
  if (!field_.empty()) {
    const json document = json::parse(text, nullptr, false);
    if (!document.is_object()) throw_unusable(place, "is no JSON object");
    const auto found = document.find(field_);
    if (found == document.end() || !found->is_string()) {
      throw_unusable(place,
                     "has no text in the field \"" + base::printable(field_) + "\"");
    }
    token = found->get<std::string>();
  }
  if (token.empty()) throw_unusable(place, "is empty");
  base::redact_secret(token);
  return token;
}

std::unique_ptr<SubjectTokenSource> make_subject_token_source(
    const CredentialDocument& account, const GoogleWorld& world) {
  const CredentialDocument source = account.object("credential_source");
  if (source.has("environment_id")) return make_aws_subject_token(account, world);
  if (source.has("executable")) return make_executable_subject_token(account, world);
  if (source.has("certificate")) {
    throw Error(
        ErrorCode::kUnsupported,
        source.field_name("certificate") +
            " asks for mutual TLS with an X.509 certificate, which cloudsync does "
            "not do; use a file, url, executable or aws source");
  }
  if (source.has("file")) return make_file_subject_token(account);
  if (source.has("url")) return make_url_subject_token(account, world);
  account.refuse("credential_source",
                 "names no source: it needs file, url, executable or environment_id");
}

}  // namespace cloudsync::auth::google
