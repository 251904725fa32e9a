// SPDX-License-Identifier: Apache-2.0
// Whole runs on a real folder, a real database and a bucket in memory that insists on
// preconditions.
#include "sync/run/sync_run.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <set>

#include "sync/testing/replica.h"
#include "sync/transfer/symlinks.h"

namespace cloudsync::sync {
namespace {

using storage::MemoryStore;
using testing::Replica;

MemoryStore::Options strict() {
  MemoryStore::Options options;
  options.require_preconditions = true;
  return options;
}

std::uint64_t mutations(const MemoryStore& bucket) {
  std::uint64_t total = 0;
  for (const char* name : {"put", "remove", "remove_many", "copy", "complete_upload"}) {
    total += bucket.operations(name);
  }
  return total;
}

storage::ListPage list(MemoryStore& bucket, const std::string& prefix) {
  storage::ListRequest request;
  request.prefix = prefix;
  return bucket.list(request, {});
}

TEST(SyncRun, SecondRunMovesNothingAndOnlyLists) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  for (int i = 0; i < 50; ++i)
    machine.write("d/f" + std::to_string(i), std::to_string(i));
  EXPECT_EQ(machine.run().uploaded, 50U);
  machine.run();
  const auto before = mutations(bucket);
  const auto progress = machine.run();
  EXPECT_EQ(progress.uploaded + progress.downloaded, 0U);
  EXPECT_EQ(progress.unchanged, 50U);
  EXPECT_EQ(mutations(bucket), before);
  EXPECT_EQ(progress.requests.head + progress.requests.get, 0U);
  EXPECT_LE(progress.requests.list, 2U);
}

TEST(SyncRun, ListingThatBreaksDeletesNothing) {
  for (int page = 1; page <= 4; ++page) {
    auto options = strict();
    options.page_size = 10;
    MemoryStore bucket(options);
    Replica machine(bucket);
    for (int i = 0; i < 40; ++i) machine.write("f" + std::to_string(i), "x");
    machine.run();
    for (int i = 0; i < 40; i += 8) machine.remove("f" + std::to_string(i));
    std::atomic<int> seen{0};
    bucket.set_fault([&](const std::string& operation, const std::string& key,
                         bool after) {
      if (operation == "list" && key == "p/" && !after && ++seen >= page) {
        throw Error(ErrorCode::kPermissionDenied, "listing refused", {403, "", "", {}});
      }
    });
    const auto progress = machine.run();
    ASSERT_TRUE(progress.fatal) << page;
    EXPECT_EQ(exit_code(progress), 10);
    EXPECT_EQ(progress.deleted_local + progress.deleted_remote, 0U);
    EXPECT_EQ(machine.tree().size(), 35U);
    EXPECT_TRUE(bucket.content("p/f0")) << page;
  }
}

TEST(SyncRun, UnreadableFolderIsUnknownNotDeleted) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads every folder";
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.write("d/f", "x");
  machine.write("e", "x");
  machine.run();
  chmod(machine.path("d").c_str(), 0);
  const auto progress = machine.run();
  chmod(machine.path("d").c_str(), 0755);
  EXPECT_EQ(exit_code(progress), 3);
  EXPECT_TRUE(bucket.content("p/d/f"));
}

TEST(SyncRun, OneFailingFileNeverStopsTheOthers) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  for (int i = 0; i < 20; ++i) machine.write("f" + std::to_string(i), "x");
  bucket.set_fault([](const std::string& operation, const std::string& key, bool) {
    if (operation == "put" && key == "p/f7") {
      throw Error(ErrorCode::kPermissionDenied, "this key is refused");
    }
  });
  const auto progress = machine.run();
  EXPECT_EQ(progress.uploaded, 19U);
  EXPECT_EQ(progress.failed, 1U);
  EXPECT_EQ(exit_code(progress), 3);
}

TEST(SyncRun, RefusedCredentialsEndTheRun) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  for (int i = 0; i < 200; ++i) machine.write("f" + std::to_string(i), "x");
  bucket.set_fault([](const std::string& operation, const std::string&, bool) {
    if (operation == "put") throw Error(ErrorCode::kUnauthenticated, "token expired");
  });
  const auto progress = machine.run();
  EXPECT_EQ(exit_code(progress), 10);
  EXPECT_LT(bucket.operations("put"), 100U);
}

