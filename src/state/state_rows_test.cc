// SPDX-License-Identifier: Apache-2.0
// Every kind of row comes back as it was given.
#include <gtest/gtest.h>

#include "base/log.h"
#include "cloudsync/error.h"
#include "cloudsync/sync_state.h"
#include "state/temp_directory_for_test.h"

namespace cloudsync::state {
namespace {

Md5Digest md5_of(std::uint8_t seed) {
  Md5Digest md5{};
  md5.fill(seed);
  return md5;
}

BaseRow base_row(const std::string& key, std::uint64_t size = 7) {
  BaseRow row;
  row.key = key;
  row.size = size;
  row.md5 = md5_of(1);
  return row;
}

void expect_equal(const BaseRow& a, const BaseRow& b) {
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.size, b.size);
  EXPECT_EQ(a.md5, b.md5);
  EXPECT_EQ(a.sha256, b.sha256);
  EXPECT_EQ(a.crc32c, b.crc32c);
  EXPECT_EQ(a.l_mtime, b.l_mtime);
  EXPECT_EQ(a.l_ctime, b.l_ctime);
  EXPECT_EQ(a.l_ino, b.l_ino);
  EXPECT_EQ(a.l_dev, b.l_dev);
  EXPECT_EQ(a.l_mode, b.l_mode);
  EXPECT_EQ(a.r_token, b.r_token);
  EXPECT_EQ(a.r_version, b.r_version);
  EXPECT_EQ(a.r_mtime, b.r_mtime);
  EXPECT_EQ(a.flags, b.flags);
}

class StateRows : public testing::Test {
 protected:
  void apply(StateChange change) {
    const StateChange changes[] = {std::move(change)};
    database_->apply(changes);
  }
  void reopen() {
    database_.reset();
    database_ = open_state_database(directory_.file("state.db"));
  }
  std::vector<std::string> keys(const KeyRange& range, PairId pair) {
    std::vector<std::string> found;
    const auto cursor = database_->base_rows(pair, range);
    for (BaseRow row; cursor->next(row);) found.push_back(row.key);
    return found;
  }

  TempDirectory directory_;
  std::unique_ptr<SyncStateDatabase> database_ =
      open_state_database(directory_.file("state.db"));
  PairId pair_ = database_->pair({"/data", "s3", "bucket", "data/"}).id;
};

TEST_F(StateRows, PairIsCreatedOnceAndKeepsItsIdentity) {
  const PairIdentity identity{"/r\xff oot", "gcs", "b@http://127.0.0.1:9000", "p/"};
  const PairRecord first = database_->pair(identity);
  EXPECT_EQ(first.uuid.size(), 32U);
  EXPECT_FALSE(first.has_marker);
  reopen();
  const PairRecord again = database_->pair(identity);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.uuid, first.uuid);
  EXPECT_EQ(again.identity, identity);
  EXPECT_EQ(database_->pairs().size(), 2U);
  EXPECT_FALSE(database_->find_pair({"/other", "gcs", "b", "p/"}));
}

TEST_F(StateRows, SavedPairComesBack) {
  PairRecord record = database_->pair({"/data", "s3", "bucket", "data/"});
  record.root_dev = 0xFFFFFFFFFFFFFFFF;
  record.root_ino = 42;
  record.epoch = 9;
  record.has_marker = true;
  record.filter_hash = "abc";
  record.capabilities = R"({"conditional_put":true})";
  database_->save_pair(record);
  reopen();
  const PairRecord back = database_->find_pair(record.identity).value();
  EXPECT_EQ(back.root_dev, record.root_dev);
  EXPECT_EQ(back.root_ino, record.root_ino);
  EXPECT_EQ(back.epoch, record.epoch);
  EXPECT_TRUE(back.has_marker);
  EXPECT_EQ(back.filter_hash, record.filter_hash);
  EXPECT_EQ(back.capabilities, record.capabilities);
}

TEST_F(StateRows, MetaValuesAreReplaced) {
  EXPECT_FALSE(database_->meta("capabilities:x"));
  database_->set_meta("capabilities:x", "1");
  database_->set_meta("capabilities:x", "");
  EXPECT_EQ(database_->meta("capabilities:x"), "");
}

