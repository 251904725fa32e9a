// SPDX-License-Identifier: Apache-2.0
#include "sync/place/placing_batch.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/test_directory.h"

namespace cloudsync::sync {
namespace {

PlaceTask task_for(const base::TestDirectory& root, const std::string& key) {
  root.write(".cloudsync/tmp/" + key + ".part", "content");
  PlaceTask task;
  task.request.key = key;
  task.request.temp_path = ".cloudsync/tmp/" + key + ".part";
  return task;
}

TEST(PlacingBatch, FailureToRecordOneFileIsThatFilesOutcome) {
  for (const auto durability : {Durability::kBatch, Durability::kNone}) {
    const base::TestDirectory root;
    const auto files = base::open_posix_file_system(root.path());
    Placer placer(*files, "run", true, base::system_clock());
    placer.prepare();
    std::atomic<int> recorded{0}, failed{0};
    PlacingBatch batch(*files, placer, durability, base::system_clock());
    for (const char* key : {"a", "b", "c"}) {
      PlaceTask task = task_for(root, key);
      const bool fails = task.request.key == "b";
      task.on_placed = [&recorded, fails](const PlaceResult&, bool) {
        if (fails) throw Error(ErrorCode::kDiskFull, "no room to note it");
        ++recorded;
      };
      task.on_error = [&failed](const Error&) { ++failed; };
      batch.submit(std::move(task));
    }
    batch.wait_idle();
    EXPECT_EQ(recorded, 2);
    EXPECT_EQ(failed, 1);
  }
}

}  // namespace
}  // namespace cloudsync::sync