TEST(SyncRun, WriterInBetweenIsNeverOverwritten) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.settings.strategy = ConflictStrategy::kVersionPreserve;
  machine.write("f", "base");
  machine.run();
  machine.write("f", "ours is longer");
  std::atomic<bool> done{false};
  bucket.set_fault([&](const std::string& operation, const std::string& key, bool after) {
    if (operation == "put" && key == "p/f" && !after && !done.exchange(true)) {
      bucket.put_directly("p/f", "written in between");
    }
  });
  machine.run();
  const auto tree = machine.tree();
  std::set<std::string> kept;
  for (const auto& [name, content] : tree) kept.insert(content);
  EXPECT_TRUE(kept.contains("ours is longer"));
  EXPECT_TRUE(kept.contains("written in between"));
}

TEST(SyncRun, LostAnswerOfAnUploadIsNoConflict) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.write("f", "content");
  std::atomic<bool> done{false};
  bucket.set_fault([&](const std::string& operation, const std::string&, bool after) {
    if (operation == "put" && after && !done.exchange(true)) {
      throw Error(ErrorCode::kUnavailable, "connection reset");
    }
  });
  const auto progress = machine.run();
  EXPECT_EQ(progress.failed, 0U);
  EXPECT_EQ(progress.conflicts, 0U);
  EXPECT_EQ(exit_code(machine.run()), 0);
}

TEST(SyncRun, ArchivedObjectIsReportedNotFailed) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  bucket.put_directly("p/cold", "frozen");
  bucket.archive("p/cold");
  const auto progress = machine.run();
  EXPECT_EQ(progress.archived, 1U);
  EXPECT_EQ(progress.failed, 0U);
  EXPECT_EQ(exit_code(progress), 3);
}

// As Azure, which replaces no archived blob.
TEST(SyncRun, ChangeOfAnArchivedObjectIsReportedAsArchived) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.write("cold", "first");
  machine.run();
  bucket.set_fault([&](const std::string& operation, const std::string&, bool) {
    if (operation == "put") throw Error(ErrorCode::kArchived, "BlobArchived");
  });
  machine.write("cold", "second, and longer");
  const auto progress = machine.run();
  EXPECT_EQ(progress.archived, 1U);
  EXPECT_EQ(progress.failed, 0U);
  EXPECT_EQ(exit_code(progress), 3);
  bucket.set_fault({});
  EXPECT_EQ(machine.run().uploaded, 1U);
}

TEST(SyncRun, ArchivedLoserOfAConflictIsNotReplaced) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.settings.strategy = ConflictStrategy::kLocalWins;
  bucket.put_directly("p/cold", "frozen");
  bucket.archive("p/cold");
  machine.write("cold", "ours");
  const auto progress = machine.run();
  EXPECT_EQ(progress.archived, 1U);
  EXPECT_EQ(progress.failed, 0U);
  EXPECT_EQ(bucket.content("p/cold"), "frozen");
}

TEST(SyncRun, DeletionsUseBatchesWhereTheyAreConditional) {
  auto options = strict();
  options.capabilities.conditional_batch_delete = true;
  MemoryStore bucket(options);
  Replica machine(bucket);
  for (int i = 0; i < 30; ++i) machine.write("f" + std::to_string(i), "x");
  machine.run();
  for (int i = 0; i < 9; ++i) machine.remove("f" + std::to_string(i));
  const auto progress = machine.run();
  EXPECT_EQ(progress.deleted_remote, 9U);
  EXPECT_EQ(bucket.operations("remove_many"), 1U);
  EXPECT_EQ(bucket.operations("remove"), 0U);
}

TEST(SyncRun, DeletionWithoutConditionsKeepsACopy) {
  auto options = strict();
  options.capabilities.conditional_delete = false;
  options.require_preconditions = false;
  MemoryStore bucket(options);
  Replica machine(bucket);
  machine.write("f", "precious");
  machine.write("g", "x");
  machine.run();
  machine.remove("f");
  machine.run();
  EXPECT_FALSE(bucket.content("p/f"));
  const auto page = list(bucket, "p/.cloudsync/trash/");
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(bucket.content(page.objects[0].key.value), "precious");
}