TEST_F(StateRows, RunsComeBackNewestFirst) {
  const RunId first = database_->begin_run(pair_, "upload", 1, 100);
  const RunId second = database_->begin_run(pair_, "sync", 2, 200);
  database_->end_run({.id = second,
                      .pair = pair_,
                      .command = "sync",
                      .epoch = 2,
                      .started_ns = 200,
                      .ended_ns = 300,
                      .outcome = RunOutcome::kPartial,
                      .stats = "{}"});
  const auto runs = database_->recent_runs(10);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].id, second);
  EXPECT_EQ(runs[0].ended_ns, 300);
  EXPECT_EQ(runs[0].outcome, RunOutcome::kPartial);
  EXPECT_EQ(runs[0].stats, "{}");
  EXPECT_EQ(runs[1].id, first);
  EXPECT_EQ(runs[1].command, "upload");
  EXPECT_EQ(runs[1].outcome, RunOutcome::kRunning);
  EXPECT_EQ(runs[1].ended_ns, 0);
  EXPECT_EQ(database_->recent_runs(1).size(), 1U);
}

BaseRow full_base_row() {
  BaseRow row = base_row(std::string("a\0b\xff/c", 6), 1ULL << 40);
  row.kind = EntryKind::kSymlink;
  row.sha256.emplace().fill(9);
  row.crc32c = 0xFFFFFFFFU;
  row.l_mtime = -5;
  row.l_ctime = 1'700'000'000'123'456'789;
  row.l_ino = 0xFFFFFFFFFFFFFFFF;
  row.l_dev = 2049;
  row.l_mode = 0644;
  row.r_token = "\"etag\"-2";
  row.r_version = "v1";
  row.r_mtime = 77;
  row.flags = kBaseRacy | kBaseProvisional;
  return row;
}

TEST_F(StateRows, BaseRowComesBackAndIsReplacedWhole) {
  const BaseRow full = full_base_row();
  apply(UpsertBase{pair_, full});
  reopen();
  expect_equal(database_->base_row(pair_, full.key).value(), full);
  EXPECT_FALSE(database_->base_row(pair_ + 1, full.key));

  const BaseRow plain = base_row(full.key);
  apply(UpsertBase{pair_, plain});
  expect_equal(database_->base_row(pair_, full.key).value(), plain);
  EXPECT_EQ(database_->count_base_rows(pair_), 1U);

  apply(EraseBase{pair_, full.key});
  apply(EraseBase{pair_, full.key});
  EXPECT_FALSE(database_->base_row(pair_, full.key));
  EXPECT_EQ(database_->count_base_rows(pair_), 0U);
}

TEST_F(StateRows, CursorYieldsKeysInByteOrderWithinTheRange) {
  const std::vector<std::string> sorted = {std::string("\0", 1),
                                           "a",
                                           std::string("a\0", 2),
                                           "a-b",
                                           "a.b",
                                           "a/b",
                                           "a0",
                                           "\xc3\xa9",
                                           "\xee\x80\x80",
                                           "\xf0\x9f\x98\x80",
                                           "\xff"};
  for (auto key = sorted.rbegin(); key != sorted.rend(); ++key) {
    apply(UpsertBase{pair_, base_row(*key)});
  }
  const PairId other = database_->pair({"/other", "s3", "bucket", ""}).id;
  apply(UpsertBase{other, base_row("a/of another pair")});

  EXPECT_EQ(keys({}, pair_), sorted);
  EXPECT_EQ(keys({"a", "a/"}, pair_),
            (std::vector<std::string>{"a", std::string("a\0", 2), "a-b", "a.b"}));
  EXPECT_EQ(keys({"a/", ""}, pair_),
            (std::vector<std::string>(sorted.begin() + 5, sorted.end())));
  EXPECT_TRUE(keys({"b", "b"}, pair_).empty());
}

std::string numbered(int number) {
  std::string key = std::to_string(number);
  return std::string(7 - key.size(), '0') + key;
}

