// SPDX-License-Identifier: Apache-2.0
// The trash of the bucket, by whole runs on a bucket in memory.
#include "sync/run/remote_trash.h"

#include <gtest/gtest.h>

#include "sync/testing/replica.h"

namespace cloudsync::sync {
namespace {

using storage::MemoryStore;
using testing::Replica;

TEST(RemoteTrash, OldObjectsThatCannotBeDeletedAreToldOnce) {
  MemoryStore bucket;
  Replica machine(bucket);
  machine.settings.engine.trash_retention_seconds = 0;
  machine.write("f", "x");
  const std::string run = "p/.cloudsync/trash/20200101T000000Z-abcdef/";
  for (const char* name : {"a", "b", "c"}) bucket.put_directly(run + name, "old");
  bucket.set_fault([](const std::string& operation, const std::string& key, bool) {
    if (operation == "remove_many_key" && !key.ends_with("/b"))
      throw Error(ErrorCode::kPermissionDenied, "403 refused");
  });
  const auto progress = machine.run();
  EXPECT_FALSE(bucket.content(run + "b"));
  ASSERT_EQ(progress.notices.size(), 1U);
  EXPECT_NE(progress.notices[0].find("2 old objects"), std::string::npos);
  EXPECT_NE(progress.notices[0].find("403 refused"), std::string::npos);
}

// The destination is taken while the parts are copied.
TEST(RemoteTrash, ACopyInPartsThatIsRefusedLeavesNoParts) {
  MemoryStore::Options options;
  options.capabilities.max_single_copy = 1;
  options.capabilities.part_copies = true;
  options.capabilities.conditional_complete = true;
  MemoryStore bucket(options);
  Replica machine(bucket);
  machine.use(Direction::kUpload);
  machine.settings.strategy = ConflictStrategy::kVersionPreserve;
  bucket.put_directly("p/k", "in the bucket");
  machine.write("k", "here");
  bucket.set_fault([&](const std::string& operation, const std::string& key, bool after) {
    if (operation == "copy_part" && !after) bucket.put_directly(key, "another's");
  });
  machine.run();
  EXPECT_GT(bucket.operations("abort_upload"), 0U);
}

}  // namespace
}  // namespace cloudsync::sync