storage::PutRequest given_by_an_owner(const std::string& key) {
  storage::PutRequest request;
  request.key = {key};
  request.content_type = "text/x-recipe";
  request.served = {"no-store", "inline", "de"};
  request.metadata = {{"author", "ada"}};
  request.tags = {{"team", "red"}};
  return request;
}

void expect_given(MemoryStore& bucket, const std::string& key) {
  const auto request = given_by_an_owner(key);
  const auto info = bucket.head(request.key, {});
  ASSERT_TRUE(info) << key;
  EXPECT_EQ(info->content_type, request.content_type);
  EXPECT_EQ(info->served, request.served);
  EXPECT_EQ(info->metadata->at("author"), "ada");
  EXPECT_EQ(bucket.tags(request.key, {}), request.tags);
}

// Larger than what one request copies.
TEST(SyncRun, ACopyByPartsKeepsWhatAnOwnerGave) {
  for (const bool at_end : {false, true}) {
    MemoryStore::Options options;
    options.capabilities.max_single_copy = 3;
    options.properties_at_complete = at_end;
    MemoryStore bucket(options);
    MemorySource body(std::as_bytes(std::span("precious", 8)));
    bucket.put(given_by_an_owner("p/f"), body, {});
    Replica machine(bucket);
    machine.write("g", "x");
    machine.run();
    machine.remove("f");
    machine.run();
    EXPECT_EQ(bucket.operations("copy"), 0U);
    const auto page = list(bucket, "p/.cloudsync/trash/");
    ASSERT_EQ(page.objects.size(), 1U);
    EXPECT_EQ(bucket.content(page.objects[0].key.value), "precious");
    expect_given(bucket, page.objects[0].key.value);
  }
}

// Same bytes, same token, another time: it is another version, and so is every one after
// the row was brought up to date.
TEST(SyncRun, AVersionWrittenElsewhereIsLookedAtAlsoAfterTheRowFollowedIt) {
  auto options = strict();
  options.content_tokens = true;
  MemoryStore bucket(options);
  Replica machine(bucket);
  machine.write("f", "same");
  machine.run();
  auto theirs = given_by_an_owner("p/f");
  theirs.condition.if_match = bucket.head({"p/f"}, {})->token;
  MemorySource body(std::as_bytes(std::span("same", 4)));
  bucket.put(theirs, body, {});
  machine.run();
  machine.run();
  machine.write("f", "edited");
  const auto progress = machine.run();
  EXPECT_EQ(progress.uploaded, 1U);
  EXPECT_EQ(progress.requests.head, 1U);
  expect_given(bucket, "p/f");
  machine.write("g", "bare");
  machine.run();
  machine.write("g", "bare and edited");
  EXPECT_EQ(machine.run().requests.head, 0U);
}

TEST(SyncRun, RunStoppedAtOnceLeavesEverythingForTheNext) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  for (int i = 0; i < 300; ++i) machine.write("f" + std::to_string(i), "x");
  std::stop_source stop;
  bucket.set_fault([&](const std::string& operation, const std::string&, bool) {
    if (operation == "put" && bucket.operations("put") > 20) stop.request_stop();
  });
  const auto progress = machine.run(stop.get_token());
  EXPECT_TRUE(progress.stopped);
  EXPECT_EQ(progress.failed, 0U);
  bucket.set_fault({});
  machine.run();
  EXPECT_EQ(list(bucket, "p/").objects.size(), 300U);
}

TEST(SyncRun, FolderThatCannotBeReadIsReportedAndClosedOnceItCan) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.write("d/f", "x");
  machine.write("e", "x");
  machine.run();
  machine.before_file_call = [](const std::string& operation, const std::string& path) {
    if (operation == "open_directory" && path == "d") {
      throw Error(ErrorCode::kPermissionDenied, "cannot open 'd'");
    }
  };
  const auto progress = machine.run();
  EXPECT_EQ(progress.failed, 1U);
  EXPECT_EQ(exit_code(progress), 3);
  EXPECT_TRUE(bucket.content("p/d/f"));
  ASSERT_EQ(machine.failures().size(), 1U);
  EXPECT_EQ(machine.failures()[0].key, "d/");
  machine.settings.only_keys = {"d/"};
  EXPECT_EQ(exit_code(machine.run()), 3);
  EXPECT_EQ(machine.failures().size(), 1U);
  machine.before_file_call = {};
  EXPECT_EQ(exit_code(machine.run()), 0);
  EXPECT_TRUE(machine.failures().empty());
}

