// SPDX-License-Identifier: Apache-2.0
#include "auth/google/credential_document.h"

#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

#include <algorithm>
#include <limits>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
}

}  // namespace

CredentialDocument CredentialDocument::parse(const std::string& text, std::string path) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) {
    throw Error(ErrorCode::kUnauthenticated,
                "the Google credential file " + base::printable(path) +
                    " is no JSON object; download the key again or run `gcloud auth "
                    "application-default login`");
  }
  return {std::move(document), std::move(path), ""};
}

const json* CredentialDocument::find(const char* field) const {
  const auto found = object_.find(field);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string CredentialDocument::field_name(const char* field) const {
  return "the field \"" + prefix_ + field + "\" of " + base::printable(path_);
}

void CredentialDocument::refuse(const char* field, const std::string& reason) const {
  throw Error(ErrorCode::kUnauthenticated, field_name(field) + " " + reason);
}

std::string CredentialDocument::checked_text(const char* field, const json& value) const {
  if (!value.is_string()) refuse(field, "must be text");
  auto text = value.get<std::string>();
  if (std::ranges::any_of(text, is_control)) refuse(field, "holds control characters");
  return text;
}

std::string CredentialDocument::text(const char* field) const {
  const json* value = find(field);
  if (value == nullptr) refuse(field, "is missing");
  std::string text = checked_text(field, *value);
  if (text.empty()) refuse(field, "is empty");
  return text;
}

std::string CredentialDocument::text_or(const char* field, std::string fallback) const {
  const json* value = find(field);
  if (value == nullptr) return fallback;
  std::string text = checked_text(field, *value);
  return text.empty() ? fallback : text;
}

std::string CredentialDocument::secret(const char* field) const {
  std::string value = text(field);
  base::redact_secret(value);
  return value;
}

std::string CredentialDocument::secret_or(const char* field, std::string fallback) const {
  return find(field) == nullptr ? fallback : secret(field);
}

std::string CredentialDocument::pem(const char* field) const {
  const json* value = find(field);
  if (value == nullptr) refuse(field, "is missing");
  if (!value->is_string()) refuse(field, "must be text");
  auto text = value->get<std::string>();
  base::redact_secret(text);
  return text;
}

std::int64_t CredentialDocument::integer_or(const char* field,
                                            std::int64_t fallback) const {
  const json* value = find(field);
  if (value == nullptr) return fallback;
  if (!value->is_number_integer()) refuse(field, "must be a whole number");
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > kMost) {
    refuse(field, "is too large");
  }
  return value->get<std::int64_t>();
}

std::vector<std::string> CredentialDocument::texts(const char* field) const {
  const json* value = find(field);
  if (value == nullptr) return {};
  if (!value->is_array()) refuse(field, "must be a list");
  std::vector<std::string> out;
  for (const json& entry : *value) out.push_back(checked_text(field, entry));
  return out;
}

std::vector<std::pair<std::string, std::string>> CredentialDocument::text_map(
    const char* field) const {
  const json* value = find(field);
  if (value == nullptr) return {};
  if (!value->is_object()) refuse(field, "must be an object");
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, entry] : value->items()) {
    if (std::ranges::any_of(name, is_control)) refuse(field, "holds control characters");
    out.emplace_back(name, checked_text(field, entry));
  }
  return out;
}

CredentialDocument CredentialDocument::object(const char* field) const {
  const json* value = find(field);
  if (value == nullptr) refuse(field, "is missing");
  if (!value->is_object()) refuse(field, "must be an object");
  return {*value, path_, prefix_ + field + "."};
}

}  // namespace cloudsync::auth::google
