// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/sas_token.h"

#include <algorithm>

#include "auth/blank.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"

namespace cloudsync::auth {
namespace {

constexpr std::size_t kDateLength = 10;     // 2026-11-24
constexpr std::size_t kMinutesLength = 17;  // 2026-11-24T00:00Z

// Still encoded.
std::string_view raw_parameter(std::string_view token, std::string_view name) {
  while (!token.empty()) {
    const std::string_view item = token.substr(0, token.find('&'));
    token.remove_prefix(std::min(item.size() + 1, token.size()));
    const std::size_t equals = item.find('=');
    if (equals != std::string_view::npos && item.substr(0, equals) == name) {
      return item.substr(equals + 1);
    }
  }
  return {};
}

}  // namespace

std::string plain_sas_token(std::string_view text) {
  text = trim_blanks(text);
  if (text.starts_with('?')) text.remove_prefix(1);
  return std::string(text);
}

std::optional<std::string> sas_parameter(std::string_view token, std::string_view name) {
  const std::string_view raw = raw_parameter(token, name);
  if (raw.empty()) return std::nullopt;
  return base::percent_decode(raw, true);
}

std::optional<std::int64_t> sas_expiry_ns(std::string_view token) {
  auto text = sas_parameter(token, "se");
  if (!text) return std::nullopt;
  if (text->size() == kDateLength) *text += "T00:00:00Z";
  if (text->size() == kMinutesLength && text->ends_with('Z')) {
    text->insert(kMinutesLength - 1, ":00");
  }
  return base::parse_rfc3339(*text);
}

void register_sas_secrets(const std::string& token) {
  base::redact_secret(token);
  base::redact_secret(raw_parameter(token, "sig"));
}

std::string with_sas_token(const std::string& url, const std::string& token) {
  const std::size_t question = url.find('?');
  if (question == std::string::npos) return url + "?" + token;
  const bool open = url.ends_with('?') || url.ends_with('&');
  return url + (open ? "" : "&") + token;
}

}  // namespace cloudsync::auth
