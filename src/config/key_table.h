// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cloudsync/config.h"

namespace cloudsync::config {

enum class Masking {
  kNone,
  kTail,  // an identifier: only its last four characters are shown
  kFull,  // a secret: never shown, never logged
};

// One key of the configuration file. This table drives the loader, `config check`, the
// reference in the documentation and redaction, so that they cannot drift apart.
struct KeySpec {
  std::string_view key;
  std::string_view values;         // what it takes
  std::string_view default_value;  // readable by `set`; "" = none
  std::string_view default_note;   // shown where the default is no single value
  std::string_view meaning;
  // Throws Error{kInvalidArgument} without the key. A list comes as one item a line.
  void (*set)(SyncConfig& config, const std::string& value);
  Masking masking = Masking::kNone;
  bool is_list = false;
  bool is_path = false;  // a leading "~/" is the home directory
};

std::span<const KeySpec> key_table();
const KeySpec* find_key(std::string_view key);
std::vector<std::string> key_names();
// "storage.bucket" -> "CLOUDSYNC_STORAGE_BUCKET".
std::string environment_name(std::string_view key);
// As `config check` may show it.
std::string masked(const KeySpec& spec, const std::string& value);
// The reference of all keys as a Markdown table.
std::string key_table_markdown();

}  // namespace cloudsync::config
