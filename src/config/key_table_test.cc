// SPDX-License-Identifier: Apache-2.0
#include "config/key_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config/config_testing.h"
#include "config/yaml_document.h"

namespace cloudsync::config {
namespace {

std::string sample_text() {
  std::ostringstream text;
  text << std::ifstream(CLOUDSYNC_SAMPLE_CONFIG).rdbuf();
  return text.str();
}

// The sample with everything that is commented out switched on ("#key: value", "#  -
// item").
std::string uncommented(const std::string& text) {
  std::istringstream stream(text);
  std::string result;
  for (std::string line; std::getline(stream, line);) {
    const std::size_t hash = line.find_first_not_of(' ');
    if (hash != std::string::npos && line[hash] == '#' && hash + 1 < line.size()) {
      const bool item = line.substr(hash, 4) == "#  -";
      if (line[hash + 1] != ' ' || item) line.erase(hash, 1);
    }
    result += line + "\n";
  }
  return result;
}

using KeyTable = ConfigTest;

TEST_F(KeyTable, KeysAreUniqueAndDescribed) {
  std::set<std::string_view> keys;
  for (const KeySpec& spec : key_table()) {
    EXPECT_TRUE(keys.insert(spec.key).second) << spec.key;
    EXPECT_FALSE(spec.values.empty()) << spec.key;
    EXPECT_FALSE(spec.meaning.empty()) << spec.key;
    EXPECT_FALSE(spec.default_value.empty() && spec.default_note.empty()) << spec.key;
  }
}

TEST_F(KeyTable, EverythingCalledSecretIsMasked) {
  for (const KeySpec& spec : key_table()) {
    if (spec.values == "secret") {
      EXPECT_EQ(masked(spec, "a-long-enough-value"), "***") << spec.key;
    }
  }
}

TEST_F(KeyTable, EnvironmentNamesAreUpperCaseWithUnderscores) {
  EXPECT_EQ(environment_name("max_workers"), "CLOUDSYNC_MAX_WORKERS");
  EXPECT_EQ(environment_name("storage.bucket"), "CLOUDSYNC_STORAGE_BUCKET");
}

TEST_F(KeyTable, ReferenceHoldsEveryKey) {
  const std::string reference = key_table_markdown();
  for (const KeySpec& spec : key_table()) {
    EXPECT_NE(reference.find("| `" + std::string(spec.key) + "` |"), std::string::npos);
  }
}

TEST_F(KeyTable, SampleConfigurationHoldsEveryKeyAndNoOther) {
  const auto document = parse_yaml(uncommented(sample_text()), "sample");
  for (const KeySpec& spec : key_table()) {
    EXPECT_NE(document.find(std::string(spec.key)), nullptr) << spec.key;
  }
  for (const YamlEntry& entry : document.entries) {
    EXPECT_NE(find_key(entry.key), nullptr) << entry.key;
  }
}

TEST_F(KeyTable, SampleConfigurationLoads) {
  environment_ = {{"AWS_ACCESS_KEY_ID", "AKIA"},
                  {"AWS_SECRET_ACCESS_KEY", "sample-secret"}};
  EXPECT_EQ(error_of(sample_text()), "");
}

}  // namespace
}  // namespace cloudsync::config
