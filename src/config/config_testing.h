// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "cloudsync/config.h"

namespace cloudsync::config {

// A configuration file in a directory of its own, and an environment made of a map.
class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* base = ::getenv("TMPDIR");
    std::string pattern =
        std::string(base == nullptr ? "/tmp" : base) + "/cloudsync-config-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    file_ = directory_ + "/c.yaml";
    // Away from the configuration files of the directory that the tests are started in.
    started_in_ = std::filesystem::current_path();
    std::filesystem::current_path(directory_);
  }
  void TearDown() override {
    std::filesystem::current_path(started_in_);
    std::filesystem::remove_all(directory_);
  }

  void write(const std::string& text) const { std::ofstream(file_) << text; }

  EnvironmentLookup lookup() const {
    return [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::optional(found->second);
    };
  }

  LoadedConfig load(const std::string& text) const {
    write(text);
    return load_config(file_, flags_, lookup());
  }

  // The message, with the file's directory cut off; "" when nothing was thrown.
  std::string error_of(const std::string& text) const {
    try {
      load(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      std::string message = error.what();
      for (std::size_t at; (at = message.find(directory_ + "/")) != std::string::npos;) {
        message.erase(at, directory_.size() + 1);
      }
      return message;
    }
    return "";
  }

  std::filesystem::path started_in_;
  std::string directory_;
  std::string file_;
  std::map<std::string, std::string> environment_;
  std::map<std::string, std::string> flags_;
};

// A configuration that needs nothing but what a test adds.
inline const std::string kMinimal =
    "storage:\n  provider: local\n  path: /srv/buckets\n";  // lines 1 to 3

}  // namespace cloudsync::config
