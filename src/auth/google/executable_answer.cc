// SPDX-License-Identifier: Apache-2.0
#include "auth/google/executable_answer.h"

#include "auth/service_words.h"
#include "base/log.h"
#include "base/time_range.h"

#include <nlohmann/json.hpp>

#include <string_view>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;

constexpr std::int64_t kNewestVersion = 1;

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::int64_t> integer_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::string words_of(const json& object, const char* name) {
  return service_words(text_of(object, name));
}

ExecutableAnswer problem(std::string text) { return {{}, {}, std::move(text)}; }

ExecutableAnswer token_of(const json& document) {
  const std::string type = text_of(document, "token_type");
  const bool oidc = type == "urn:ietf:params:oauth:token-type:jwt" ||
                    type == "urn:ietf:params:oauth:token-type:id_token";
  if (!oidc && type != "urn:ietf:params:oauth:token-type:saml2") {
    return problem("answered with the token_type \"" + words_of(document, "token_type") +
                   "\", which is none of jwt, id_token and saml2");
  }
  const char* field = oidc ? "id_token" : "saml_response";
  ExecutableAnswer answer;
  answer.token = text_of(document, field);
  if (answer.token.empty()) return problem(std::string("answered without ") + field);
  base::redact_secret(answer.token);
  return answer;
}

}  // namespace

ExecutableAnswer parse_executable_answer(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return problem("answered with no JSON object");
  const auto version = integer_of(document, "version");
  if (!version || *version < 1 || *version > kNewestVersion) {
    return problem("answered with a version other than 1");
  }
  const auto success = document.find("success");
  if (success == document.end() || !success->is_boolean()) {
    return problem("answered without success (true or false)");
  }
  if (!success->get<bool>()) {
    return problem("reports a failure: " + words_of(document, "code") + ": " +
                   words_of(document, "message"));
  }
  ExecutableAnswer answer = token_of(document);
  if (!document.contains("expiration_time")) return answer;
  const auto seconds = integer_of(document, "expiration_time");
  const auto expires_ns =
      seconds && *seconds >= 0 ? base::time_of_seconds(*seconds) : std::nullopt;
  if (!expires_ns) {
    return problem("answered with an expiration_time that is no Unix time in seconds");
  }
  answer.expires_ns = *expires_ns;
  return answer;
}

}  // namespace cloudsync::auth::google