TEST(SyncRun, RestoredDatabaseNeverDeletesEvenWhenItsFirstRunFails) {
  for (const char* failing : {"list", "get"}) {
    MemoryStore bucket(strict());
    Replica machine(bucket);
    machine.write("a", "a");
    machine.write("b", "b");
    machine.run();
    machine.save_database();
    machine.run();
    machine.run();
    machine.restore_database();
    machine.remove("b");
    bucket.set_fault([&](const std::string& operation, const std::string&, bool) {
      if (operation == failing) throw Error(ErrorCode::kPermissionDenied, "refused");
    });
    machine.run();
    bucket.set_fault({});
    const auto progress = machine.run();
    EXPECT_EQ(progress.deleted_remote, 0U) << failing;
    EXPECT_TRUE(bucket.content("p/b")) << failing;
    EXPECT_EQ(machine.read("b"), "b") << failing;
  }
}

TEST(SyncRun, DemotedBaseStaysOutWhenAKeyIsObservedAgain) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.write("a", "a");
  machine.write("b", "b");
  machine.run();
  machine.save_database();
  machine.run();
  machine.run();
  machine.restore_database();
  machine.remove("b");
  machine.settings.only_keys = {"b"};
  const auto progress = machine.run();
  EXPECT_EQ(progress.deleted_remote, 0U);
  EXPECT_EQ(machine.read("b"), "b");
}

TEST(SyncRun, MirrorDeletesNothingWhileTheBaseIsDemoted) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.use(Direction::kUpload);
  for (int i = 0; i < 30; ++i) machine.write("f" + std::to_string(i), "x");
  machine.run();
  machine.exchange_root();
  machine.write("new", "x");
  machine.settings.deletes = Deletes::kPropagate;
  machine.settings.mirror = true;
  EXPECT_EQ(exit_code(machine.run()), 5);
  machine.settings.force = {Force::kRoot};
  const auto progress = machine.run();
  EXPECT_EQ(progress.deleted_remote, 0U);
  EXPECT_EQ(list(bucket, "p/").objects.size(), 31U);
  machine.settings.force = {};
  machine.settings.mirror = false;
  EXPECT_EQ(exit_code(machine.run()), 0);
}

TEST(SyncRun, RetryLeavesAloneWhatAFilterHidesByNow) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.write("f", "x");
  bucket.set_fault([](const std::string& operation, const std::string&, bool) {
    if (operation == "put") throw Error(ErrorCode::kPermissionDenied, "refused");
  });
  EXPECT_EQ(machine.run().failed, 1U);
  bucket.set_fault({});
  machine.settings.only_keys = {"f"};
  machine.filters = {"- f"};
  EXPECT_EQ(machine.run().uploaded, 0U);
  EXPECT_FALSE(bucket.content("p/f"));
}

TEST(SyncRun, EndlessRetentionPurgesNothing) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.write("f", "x");
  const std::string kept = "p/.cloudsync/trash/20200101T000000Z-abcdef/f";
  bucket.put_directly(kept, "old");
  machine.settings.engine.trash_retention_seconds = 10'000'000'000'000;
  machine.run();
  EXPECT_TRUE(bucket.content(kept));
}

TEST(SyncRun, TidyingUpThatFailsLeavesTheRunGood) {
  MemoryStore bucket(strict());
  Replica machine(bucket);
  machine.write("f", "x");
  bucket.set_fault([](const std::string& operation, const std::string& key, bool) {
    if (operation == "list" && key == "p/.cloudsync/trash/") {
      throw Error(ErrorCode::kPermissionDenied, "refused", {403, "", "", {}});
    }
  });
  const auto progress = machine.run();
  EXPECT_EQ(exit_code(progress), 0);
  EXPECT_EQ(progress.notices.size(), 1U);
}

TEST(SyncRun, RootThatCannotBeWrittenIsNoMatterOfCredentials) {
  SyncProgress progress;
  progress.fatal = Error(ErrorCode::kPermissionDenied, "cannot create '.cloudsync'");
  EXPECT_EQ(exit_code(progress), 3);
}