TEST_F(StateRows, CursorSkipsNothingWhileRowsBehindItChange) {
  constexpr int kRows = 120'000;
  std::vector<StateChange> changes;
  for (int i = 0; i < kRows; ++i)
    changes.push_back(UpsertBase{pair_, base_row(numbered(i))});
  database_->apply(changes);

  const auto cursor = database_->base_rows(pair_, {});
  int seen = 0;
  for (BaseRow row; cursor->next(row); ++seen) {
    ASSERT_EQ(row.key, numbered(seen));
    if (seen % 1000 != 0) continue;
    apply(EraseBase{pair_, row.key});
    apply(UpsertBase{pair_, base_row(numbered(seen) + "-behind", 9)});
    if (seen > 0) apply(UpsertBase{pair_, base_row(numbered(seen - 1), 3)});
  }
  EXPECT_EQ(seen, kRows);
  BaseRow row;
  EXPECT_FALSE(cursor->next(row));
  EXPECT_EQ(database_->count_base_rows(pair_), static_cast<std::uint64_t>(kRows));
}

OperationRow full_operation(PairId pair) {
  OperationRow row;
  row.run = 3;
  row.pair = pair;
  row.key = "k\xff";
  row.action = OperationAction::kDownload;
  row.decide_row = 10;
  row.state = OperationState::kFailed;
  row.attempts = 4;
  row.bytes = 1000;
  row.old_md5 = md5_of(1);
  row.new_md5 = md5_of(2);
  row.old_token = "t1";
  row.new_token = "t2";
  row.trash_ref = ".cloudsync/trash/1/k";
  row.error_code = "unavailable";
  row.error_text = "the server went away";
  row.started_ns = 5;
  row.ended_ns = 6;
  return row;
}

TEST_F(StateRows, OperationsComeBackNewestFirst) {
  const OperationRow full = full_operation(pair_);
  apply(RecordOperation{full});
  OperationRow plain;
  plain.pair = pair_ + 1;
  plain.key = "second";
  apply(RecordOperation{plain});

  const auto all = database_->operations(std::nullopt, 10);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].key, "second");
  EXPECT_FALSE(all[0].old_md5);
  EXPECT_GT(all[0].id, all[1].id);
  const auto mine = database_->operations(pair_, 10);
  ASSERT_EQ(mine.size(), 1U);
  EXPECT_EQ(mine[0].run, full.run);
  EXPECT_EQ(mine[0].key, full.key);
  EXPECT_EQ(mine[0].action, full.action);
  EXPECT_EQ(mine[0].decide_row, full.decide_row);
  EXPECT_EQ(mine[0].state, full.state);
  EXPECT_EQ(mine[0].attempts, full.attempts);
  EXPECT_EQ(mine[0].bytes, full.bytes);
  EXPECT_EQ(mine[0].old_md5, full.old_md5);
  EXPECT_EQ(mine[0].new_md5, full.new_md5);
  EXPECT_EQ(mine[0].old_token, full.old_token);
  EXPECT_EQ(mine[0].new_token, full.new_token);
  EXPECT_EQ(mine[0].trash_ref, full.trash_ref);
  EXPECT_EQ(mine[0].error_code, full.error_code);
  EXPECT_EQ(mine[0].error_text, full.error_text);
  EXPECT_EQ(mine[0].started_ns, full.started_ns);
  EXPECT_EQ(mine[0].ended_ns, full.ended_ns);
  EXPECT_EQ(database_->operations(std::nullopt, 1).size(), 1U);
}

ConflictRow full_conflict(PairId pair) {
  ConflictRow row;
  row.pair = pair;
  row.key = "c";
  row.reason = ConflictReason::kTypeConflict;
  row.local.present = row.cloud.present = true;
  row.local.size = 3;
  row.local.md5 = md5_of(4);
  row.local.mtime_ns = 5;
  row.local.ctime_ns = 6;
  row.local.ino = 7;
  row.cloud.size = 8;
  row.cloud.md5 = md5_of(9);
  row.cloud.mtime_ns = 10;
  row.cloud.token = "tok";
  row.base_md5 = md5_of(11);
  row.first_seen_ns = 100;
  row.last_seen_ns = 100;
  return row;
}

void expect_equal(const ConflictSide& a, const ConflictSide& b) {
  EXPECT_EQ(a.present, b.present);
  EXPECT_EQ(a.size, b.size);
  EXPECT_EQ(a.md5, b.md5);
  EXPECT_EQ(a.mtime_ns, b.mtime_ns);
  EXPECT_EQ(a.ctime_ns, b.ctime_ns);
  EXPECT_EQ(a.ino, b.ino);
  EXPECT_EQ(a.token, b.token);
}

