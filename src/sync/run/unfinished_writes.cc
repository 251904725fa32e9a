// SPDX-License-Identifier: Apache-2.0
#include "sync/run/unfinished_writes.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "hash/digest.h"
#include "storage/object_metadata.h"
#include "sync/decide/proof.h"
#include "sync/place/place.h"
#include "sync/run/compare.h"
#include "sync/run/observe.h"
#include "sync/scan/key_rules.h"
#include "sync/transfer/stable_read.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kOldest = 7LL * 86400 * 1'000'000'000;
constexpr std::int64_t kCoarsestTime = 2'000'000'000;
constexpr std::size_t kAtOnce = 1000;
constexpr std::uint64_t kMostRead = 256ULL << 20;

// Hashes of the object's description; a difference proves nothing, since an encrypting
// service gives others.
bool hashes_prove(const storage::ObjectInfo& info, const IntentRow& intent) {
  // Where writers are not trusted an MD5 is no proof, nor an ETag made of MD5s.
  if (intent.base.sha256) return false;
  if (!intent.etag.empty() && info.token.value == intent.etag) return true;
  if (intent.crc64nvme && info.crc64nvme && *info.crc64nvme != *intent.crc64nvme)
    return false;
  return storage::told_md5(info) == intent.base.md5 ||
         info.md5_candidate == intent.base.md5;
}

bool bytes_prove(const RunContext& context, const storage::ObjectInfo& info,
                 const IntentRow& intent) {
  if (info.archived) return false;
  // A CRC never decides alone, but it tells whether the bytes are worth fetching.
  const bool likely = intent.crc64nvme && info.crc64nvme == intent.crc64nvme;
  if (info.size > kMostRead && !likely) return false;
  return bytes_are(context, info, {intent.base.md5, intent.base.sha256});
}

bool is_link_of(const storage::ObjectInfo& info, const IntentRow& intent) {
  if (!info.metadata) return false;
  const auto target = storage::symlink_target(*info.metadata);
  return target && hash::Md5::of(std::as_bytes(std::span(*target))) == intent.base.md5;
}

bool has_arrived(const RunContext& context, Observed& observed, const IntentRow& intent) {
  const auto& info = observed.item.remote->info;
  if (info.size != intent.base.size) return false;
  if (!intent.expect_token.empty() && info.token.value == intent.expect_token)
    return false;  // what was to be replaced is still there
  const bool link = intent.base.kind == EntryKind::kSymlink;
  if (!link && hashes_prove(info, intent)) return true;
  if (!head_once(context, observed)) return false;
  if (link) return is_link_of(info, intent);
  return hashes_prove(info, intent) || bytes_prove(context, info, intent);
}

BaseRow arrived_base(const IntentRow& intent, const storage::ObjectInfo& info) {
  BaseRow row = intent.base;
  row.crc32c = info.crc32c;
  row.r_token = info.token.value;
  row.r_version = info.version_id;
  row.r_mtime = info.last_modified_ns;
  return row;
}

bool settle_put(const RunContext& context, Observed& observed, const IntentRow& intent) {
  auto& item = observed.item;
  if (!item.remote) return false;
  if (item.base && item.base->r_token == item.remote->info.token.value) return false;
  if (!has_arrived(context, observed, intent)) return false;
  item.base = arrived_base(intent, item.remote->info);
  if (context.writer != nullptr)
    context.writer->add({proven_base(context.pair.id, *item.base, Proof::kTransferred)});
  base::log().info("{}: the upload that was cut off had arrived",
                   base::printable(item.key));
  return true;
}

// The deletion was carried out, and what is at the key now was made since: it has no
// base.
bool settle_deletion(const RunContext& context, Observed& observed,
                     const IntentRow& intent) {
  auto& item = observed.item;
  if (!item.base || item.remote || !item.local) return false;
  const auto& stat = item.local->stat;
  const bool own_side = intent.action == OperationAction::kDeleteLocal;
  // The very file that was to go: the deletion was not carried out.
  if (own_side && stat.ino == intent.base.l_ino && stat.dev == intent.base.l_dev)
    return false;
  item.base.reset();
  if (context.writer != nullptr)
    context.writer->add({EraseBase{context.pair.id, item.key}});
  return true;
}

