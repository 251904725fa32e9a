// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_document.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "config/yaml_limits.h"

namespace cloudsync::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

std::string place(const std::string& file, const YAML::Mark& mark) {
  if (mark.is_null()) return file;
  return file + ":" + std::to_string(mark.line + 1) + ":" +
         std::to_string(mark.column + 1);
}

class Flattener {
 public:
  explicit Flattener(YamlDocument& document) : document_(document) {}

  void add_map(const YAML::Node& map, const std::string& prefix) {
    for (const auto& item : map) {
      if (!item.first.IsScalar()) fail(item.first.Mark(), "a key must be a plain word");
      add(prefix + item.first.Scalar(), item.first.Mark(), item.second);
    }
  }

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) const {
    throw Error(ErrorCode::kInvalidArgument,
                place(document_.file, mark) + ": " + message);
  }

 private:
  void add(const std::string& key, const YAML::Mark& mark, const YAML::Node& value) {
    if (value.IsMap()) return add_map(value, key + ".");
    YamlEntry entry{.key = key, .value = {}, .line = mark.line + 1};
    if (value.IsScalar()) {
      entry.value = value.Scalar();
    } else if (value.IsSequence()) {
      entry.is_list = true;
      entry.value = joined_items(value, key);
    } else {
      entry.is_null = true;
    }
    store(std::move(entry), mark);
  }

  std::string joined_items(const YAML::Node& list, const std::string& key) const {
    std::string joined;
    for (const auto& item : list) {
      if (!item.IsScalar())
        fail(item.Mark(), key + ": every item of the list must be text");
      const std::string& text = item.Scalar();
      if (text.find('\n') != std::string::npos) {
        fail(item.Mark(), key + ": an item of the list must be one line");
      }
      joined += (joined.empty() ? "" : "\n") + text;
    }
    return joined;
  }

  void store(YamlEntry entry, const YAML::Mark& mark) {
    if (const YamlEntry* first = document_.find(entry.key)) {
      fail(mark,
           entry.key + " is given twice, first in line " + std::to_string(first->line));
    }
    document_.entries.push_back(std::move(entry));
  }

  YamlDocument& document_;
};

void flatten(const YAML::Node& root, YamlDocument& document) {
  Flattener flattener(document);
  if (root.IsNull()) return;
  if (!root.IsMap())
    flattener.fail(root.Mark(), "\"key: value\" lines are expected here");
  flattener.add_map(root, "");
}

}  // namespace

const YamlEntry* YamlDocument::find(const std::string& key) const {
  const auto found =
      std::find_if(entries.begin(), entries.end(),
                   [&](const YamlEntry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

YamlDocument parse_yaml(const std::string& text, const std::string& file) {
  // yaml-cpp would replace invalid bytes silently, which changes paths and passwords.
  if (!base::is_valid_utf8(text)) {
    throw Error(ErrorCode::kInvalidArgument, file + ": the file is not UTF-8 text");
  }
  YamlDocument document{.file = file, .entries = {}};
  try {
    require_small_yaml(text);
    flatten(YAML::Load(text), document);
  } catch (const YAML::Exception& error) {
    throw Error(ErrorCode::kInvalidArgument, place(file, error.mark) + ": " + error.msg);
  }
  return document;
}

YamlDocument read_yaml_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  if (!stream) {
    throw Error(ErrorCode::kInvalidArgument, "cannot read the configuration file " +
                                                 path + ": " + std::strerror(errno));
  }
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.gcount() == 0 && !stream.eof())) {
    throw Error(ErrorCode::kInvalidArgument, "cannot read the configuration file " +
                                                 path + ": " + std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxFileBytes) {
    throw Error(ErrorCode::kInvalidArgument,
                "the configuration file " + path + " is larger than 1 MiB");
  }
  return parse_yaml(text, path);
}

}  // namespace cloudsync::config
