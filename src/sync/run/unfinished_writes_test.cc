// SPDX-License-Identifier: Apache-2.0
// Whole runs after one that was killed while it placed what it had downloaded.
#include "sync/run/unfinished_writes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <utility>

#include "sync/testing/replica.h"

namespace cloudsync::sync {
namespace {

using storage::MemoryStore;
using testing::Replica;

class UnfinishedPlacing : public ::testing::Test {
 protected:
  // `k` in step, and then written by somebody else.
  void change_in_bucket() {
    machine_.write("k", "first");
    machine_.run();
    bucket_.put_directly("p/k", "second, longer");
  }

  // As committed before the file of this path was to take the name `k`.
  void intend(const std::string& path) {
    const auto file = base::open_posix_file_system(machine_.path(""))->stat(path);
    ASSERT_TRUE(file);
    const auto state = machine_.state();
    IntentRow row;
    row.pair = state->pairs().at(0).id;
    row.action = OperationAction::kDownload;
    row.base.key = "k";
    row.base.size = 14;
    row.base.l_ctime = file->ctime_ns;
    row.base.l_ino = file->ino;
    row.base.l_dev = file->dev;
    row.base.l_mode = file->mode;
    row.expect_token = bucket_.head({"p/k"}, {})->token.value;
    row.started_ns = base::system_clock().now_ns() - 1'000'000'000;
    const StateChange changes[] = {SaveIntent{row}};
    state->apply(changes);
  }

  std::uint64_t intents() {
    const auto state = machine_.state();
    return state->count_intents(state->pairs().at(0).id);
  }

  MemoryStore bucket_;
  Replica machine_{bucket_};
};

TEST_F(UnfinishedPlacing, TheFileThatWasToBeReplacedIsNotTheOnePlaced) {
  change_in_bucket();
  intend("k");
  machine_.run();
  EXPECT_EQ(bucket_.content("p/k"), "second, longer");
  EXPECT_EQ(machine_.read("k"), "second, longer");
}

TEST_F(UnfinishedPlacing, WhatIsNotPlacedIsWithdrawnBeforeItsFileGoes) {
  machine_.write("other", "x");
  machine_.run();
  bucket_.put_directly("p/k", "from elsewhere");
  std::atomic<int> removed{0};
  machine_.before_file_call = [&, saved = false](const std::string& operation,
                                                 const std::string& path) mutable {
    if (operation == "rename_new" && path == "k" && !std::exchange(saved, true))
      machine_.write("k", "saved meanwhile");
    if (operation != "remove_file" || !path.ends_with(".part")) return;
    if (path.find("/clock-") != std::string::npos) return;
    ++removed;
    EXPECT_EQ(intents(), 0U);
  };
  machine_.run();
  EXPECT_EQ(removed, 1);
}

TEST_F(UnfinishedPlacing, WhatFailsToBePlacedIsWithdrawn) {
  machine_.write("other", "x");
  machine_.run();
  bucket_.put_directly("p/k", "from elsewhere");
  machine_.before_file_call = [](const std::string& operation, const std::string& path) {
    if (operation == "rename_new" && path == "k")
      throw Error(ErrorCode::kLocalIo, "cannot rename");
  };
  EXPECT_EQ(machine_.run().failed, 1U);
  EXPECT_EQ(intents(), 0U);
}

TEST_F(UnfinishedPlacing, WhatLiesAmongTheTemporaryFilesWasNotPlaced) {
  change_in_bucket();
  machine_.write(".cloudsync/tmp/left.part", "second, longer");
  intend(".cloudsync/tmp/left.part");
  bucket_.set_fault([](const std::string& operation, const std::string&, bool) {
    if (operation == "list") throw Error(ErrorCode::kPermissionDenied, "refused");
  });
  machine_.run();
  const auto state = machine_.state();
  const auto rows = state->intents(state->pairs().at(0).id, "k");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].base.l_ino, 0U);
}

// As a run leaves it that was killed while it took the name by an empty file.
TEST_F(UnfinishedPlacing, TheEmptyFileThatTookTheNameIsNoEdit) {
  for (const bool trash : {true, false}) {
    machine_.settings.engine.trash = trash;
    change_in_bucket();
    machine_.write(".cloudsync/tmp/left.part", "second, longer");
    chmod(machine_.path(".cloudsync/tmp/left.part").c_str(), 0600);
    intend(".cloudsync/tmp/left.part");
    machine_.remove("k");
    machine_.write("k", "");
    chmod(machine_.path("k").c_str(), 0600);
    machine_.run();
    EXPECT_EQ(bucket_.content("p/k"), "second, longer");
    EXPECT_EQ(machine_.read("k"), "second, longer");
    EXPECT_EQ(intents(), 0U);
    machine_.run();
  }
}

TEST_F(UnfinishedPlacing, TheEmptyFileThatTookTheNameIsNotSent) {
  change_in_bucket();
  machine_.write("left", "second, longer");
  chmod(machine_.path("left").c_str(), 0600);
  intend("left");
  machine_.write("k", "");
  chmod(machine_.path("k").c_str(), 0600);
  machine_.use(Direction::kUpload);
  EXPECT_EQ(machine_.run().failed, 1U);
  EXPECT_EQ(bucket_.content("p/k"), "second, longer");
}

TEST_F(UnfinishedPlacing, AnEmptyFileOfAUserIsAnEdit) {
  machine_.write("k", "first");
  machine_.run();
  machine_.write(".cloudsync/tmp/left.part", "second, longer");
  chmod(machine_.path(".cloudsync/tmp/left.part").c_str(), 0600);
  intend(".cloudsync/tmp/left.part");
  machine_.write("k", "");
  chmod(machine_.path("k").c_str(), 0644);
  machine_.run();
  EXPECT_EQ(bucket_.content("p/k"), "");
}

TEST_F(UnfinishedPlacing, ANameFreedForTheSameVersionIsNoDeletion) {
  machine_.write("k", "first");
  machine_.write("other", "x");
  machine_.run();
  machine_.write("left", "first");
  intend("left");
  machine_.remove("k");
  EXPECT_EQ(machine_.run().deleted_remote, 0U);
  EXPECT_EQ(machine_.read("k"), "first");
}

}  // namespace
}  // namespace cloudsync::sync
