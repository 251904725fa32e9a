// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/posix_root.h"
#include "base/test_directory.h"
#include "cloudsync/error.h"

namespace cloudsync::base {

// Every behaviour holds with openat2 and with the walk that replaces it on old kernels.
using OpenRoot = std::unique_ptr<FileSystem> (*)(const std::string&);

class PosixTest : public testing::TestWithParam<OpenRoot> {
 protected:
  static Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

  static std::string read_all(const ReadableFile& file) {
    std::string content(file.stat().size, '\0');
    content.resize(file.read_at(0, std::as_writable_bytes(std::span(content))));
    return content;
  }

  template <class Fn>
  static void expect_error(ErrorCode code, const std::string& words, Fn&& fn) {
    try {
      fn();
      ADD_FAILURE() << "no error where one was due: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error_code_name(error.code()), error_code_name(code)) << error.what();
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  }

  void link_to(const std::string& target, const std::string& name) const {
    ASSERT_EQ(symlink(target.c_str(), (directory_ / name).c_str()), 0);
  }

  TestDirectory directory_;
  std::unique_ptr<FileSystem> fs_ = GetParam()(directory_.path());
};

#define CLOUDSYNC_INSTANTIATE_POSIX(suite)                       \
  INSTANTIATE_TEST_SUITE_P(                                      \
      Resolver, suite,                                           \
      testing::Values(OpenRoot{open_posix_file_system},          \
                      OpenRoot{open_posix_file_system_walking}), \
      [](const auto& which) { return which.index == 0 ? "Openat2" : "Walk"; })

}  // namespace cloudsync::base