// Where a free name can only be taken by an empty file of one's own first, a run that
// was killed there leaves it. It is as private as the temporary file was, and younger.
bool is_placeholder(const RunContext& context, const base::FileStat& stat,
                    const IntentRow& intent) {
  if (stat.kind != base::FileKind::kRegular || stat.size != 0 || intent.base.size == 0)
    return false;
  const std::int64_t begun_ns =
      intent.base.l_ctime != 0
          ? intent.base.l_ctime
          : intent.started_ns + context.settings.transfer.file_clock_offset_ns;
  return stat.mode == intent.base.l_mode && stat.mtime_ns + kCoarsestTime >= begun_ns;
}

// The name was free then or had been freed for the new version: nobody deleted it.
void settle_as_never_there(const RunContext& context, MergedItem& item) {
  item.local.reset();
  if (!item.base) return;
  item.base.reset();
  if (context.writer != nullptr)
    context.writer->add({EraseBase{context.pair.id, item.key}});
}

bool settle_placeholder(const RunContext& context, MergedItem& item) {
  if (context.placer == nullptr) {
    throw Error(ErrorCode::kUnavailable,
                "is the empty file by which a download that was cut off took its name, "
                "and is not sent; run sync or download first, or write to it");
  }
  if (!context.settings.dry_run) {
    const auto removed = context.placer->remove(item.key, item.local->stat);
    if (removed.status != PlaceStatus::kPlaced) return false;
  }
  base::log().info("{}: the empty file of a download that was cut off is gone",
                   base::printable(item.key));
  settle_as_never_there(context, item);
  return true;
}

// On the way to a free name the file before was moved away, and the run ended there:
// beside the object that was to take its place that would read as a deletion.
bool settle_freed_name(const RunContext& context, MergedItem& item,
                       const IntentRow& intent) {
  const bool to_come =
      item.remote && item.base && item.remote->info.token.value == intent.expect_token;
  if (!to_come || context.placer == nullptr) return false;
  settle_as_never_there(context, item);
  return true;
}

bool is_of_row(const base::FileStat& stat, const BaseRow& row,
               const base::KeptNumbers& kept) {
  return stat.size == row.size && kept.same_mtime(stat.mtime_ns, row.l_mtime) &&
         kept.same_change_time(stat.ctime_ns, row.l_ctime) &&
         kept.same_inode(stat.ino, row.l_ino);
}

// The number proves something only where files keep theirs.
bool is_file_placed(const base::FileStat& stat, const IntentRow& intent,
                    const base::KeptNumbers& kept) {
  return kept.inode && intent.base.l_ino != 0 && stat.ino == intent.base.l_ino &&
         stat.dev == intent.base.l_dev;
}

// The very file that was placed is there, edited in place or not. One that was saved over
// it is another, and may as well stem from the file before; that one itself was not
// replaced at all.
bool settle_placing(const RunContext& context, Observed& observed,
                    const IntentRow& intent) {
  auto& item = observed.item;
  if (!item.local) return settle_freed_name(context, item, intent);
  if (is_placeholder(context, item.local->stat, intent))
    return settle_placeholder(context, item);
  if (!item.remote) return false;
  const auto& info = item.remote->info;
  if (info.token.value != intent.expect_token) return false;
  if (item.base && item.base->r_token == info.token.value) return false;
  const auto& kept = context.settings.transfer.kept;
  if (!is_file_placed(item.local->stat, intent, kept)) return false;
  if (item.base && is_of_row(item.local->stat, *item.base, kept)) return false;
  item.base = arrived_base(intent, info);
  item.base->flags |= kBaseRacy;  // its times prove nothing
  if (context.writer != nullptr)
    context.writer->add({proven_base(context.pair.id, *item.base, Proof::kTransferred)});
  return true;
}

bool settle_one(const RunContext& context, Observed& observed, const IntentRow& intent) {
  switch (intent.action) {
    case OperationAction::kUpload:
      return settle_put(context, observed, intent);
    case OperationAction::kDownload:
      return settle_placing(context, observed, intent);
    default:
      return settle_deletion(context, observed, intent);
  }
}