TEST_F(StateRows, ConflictKeepsItsFirstSightAndItsChoice) {
  ConflictRow row = full_conflict(pair_);
  apply(UpsertConflict{row});
  row.first_seen_ns = row.last_seen_ns = 500;
  row.cloud.md5.reset();
  apply(UpsertConflict{row});
  database_->set_conflict_choice(pair_, "c", ConflictStrategy::kVersionPreserve);
  reopen();
  const ConflictRow back = database_->conflict(pair_, "c").value();
  EXPECT_EQ(back.reason, row.reason);
  expect_equal(back.local, row.local);
  expect_equal(back.cloud, row.cloud);
  EXPECT_EQ(back.base_md5, row.base_md5);
  EXPECT_EQ(back.choice, ConflictStrategy::kVersionPreserve);
  EXPECT_EQ(back.first_seen_ns, 100);
  EXPECT_EQ(back.last_seen_ns, 500);
  database_->set_conflict_choice(pair_, "c", std::nullopt);
  EXPECT_FALSE(database_->conflict(pair_, "c")->choice);
}

TEST_F(StateRows, ConflictsAreListedPerPairAndErased) {
  apply(UpsertConflict{full_conflict(pair_)});
  EXPECT_EQ(database_->conflicts(pair_).size(), 1U);
  EXPECT_EQ(database_->conflicts(std::nullopt).size(), 1U);
  EXPECT_TRUE(database_->conflicts(pair_ + 1).empty());
  EXPECT_EQ(database_->get_sync_statistics().open_conflicts, 1U);
  apply(EraseConflict{pair_, "c"});
  EXPECT_FALSE(database_->conflict(pair_, "c"));
}

TEST_F(StateRows, ChoiceForAnUnknownConflictIsRefused) {
  try {
    database_->set_conflict_choice(pair_, "nothing", ConflictStrategy::kLocalWins);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(std::string(error.what()).find("nothing"), std::string::npos);
  }
}

TransferRow full_transfer(PairId pair) {
  TransferRow row;
  row.pair = pair;
  row.key = "big\xff";
  row.direction = OperationAction::kDownload;
  row.size = 1ULL << 41;
  row.part_size = 5ULL << 20;
  row.src_mtime = 1;
  row.src_ctime = 2;
  row.src_ino = 3;
  row.src_dev = 4;
  row.expect_token = "tok";
  row.temp_name = "x.part";
  row.started_ns = 8;
  return row;
}

SavePart part(OperationId transfer, std::uint32_t number, const std::string& etag,
              std::optional<Md5Digest> md5 = std::nullopt) {
  return {{.transfer = transfer,
           .number = number,
           .offset = 5ULL * number,
           .length = 6,
           .etag = etag,
           .md5 = md5}};
}

TEST_F(StateRows, TransferAndItsPartsComeBack) {
  const TransferRow row = full_transfer(pair_);
  const OperationId id = database_->begin_transfer(row);
  database_->set_upload_ref(id, "upload-id");
  apply(part(id, 2, "e2"));
  apply(part(id, 1, "e1", md5_of(7)));
  reopen();
  const auto found = database_->find_transfer(pair_, row.key, OperationAction::kDownload);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, id);
  EXPECT_EQ(found->size, row.size);
  EXPECT_EQ(found->part_size, row.part_size);
  EXPECT_EQ(found->src_mtime, 1);
  EXPECT_EQ(found->src_ctime, 2);
  EXPECT_EQ(found->src_ino, 3U);
  EXPECT_EQ(found->src_dev, 4U);
  EXPECT_EQ(found->expect_token, "tok");
  EXPECT_EQ(found->upload_ref, "upload-id");
  EXPECT_EQ(found->temp_name, "x.part");
  EXPECT_EQ(found->started_ns, 8);
  EXPECT_FALSE(database_->find_transfer(pair_, row.key, OperationAction::kUpload));
  const auto parts = database_->parts(id);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].number, 1U);
  EXPECT_EQ(parts[0].md5, md5_of(7));
  EXPECT_EQ(parts[1].offset, 10U);
  EXPECT_EQ(parts[1].etag, "e2");
}

