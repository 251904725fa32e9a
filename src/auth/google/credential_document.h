// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudsync::auth::google {

// A JSON object of a credential file, and where it stands for messages. Whatever is in
// the file, only Error{kUnauthenticated} is thrown, naming file and field, never a value.
// A field that is null counts as absent. Texts with control characters are refused: they
// end up in headers, URLs and environments.
class CredentialDocument {
 public:
  static CredentialDocument parse(const std::string& text, std::string path);

  const std::string& path() const { return path_; }

  bool has(const char* field) const { return find(field) != nullptr; }
  std::string text(const char* field) const;  // required and not empty
  std::string text_or(const char* field, std::string fallback) const;
  // Registered with base::redact_secret.
  std::string secret(const char* field) const;
  std::string secret_or(const char* field, std::string fallback) const;
  std::string pem(const char* field) const;  // a secret of several lines
  std::int64_t integer_or(const char* field, std::int64_t fallback) const;
  std::vector<std::string> texts(const char* field) const;  // absent = none
  std::vector<std::pair<std::string, std::string>> text_map(const char* field) const;
  CredentialDocument object(const char* field) const;

  // "the field "source_credentials.client_id" of FILE".
  std::string field_name(const char* field) const;
  [[noreturn]] void refuse(const char* field, const std::string& reason) const;

 private:
  CredentialDocument(nlohmann::json object, std::string path, std::string prefix)
      : object_(std::move(object)), path_(std::move(path)), prefix_(std::move(prefix)) {}

  const nlohmann::json* find(const char* field) const;
  std::string checked_text(const char* field, const nlohmann::json& value) const;

  nlohmann::json object_;
  std::string path_;
  std::string prefix_;  // "source_credentials." inside that object
};

}  // namespace cloudsync::auth::google
