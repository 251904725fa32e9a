// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/test_directory.h"
#include "sync/place/place.h"
#include "sync/testing/transfer_fixture.h"

namespace cloudsync::sync {

inline constexpr char kRun[] = "20260102T030405Z-0a1b2c";
inline constexpr char kOlderRun[] = "20260101T030405Z-0a1b2c";
inline const std::string kRunTrash = std::string(kTrashDirectory) + "/" + kRun;
inline const std::string kReplacedTrash = kRunTrash + "~replaced";

class PlaceTest : public ::testing::Test {
 protected:
  PlaceTest() { placer_.prepare(); }

  std::string temp(const std::string& content) {
    const std::string path =
        std::string(kTempDirectory) + "/" + std::to_string(++temps_) + ".part";
    tree_.write(path, content);
    std::filesystem::permissions(tree_ / path, std::filesystem::perms(0600));
    return path;
  }

  PlaceResult place(const std::string& key, const std::string& content,
                    std::optional<base::FileStat> expected = std::nullopt,
                    bool keep = false) {
    return placer_.place({.key = key,
                          .temp_path = temp(content),
                          .expected = expected,
                          .keep_replaced = keep});
  }

  PlaceResult fork(const std::string& key, const std::string& content,
                   const std::string& copy) {
    return placer_.place({.key = key,
                          .temp_path = temp(content),
                          .expected = stat(key),
                          .keep_replaced = true,
                          .copy_key = copy});
  }

  base::FileStat stat(const std::string& path) { return *disk_->stat(path); }

  // The other program acts right before the named operation on the path, once.
  void interfere(const std::string& operation, const std::string& path,
                 std::function<void()> action) {
    files_.before = [=, this, done = false](const std::string& name,
                                            const std::string& at) mutable {
      if (done || name != operation || at != path) return;
      done = true;
      action();
    };
  }

  std::size_t count_files(const std::string& directory) const {
    std::size_t count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(tree_ / directory)) {
      if (!entry.is_directory()) ++count;
    }
    return count;
  }

  base::TestDirectory tree_;
  std::unique_ptr<base::FileSystem> disk_ = base::open_posix_file_system(tree_.path());
  InterceptedFiles files_{*disk_};
  ShiftedClock clock_;
  Placer placer_{files_, kRun, true, clock_};
  int temps_ = 0;
};

}  // namespace cloudsync::sync
