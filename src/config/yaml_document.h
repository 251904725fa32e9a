// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cloudsync::config {

// One value of the file under its dotted key ("storage.credentials.account_key").
struct YamlEntry {
  std::string key;
  std::string value;  // the items of a list, one a line
  int line = 0;       // 1-based, of the key
  bool is_null = false;
  bool is_list = false;
};

struct YamlDocument {
  std::string file;
  std::vector<YamlEntry> entries;  // in the order of the file; keys are unique

  const YamlEntry* find(const std::string& key) const;
};

// Throws Error{kInvalidArgument} "FILE:LINE:COLUMN: ..." for text that is no YAML, for
// keys given twice, and for shapes that no configuration has (lists of maps, several
// documents).
YamlDocument parse_yaml(const std::string& text, const std::string& file);

// Throws Error{kInvalidArgument} also when the file is missing or unreadable.
YamlDocument read_yaml_file(const std::string& path);

}  // namespace cloudsync::config