TEST(Symlinks, ParentBehindANameMayLeaveTheRoot) {
  EXPECT_TRUE(link_stays_inside("a/b/link", "../../c"));
  EXPECT_FALSE(link_stays_inside("link", "../c"));
  // `a/l` may be a link to the root itself: then `a/l/..` is outside.
  EXPECT_FALSE(link_stays_inside("link", "a/l/.."));
}

// Every value written carries a number of its own. A value may vanish only if somebody
// who had it before their eyes replaced or deleted it: a replica's user on that replica,
// or the foreign writer in the bucket.
class Story {
 public:
  explicit Story(unsigned seed)
      : random_(seed), bucket_(strict()), a_(bucket_), b_(bucket_) {}

  void play(ConflictStrategy strategy) {
    for (auto* machine : {&a_, &b_}) {
      machine->settings.strategy = strategy;
      machine->settings.force = {Force::kEmptied, Force::kMaxDelete};
    }
    for (int step = 0; step < 25; ++step) act();
    bucket_.set_fault({});
    for (int round = 0; round < 4; ++round) {
      a_.run();
      b_.run();
    }
  }

  void check_nothing_lost() {
    std::set<std::string> kept;
    for (auto* machine : {&a_, &b_}) {
      for (const auto& [name, content] : machine->tree()) kept.insert(content);
      for (const auto& [name, content] : machine->trash()) kept.insert(content);
    }
    for (const auto& info : list(bucket_, "p/").objects) {
      kept.insert(*bucket_.content(info.key.value));
    }
    for (const auto& value : written_) {
      EXPECT_TRUE(kept.contains(value) || superseded_.contains(value))
          << value << " was lost";
    }
  }

  void check_converged() {
    EXPECT_EQ(a_.tree(), b_.tree());
    std::map<std::string, std::string> cloud;
    for (const auto& info : list(bucket_, "p/").objects) {
      const auto& key = info.key.value;
      if (!key.starts_with("p/.cloudsync/")) cloud[key.substr(2)] = *bucket_.content(key);
    }
    EXPECT_EQ(a_.tree(), cloud);
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  std::string fresh_value() {
    const std::string value =
        "value " + std::to_string(written_.size()) + std::string(pick(3), '.');
    written_.push_back(value);
    return value;
  }

  std::string name() {
    static const std::vector<std::string> names = {"a",   "b.txt", "d/a",
                                                   "d/b", "d-e",   "z"};
    return names[pick(static_cast<unsigned>(names.size()))];
  }

  void act() {
    Replica& machine = pick(2) == 0 ? a_ : b_;
    const std::string file = name();
    switch (pick(7)) {
      case 0:
      case 1:
        if (machine.exists(file)) superseded_.insert(machine.read(file));
        machine.write(file, fresh_value());
        break;
      case 2:
        if (machine.exists(file)) superseded_.insert(machine.read(file));
        machine.remove(file);
        break;
      case 3:
        if (const auto old = bucket_.content("p/" + file)) superseded_.insert(*old);
        bucket_.put_directly("p/" + file, fresh_value());
        break;
      case 4:
        if (pick(4) == 0) machine.lose_database();
        break;
      case 5:
        disturb();
        [[fallthrough]];
      default:
        machine.run();
        break;
    }
  }

  // From now on some requests fail before or after they took effect.
  void disturb() {
    bucket_.set_fault([this](const std::string&, const std::string&, bool) {
      const std::lock_guard lock(mutex_);
      if (random_() % 10 == 0) throw Error(ErrorCode::kUnavailable, "connection reset");
    });
  }

  std::mutex mutex_;
  std::mt19937 random_;
  MemoryStore bucket_;
  Replica a_, b_;
  std::vector<std::string> written_;
  std::set<std::string> superseded_;
};

class RandomStories : public ::testing::TestWithParam<ConflictStrategy> {};

TEST_P(RandomStories, LoseNothingAndConverge) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Story story(seed);
    story.play(GetParam());
    story.check_nothing_lost();
    story.check_converged();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, RandomStories,
                         ::testing::Values(ConflictStrategy::kTimestampWins,
                                           ConflictStrategy::kLocalWins,
                                           ConflictStrategy::kCloudWins,
                                           ConflictStrategy::kVersionPreserve));

}  // namespace
}  // namespace cloudsync::sync