TEST_F(StateRows, NewTransferOfAKeyReplacesTheOldOneWithItsParts) {
  const OperationId old_id = database_->begin_transfer(full_transfer(pair_));
  apply(part(old_id, 1, ""));
  const OperationId id = database_->begin_transfer(full_transfer(pair_));
  EXPECT_NE(id, old_id);
  apply(part(old_id, 2, ""));
  EXPECT_TRUE(database_->parts(old_id).empty());
  EXPECT_TRUE(database_->parts(id).empty());
  EXPECT_EQ(database_->transfers(pair_).size(), 1U);
  EXPECT_EQ(database_->get_sync_statistics().interrupted_transfers, 1U);
  apply(EraseTransfer{id});
  EXPECT_TRUE(database_->transfers(std::nullopt).empty());
}

TEST_F(StateRows, ASecretInAMessageIsNotKept) {
  base::redact_secret("state-secret-9");
  FailedRecord failure;
  failure.pair = pair_;
  failure.key = "f";
  failure.error_text = "no state-secret-9";
  apply(UpsertFailure{failure});
  OperationRow operation = full_operation(pair_);
  operation.error_text = "no state-secret-9";
  apply(RecordOperation{operation});
  EXPECT_EQ(database_->get_failed_records().at(0).error_text, "no ***");
  EXPECT_EQ(database_->operations(pair_, 1).at(0).error_text, "no ***");
}

TEST_F(StateRows, FailureCountsItsAttempts) {
  const FailedRecord row{.pair = pair_,
                         .key = "f",
                         .local_path = "/data/f",
                         .action = OperationAction::kUpload,
                         .error_code = "unavailable",
                         .error_text = "why",
                         .failed_at_ns = 9};
  apply(UpsertFailure{row});
  apply(UpsertFailure{row});
  OperationRow done;
  done.pair = pair_;
  done.key = "f";
  apply(RecordOperation{done});
  const auto records = database_->get_failed_records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].attempts, 2);
  EXPECT_EQ(records[0].local_path, "/data/f");
  EXPECT_EQ(records[0].error_code, "unavailable");
  EXPECT_EQ(records[0].error_text, "why");
  EXPECT_EQ(records[0].failed_at_ns, 9);
  EXPECT_TRUE(database_->failures(pair_ + 1).empty());
  apply(EraseFailure{pair_, "f"});
  EXPECT_TRUE(database_->failures(pair_).empty());
}

TEST_F(StateRows, IntentsComeAndGoByKeyAndAction) {
  const auto save = [this](const std::string& key, OperationAction action,
                           std::uint64_t inode) {
    IntentRow row;
    row.pair = pair_;
    row.action = action;
    row.base.key = key;
    row.base.l_ino = inode;
    apply(SaveIntent{row});
  };
  save("a", OperationAction::kDownload, 7);
  save("a", OperationAction::kUpload, 7);
  save("b", OperationAction::kDownload, 8);
  EXPECT_EQ(database_->count_intents(pair_), 3U);
  EXPECT_EQ(database_->intents(pair_, "a").size(), 2U);
  EXPECT_TRUE(database_->intents(pair_, "c").empty());
  database_->forget_download_inodes({7});
  for (const auto& row : database_->intents(pair_, "a"))
    EXPECT_EQ(row.base.l_ino, row.action == OperationAction::kUpload ? 7U : 0U);
  EXPECT_EQ(database_->intents(pair_, "b")[0].base.l_ino, 8U);
  apply(EraseIntents{pair_, "b", OperationAction::kUpload});
  EXPECT_EQ(database_->intents(pair_, "b").size(), 1U);
  apply(EraseIntents{pair_, "b", OperationAction::kDownload});
  EXPECT_TRUE(database_->intents(pair_, "b").empty());
  apply(EraseIntents{pair_, "a"});
  EXPECT_EQ(database_->count_intents(pair_), 0U);
}

TEST(StateNames, EveryActionAndReasonHasItsWords) {
  EXPECT_EQ(action_name(OperationAction::kDeleteLocal), "delete_local");
  EXPECT_EQ(action_name(OperationAction::kConflictCopy), "conflict_copy");
  for (int i = 0; i <= 10; ++i)
    EXPECT_NE(action_name(static_cast<OperationAction>(i)), "unknown");
  EXPECT_EQ(conflict_reason_text(ConflictReason::kBothModified), "both sides changed");
  for (int i = 0; i <= 5; ++i) {
    EXPECT_NE(conflict_reason_text(static_cast<ConflictReason>(i)), "unknown");
  }
}

}  // namespace
}  // namespace cloudsync::state
