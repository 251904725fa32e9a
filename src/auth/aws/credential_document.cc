// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/credential_document.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "auth/service_words.h"
#include "base/log.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestDocument = 1 << 20;
constexpr std::size_t kLongestField = 64 << 10;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kLatest = INT64_MAX / kMillisecond;

[[noreturn]] void throw_unusable(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::kUnauthenticated,
              origin + " gave no usable credentials: " + what);
}

json parse_object(const std::string& body, const std::string& origin) {
  if (body.size() > kLargestDocument) throw_unusable(origin, "the answer is too large");
  json document = json::parse(body, nullptr, false);
  if (!document.is_object()) throw_unusable(origin, "the answer is no JSON object");
  return document;
}

// "" where there is no such text.
std::string text_of(const json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string required(const json& document, const char* name, const std::string& origin) {
  std::string value = text_of(document, name);
  if (value.empty()) throw_unusable(origin, std::string(name) + " is missing");
  return value;
}

std::optional<std::int64_t> expiration(const json& document, const std::string& origin) {
  const auto found = document.find("Expiration");
  if (found == document.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) {
    if (const auto time_ns = base::parse_rfc3339(found->get_ref<const std::string&>())) {
      return time_ns;
    }
  }
  throw_unusable(origin, "Expiration is no time like 2026-01-31T12:00:00Z");
}

std::int64_t expiration_in_milliseconds(const json& document, const std::string& origin) {
  const auto found = document.find("expiration");
  if (found != document.end() && found->is_number_integer()) {
    const bool fits = found->is_number_unsigned()
                          ? found->get<std::uint64_t>() <= std::uint64_t{kLatest}
                          : found->get<std::int64_t>() >= 0;
    if (fits) return found->get<std::int64_t>() * kMillisecond;
  }
  throw_unusable(origin, "expiration is no time in milliseconds");
}

void require_success(const json& document, const std::string& origin) {
  const std::string code = text_of(document, "Code");
  if (code.empty() || code == "Success") return;
  throw_unusable(origin, service_words(code + ": " + text_of(document, "Message")));
}

}  // namespace

AwsCredentials require_usable(AwsCredentials credentials) {
  const auto plain = [](const std::string& field) {
    return field.size() <= kLongestField &&
           std::all_of(field.begin(), field.end(),
                       [](char c) { return c > ' ' && c < 0x7f; });
  };
  base::redact_secret(credentials.secret_access_key);
  base::redact_secret(credentials.session_token);
  if (!plain(credentials.access_key_id) || !plain(credentials.secret_access_key) ||
      !plain(credentials.session_token)) {
    throw_unusable(credentials.origin, "a key or token holds bytes that no key has");
  }
  return credentials;
}

AwsCredentials parse_metadata_credentials(const std::string& body,
                                          const std::string& origin) {
  const json document = parse_object(body, origin);
  require_success(document, origin);
  return require_usable({required(document, "AccessKeyId", origin),
                         required(document, "SecretAccessKey", origin),
                         required(document, "Token", origin),
                         expiration(document, origin), origin});
}

AwsCredentials parse_process_credentials(const std::string& body,
                                         const std::string& origin) {
  const json document = parse_object(body, origin);
  const auto version = document.find("Version");
  if (version == document.end() || !version->is_number_integer() || *version != 1) {
    throw_unusable(origin, "Version is not 1, the only one that is known");
  }
  return require_usable({required(document, "AccessKeyId", origin),
                         required(document, "SecretAccessKey", origin),
                         text_of(document, "SessionToken"), expiration(document, origin),
                         origin});
}

AwsCredentials parse_sso_credentials(const std::string& body, const std::string& origin) {
  const json document = parse_object(body, origin);
  const auto role = document.find("roleCredentials");
  if (role == document.end() || !role->is_object()) {
    throw_unusable(origin, "roleCredentials is missing");
  }
  return require_usable({required(*role, "accessKeyId", origin),
                         required(*role, "secretAccessKey", origin),
                         required(*role, "sessionToken", origin),
                         expiration_in_milliseconds(*role, origin), origin});
}

}  // namespace cloudsync::auth
