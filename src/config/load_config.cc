// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/config.h"
#include "config/key_table.h"
#include "config/nearest_key.h"
#include "config/process_environment.h"
#include "config/requirements.h"
#include "config/substitution.h"
#include "config/yaml_document.h"

namespace cloudsync {
namespace config {
namespace {

// Groups of keys that may stand empty ("credentials:" with nothing below it).
bool is_group(const std::string& key) {
  for (const KeySpec& spec : key_table()) {
    if (spec.key.starts_with(key + ".")) return true;
  }
  return false;
}

std::string place_of(const YamlDocument& document, const YamlEntry& entry) {
  return document.file + ":" + std::to_string(entry.line);
}

[[noreturn]] void fail(const std::string& place, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, place + ": " + message);
}

[[noreturn]] void fail_unknown(const std::string& place, const std::string& key) {
  const Nearest near = nearest(key, key_names());
  const std::string hint = near.is_close
                               ? "did you mean \"" + near.word + "\"?"
                               : "the nearest known key is \"" + near.word + "\"";
  fail(place, "unknown key \"" + base::printable(key) + "\"; " + hint);
}

void check_shape(const YamlDocument& document, const YamlEntry& entry) {
  const std::string place = place_of(document, entry);
  const KeySpec* spec = find_key(entry.key);
  if (spec == nullptr && is_group(entry.key)) {
    if (entry.is_null) return;
    fail(place,
         entry.key + " holds keys of its own, indented below it; it takes no value");
  }
  if (spec == nullptr) fail_unknown(place, entry.key);
  if (entry.is_null || entry.is_list == spec->is_list) return;
  fail(place, spec->is_list ? entry.key + " must be a list, one \"- ...\" item a line"
                            : entry.key + " takes one value, not a list");
}

struct Found {
  std::string value;
  std::string origin;
};

class Loader {
 public:
  Loader(const YamlDocument& document, const std::map<std::string, std::string>& flags,
         const EnvironmentLookup& environment)
      : document_(document), flags_(flags), environment_(environment) {}

  LoadedConfig load() {
    for (const YamlEntry& entry : document_.entries) check_shape(document_, entry);
    loaded_.config.file = document_.file;
    for (const KeySpec& spec : key_table()) take(spec);
    check_requirements(loaded_);
    return std::move(loaded_);
  }

 private:
  void take(const KeySpec& spec) {
    const std::optional<Found> found = find(spec);
    if (!found) {
      loaded_.values.push_back({std::string(spec.key), default_shown(spec), "default"});
      return;
    }
    if (spec.masking == Masking::kFull) base::redact_secret(found->value);
    try {
      spec.set(loaded_.config, found->value);
    } catch (const Error& error) {
      fail(found->origin, std::string(spec.key) + ": " + error.what());
    }
    loaded_.values.push_back(
        {std::string(spec.key), masked(spec, found->value), found->origin});
  }

  static std::string default_shown(const KeySpec& spec) {
    const bool explain = spec.default_value.empty() && spec.key == "deletes";
    return std::string(explain ? spec.default_note : spec.default_value);
  }

  // Flag, environment, file: the first that has it.
  std::optional<Found> find(const KeySpec& spec) const {
    const std::string key(spec.key);
    // The file is read even when something else wins, so that its faults show.
    std::optional<Found> in_file = find_in_file(spec);
    if (const auto flag = flags_.find(key); flag != flags_.end()) {
      return Found{flag->second, "flag"};
    }
    const std::string variable = environment_name(key);
    if (auto value = environment_(variable)) {
      return Found{expand_home(spec, std::move(*value)), "environment " + variable};
    }
    return in_file;
  }

  std::optional<Found> find_in_file(const KeySpec& spec) const {
    const YamlEntry* entry = document_.find(std::string(spec.key));
    if (entry == nullptr || entry->is_null) return std::nullopt;
    const std::string place = place_of(document_, *entry);
    try {
      return Found{expand_home(spec, substitute(entry->value, environment_)), place};
    } catch (const Error& error) {
      fail(place, std::string(spec.key) + ": " + error.what());
    }
  }

  // A folder called "~" in the working directory is a trap: the shell removes something
  // else.
  std::string expand_home(const KeySpec& spec, std::string value) const {
    if (!spec.is_path || !value.starts_with("~/")) return value;
    const auto home = environment_("HOME");
    return home ? *home + value.substr(1) : value;
  }

  const YamlDocument& document_;
  const std::map<std::string, std::string>& flags_;
  const EnvironmentLookup& environment_;
  LoadedConfig loaded_;
};

void check_flags(const std::map<std::string, std::string>& flags) {
  for (const auto& [key, value] : flags) {
    if (find_key(key) == nullptr)
      throw Error(ErrorCode::kInternal, "no such key: " + key);
  }
}

}  // namespace

}  // namespace config

LoadedConfig load_config(const std::string& path,
                         const std::map<std::string, std::string>& flags,
                         const EnvironmentLookup& environment) {
  config::check_flags(flags);
  const config::YamlDocument document = config::read_yaml_file(path);
  const EnvironmentLookup lookup =
      environment ? environment : config::process_environment;
  return config::Loader(document, flags, lookup).load();
}

}  // namespace cloudsync