IntentRow intent_of(const RunContext& context, const PlannedDelete& planned,
                    std::int64_t now_ns) {
  IntentRow row;
  row.pair = context.pair.id;
  row.action = planned.side == Side::kLocal ? OperationAction::kDeleteLocal
                                            : OperationAction::kDeleteRemote;
  row.base.key = planned.key;
  row.base.size = planned.size;
  row.base.md5 = planned.md5;
  row.base.l_ino = planned.local.ino;
  row.base.l_dev = planned.local.dev;
  row.expect_token = planned.token;
  row.started_ns = now_ns;
  return row;
}

}  // namespace

UnfinishedWrites::UnfinishedWrites(const SyncStateDatabase& database, PairId pair,
                                   std::int64_t oldest_ns, std::int64_t began_ns)
    : database_(database.count_intents(pair) > 0 ? &database : nullptr),
      pair_(pair),
      oldest_ns_(oldest_ns),
      began_ns_(began_ns) {}

std::vector<IntentRow> UnfinishedWrites::of(const std::string& key) const {
  if (database_ == nullptr) return {};
  auto rows = database_->intents(pair_, key);
  std::erase_if(rows, [this](const IntentRow& row) {
    return row.started_ns < oldest_ns_ || row.started_ns >= began_ns_;
  });
  return rows;
}

void UnfinishedWrites::settle(const RunContext& context, Observed& observed) const {
  for (const auto& intent : of(observed.item.key)) {
    if (settle_one(context, observed, intent)) return;
  }
}

void intend_placing(const RunContext& context, const std::string& key,
                    const DownloadResult& result) {
  const auto stat = context.files.stat(result.temp_path);
  if (context.intents == nullptr || !stat || stat->kind != base::FileKind::kRegular)
    return;
  IntentRow row;
  row.pair = context.pair.id;
  row.action = OperationAction::kDownload;
  row.base.key = key;
  row.base.size = result.info.size;
  row.base.md5 = result.md5;
  row.base.sha256 = result.sha256;
  row.base.l_mtime = stat->mtime_ns;
  row.base.l_ctime = stat->ctime_ns;
  row.base.l_ino = stat->ino;
  row.base.l_dev = stat->dev;
  row.base.l_mode = stat->mode;
  row.expect_token = result.info.token.value;
  row.started_ns = context.clock.now_ns();
  context.intents->commit(std::move(row));
}

void withdraw_placing(const RunContext& context, const std::string& key) {
  if (context.intents == nullptr) return;
  context.intents->withdraw(
      EraseIntents{context.pair.id, key, OperationAction::kDownload});
}

void withdraw_unplaced(base::FileSystem& files, SyncStateDatabase& database) {
  const auto stat = files.stat(kTempDirectory);
  if (!stat || stat->kind != base::FileKind::kDirectory) return;
  std::set<std::uint64_t> inodes;
  const auto directory = files.open_directory(kTempDirectory);
  for (const auto& entry : directory->entries()) {
    const auto found = directory->stat(entry.name);
    if (found && found->kind != base::FileKind::kDirectory) inodes.insert(found->ino);
  }
  database.forget_download_inodes(inodes);
}

void intend_deletions(const RunContext& context) {
  std::vector<StateChange> rows;
  const std::int64_t now_ns = context.clock.now_ns();
  context.deletes.for_each([&](const PlannedDelete& planned) {
    rows.emplace_back(SaveIntent{intent_of(context, planned, now_ns)});
    if (rows.size() < kAtOnce) return true;
    context.state.apply(rows);
    rows.clear();
    return true;
  });
  context.state.apply(rows);
}

UnfinishedWrites load_unfinished_writes(SyncStateDatabase& database, PairId pair,
                                        std::int64_t now_ns, bool may_write) {
  const std::int64_t oldest = now_ns - kOldest;
  if (may_write) database.erase_intents_before(pair, oldest);
  return UnfinishedWrites(database, pair, oldest, now_ns);
}

}  // namespace cloudsync::sync
