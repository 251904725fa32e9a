// SPDX-License-Identifier: Apache-2.0
#include "sync/run/sync_run.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "sync/decide/brakes.h"
#include "sync/place/run_name.h"
#include "sync/run/folders_above.h"
#include "sync/run/root_evidence.h"
#include "sync/run/root_marker.h"
#include "sync/run/summary_json.h"
#include "sync/scan/merge.h"

namespace cloudsync::sync {

namespace {

constexpr std::size_t kQueueCapacity = 512;
constexpr std::size_t kErasedAtOnce = 1000;
constexpr std::chrono::milliseconds kTick{20};
constexpr int kTicksAShowing = 5;
// What has been sent is worth an answer: without it the next run has to look for it.
constexpr std::chrono::milliseconds kGrace{1500};

class EmptyBaseCursor final : public BaseCursor {
 public:
  bool next(BaseRow&) override { return false; }
};

// Below a directory entry's own key too: a failed folder is looked through again.
KeyRange subtree(const std::string& directory_key) {
  std::string last = directory_key;
  last.back() = '0';
  return {directory_key, last};
}

RunOutcome outcome_of(const SyncProgress& progress) {
  if (progress.stopped) return RunOutcome::kStopped;
  if (progress.fatal) return RunOutcome::kFailed;
  if (progress.brake) return RunOutcome::kBrake;
  return progress.failed > 0 ? RunOutcome::kPartial : RunOutcome::kDone;
}

}  // namespace

SyncRun::SyncRun(RunParts parts, RunSettings settings, PairRecord pair, Filter filter)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      filter_(std::move(filter)),
      rewrites_(settings_.force.contains(Force::kRewritten)
                    ? std::nullopt
                    : settings_.engine.max_rewrite),
      known_(parts_.state.conflicts(pair.id), parts_.state.failures(pair.id)),
      names_(parts_.files),
      store_clock_(parts_.store, parts_.clock,
                   [this](const std::string& text) { parts_.report.notice(text); }),
      list_order_(parts_.state, parts_.clock, pair.identity),
      pool_(parts_.concurrency.maximum(), parts_.concurrency.current(), kQueueCapacity),
      context_{settings_,
               parts_.files,
               parts_.store,
               parts_.writable,
               parts_.state,
               nullptr,
               parts_.report,
               pool_,
               deletes_,
               filter_,
               rewrites_,
               known_,
               parts_.clock,
               store_clock_,
               parts_.random,
               std::move(pair),
               0,
               "",
               CallContext{stop_.get_token(), {}, abandon_.get_token()},
               [this] { stop_.request_stop(); }} {
  context_.names = &names_;
  context_.run_name = make_run_name(parts_.clock, parts_.random, context_.pair.uuid);
  outer_stop_ = std::make_unique<std::stop_callback<std::function<void()>>>(
      parts_.stop, [this] { stop_.request_stop(); });
  parts_.report.on_callback_failure([this] { stop_.request_stop(); });
}

SyncRun::~SyncRun() { parts_.report.on_callback_failure({}); }

bool SyncRun::going() const {
  return !stop_.stop_requested() && !parts_.report.has_fatal();
}

SyncProgress SyncRun::execute() {
  started_ns_ = parts_.clock.now_ns();
  try {
    if (accept_root()) work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCancelled) parts_.report.fatal(error);
    stop_.request_stop();
  } catch (const std::exception& error) {
    // The workers must come to rest before anything that they use goes.
    parts_.report.fatal(Error(ErrorCode::kInternal, error.what()));
    stop_.request_stop();
  }
  return end();
}

// Is this the tree that the database knows?
// -----------------------------------------------------

bool SyncRun::refuse_root(const std::string& brake, const std::string& message) {
  parts_.report.brake(brake, message);
  return false;
}

// For good: once the epoch has been raised, the next run would believe what is left of
// the old rows. An upload cannot write the marker, so the database follows it.
void SyncRun::demote_base(const MarkerView& marker) {
  context_.base_demoted = true;
  settings_.mirror = false;  // nothing may be deleted
  if (settings_.dry_run) return;
  auto& pair = context_.pair;
  const auto rows = parts_.state.base_rows(pair.id, {});
  std::vector<StateChange> erased;
  for (BaseRow row; rows->next(row);) {
    erased.emplace_back(EraseBase{pair.id, std::move(row.key)});
    if (erased.size() < kErasedAtOnce) continue;
    parts_.state.apply(erased);
    erased.clear();
  }
  parts_.state.apply(erased);
  if (settings_.writes_root()) return;
  pair.has_marker = marker.uuid_matches;
  if (marker.uuid_matches) pair.epoch = marker.epoch;
}

// A root without a marker is known by its device and inode, which a reboot or another
// mount may change. Its files then speak for it, if not loudly enough for a deletion.
bool SyncRun::is_proven_by_files() {
  if (context_.pair.has_marker) return false;
  const auto evidence =
      gather_root_evidence(parts_.files, parts_.state, context_.pair.id, parts_.random);
  if (!evidence.is_enough()) return false;
  settings_.deletes = Deletes::kKeep;
  settings_.mirror = false;
  parts_.report.notice("'" + parts_.files.root_path() +
                       "' has another device or inode number than in the last run "
                       "(mounted again?), but " +
                       std::to_string(evidence.as_recorded) + " of " +
                       std::to_string(evidence.sampled) +
                       " known files that were looked at are as they were: the run goes "
                       "on, and nothing is deleted in it");
  return true;
}

bool SyncRun::accept_root() {
  auto& pair = context_.pair;
  settings_.transfer.kept = judge_kept_numbers(parts_.files, parts_.state, pair.id);
  const auto stat = parts_.files.root_stat();
  const bool has_base = parts_.state.count_base_rows(pair.id) > 0;
  const auto view = read_root_marker(parts_.files).view(pair.uuid);
  const std::string root = "'" + parts_.files.root_path() + "'";
  switch (judge_marker(view, pair, has_base, stat.dev, stat.ino)) {
    case MarkerVerdict::kNormal:
    case MarkerVerdict::kAdopt:
      break;
    case MarkerVerdict::kDemoteBase:
      parts_.report.notice("the state database is older than " + root +
                           ": it is compared anew, and nothing is deleted in this run");
      demote_base(view);
      break;
    case MarkerVerdict::kBrakeRoot:
      if (!settings_.force.contains(Force::kRoot)) {
        if (is_proven_by_files()) break;
        return refuse_root(
            "root", root +
                        " is not the folder that was synced before (unmounted or "
                        "exchanged?); nothing was done. If it is meant, repeat with "
                        "--force root: both sides are then compared anew");
      }
      demote_base(view);
      break;
    case MarkerVerdict::kBrakeRestored:
      if (settings_.force.contains(Force::kRestoredLocal)) {
        settings_.strategy = ConflictStrategy::kLocalWins;
      } else if (settings_.force.contains(Force::kRestoredCloud)) {
        settings_.strategy = ConflictStrategy::kCloudWins;
      } else {
        return refuse_root(
            "restored-local",
            root +
                " was restored from an older copy: its files would overwrite newer "
                "ones. Nothing was done. Repeat with --force restored-local to let "
                "the restored files win, or --force restored-cloud to fetch the "
                "cloud's");
      }
      demote_base(view);
      break;
  }
  if (settings_.compare_anew) demote_base(view);
  pair.root_dev = stat.dev;
  pair.root_ino = stat.ino;
  return true;
}

// Phases
// ------------------------------------------------------------------------------------------

void SyncRun::begin() {
  parts_.report.expect(context_.pair.entries, context_.pair.bytes);
  rewrites_.expect(context_.pair.entries);
  if (!settings_.dry_run) {
    writer_ = std::make_unique<StateWriter>(parts_.state, [this](const Error& error) {
      parts_.report.fatal(error);
      stop_.request_stop();
    });
    context_.writer = writer_.get();
    intents_ = std::make_unique<IntentLog>(parts_.state);
    context_.intents = intents_.get();
  }
  if (settings_.writes_root()) {
    placer_ = std::make_unique<Placer>(parts_.files, context_.run_name,
                                       settings_.engine.trash, parts_.clock);
    placing_ = std::make_unique<PlacingBatch>(parts_.files, *placer_,
                                              settings_.engine.durability, parts_.clock);
    context_.placer = placer_.get();
    if (!settings_.dry_run) {
      placer_->prepare();
      settings_.transfer.file_clock_offset_ns = placer_->file_clock().offset_ns;
      names_.probe_writing(context_.run_name);
      raise_epoch(parts_.files, parts_.state, parts_.random, context_.pair,
                  settings_.claim);
    }
  }
  if (!settings_.writes_root() || settings_.dry_run) names_.probe_reading();
  if (!settings_.dry_run) {
    context_.pair.filter_hash = filter_.fingerprint();
    if (!settings_.writes_root()) parts_.state.save_pair(context_.pair);
    context_.run = parts_.state.begin_run(context_.pair.id, settings_.command,
                                          context_.pair.epoch, started_ns_);
  }
  if (settings_.writes_root() && !settings_.dry_run)
    withdraw_unplaced(parts_.files, parts_.state);
  context_.unfinished = load_unfinished_writes(parts_.state, context_.pair.id,
                                               started_ns_, !settings_.dry_run);
  keys_ = std::make_unique<KeyRunner>(context_, placing_.get(), placer_.get());
  if (settings_.writes_root() && !settings_.dry_run) keys_->drop_stale_downloads();
  ticker_ = std::jthread([this](const std::stop_token& stop) { tick(stop); });
}

void SyncRun::tick(const std::stop_token& stop) {
  auto last = parts_.clock.steady_now();
  int ticks = 0;
  while (parts_.clock.sleep_for(kTick, stop)) {
    const auto now = parts_.clock.steady_now();
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - last);
    last = now;
    abandon_in_time(elapsed);
    const bool busy = pool_.running() * 4 >= pool_.limit() * 3;
    pool_.set_limit(parts_.concurrency.tick(elapsed, busy));
    if (++ticks % kTicksAShowing == 0) parts_.report.publish_progress();
  }
}

void SyncRun::abandon_in_time(std::chrono::milliseconds elapsed) {
  if (!stop_.stop_requested()) return;
  since_stop_ += elapsed;
  if (since_stop_ >= kGrace) abandon_.request_stop();
}

void SyncRun::work() {
  begin();
  if (settings_.only_keys.empty())
    merge_all();
  else
    run_only_keys();
  keys_->wait();
  if (!going()) return;
  keys_->settle_forgotten();
  if (check_rewrites() || check_brakes()) return;
  delete_and_finish();
}

void SyncRun::merge_all() {
  try {
    merge_range({}, {});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCancelled) parts_.report.fatal(error);
    keys_->wait();  // what was decided before the listing broke is sound
    stop_.request_stop();
    return;
  }
  parts_.report.listing_complete();
}

std::unique_ptr<BaseCursor> SyncRun::base_cursor(const KeyRange& range) {
  if (context_.base_demoted) return std::make_unique<EmptyBaseCursor>();
  return parts_.state.base_rows(context_.pair.id, range);
}

// For the brakes: what could be a source and what could go, files here as in the spool. A
// name that cannot be read is no content that a deletion could rest on.
void SyncRun::count(const MergedItem& item) {
  if (item.local && item.local->problem == LocalProblem::kNone) ++counts_.local;
  if (item.remote && item.remote->problem == RemoteProblem::kNone) ++counts_.remote;
  if (item.base && item.base->kind != EntryKind::kDirectory) ++counts_.base;
}

LocalScanOptions SyncRun::local_options(const KeyRange& range) const {
  LocalScanOptions options;
  options.filter = &filter_;
  options.links = settings_.engine.links;
  options.empty_dirs = settings_.engine.empty_dirs;
  options.range = range;
  return options;
}

RemoteScanOptions SyncRun::remote_options(const KeyRange& range) const {
  RemoteScanOptions options;
  options.prefix = context_.prefix();
  options.filter = &filter_;
  options.empty_dirs = settings_.engine.empty_dirs;
  options.range = range;
  options.unordered = list_order_.is_unordered();
  return options;
}

// A listing that turns out to be unordered proved nothing by what it left out until then:
// deletions planned from it are taken back, and both sides are compared again.
void SyncRun::merge_range(const KeyRange& range, const std::vector<std::string>& above) {
  const Counts before = counts_;
  try {
    return merge_once(range, above);
  } catch (const OutOfOrder&) {
    keys_->wait();
    context_.call.throw_if_stopped();
  }
  list_order_.found_unordered(!settings_.dry_run);
  parts_.report.notice(parts_.store.describe() +
                       " does not list in order: its listings are sorted on this "
                       "machine's disk from now on");
  if (writer_) writer_->flush();
  deletes_.drop(range);
  counts_ = before;
  rewrites_.compare_again();
  merge_once(range, above);
}

void SyncRun::merge_once(const KeyRange& range, const std::vector<std::string>& above) {
  const auto remote = scan_remote(parts_.store, remote_options(range), context_.call);
  const auto local = scan_local(parts_.files, local_options(range), context_.call);
  const auto base = base_cursor(range);
  Merge::Options merge_options;
  merge_options.filter = &filter_;
  const auto known = parts_.writable.known_capabilities();
  merge_options.nested_keys = known && known->nested_keys;
  merge_options.objects_above = above;
  merge_options.on_unknown = [this](const UnknownRange& unknown) {
    keys_->report_unknown(unknown);
  };
  Merge merge(*local, *remote, *base, merge_options);
  MergedItem item;
  while (merge.next(item)) {
    context_.call.throw_if_stopped();
    if (keys_->leave_guarded(item)) continue;
    count(item);
    keys_->dispatch(std::exchange(item, {}));
  }
}

void SyncRun::run_only_keys() {
  for (const auto& key : settings_.only_keys) {
    if (!going()) return;
    if (!key.ends_with('/')) {
      keys_->run_key(key);
      continue;
    }
    keys_->wait();  // the outcome of the name that the folder shares
    if (writer_) writer_->flush();
    if (keys_->is_planned_below(key)) continue;
    merge_folder(key);
  }
  counts_.base = parts_.state.count_base_rows(context_.pair.id);
  counts_.local = counts_.remote = 1;
}

// Where it cannot be told what has the name of a folder above, nothing is known of what
// lies in it.
void SyncRun::merge_folder(const std::string& key) {
  std::vector<std::string> above;
  try {
    above = objects_above(context_, key);
  } catch (const Error& error) {
    const bool ends_the_run = error.code() == ErrorCode::kCancelled ||
                              error.code() == ErrorCode::kUnauthenticated;
    if (ends_the_run) throw;
    return keys_->skip_folder(key, error);
  }
  merge_range(subtree(key), above);
  keys_->close_folder(key);
}

// A few keys say nothing about a whole side: where deletions rest on one, it is looked
// for a single item there.
void SyncRun::look_for_items() {
  counts_.local = counts_.remote = 0;
  const auto look_at = [this](const std::string& key, MergedItem& one) {
    one.key = key;
    if (!keys_->leave_guarded(one)) count(one);
  };
  const auto local = scan_local(parts_.files, local_options({}), context_.call);
  for (LocalItem item; counts_.local == 0 && local->next(item);) {
    const auto* entry = std::get_if<LocalEntry>(&item);
    MergedItem one;
    if (entry != nullptr) one.local = *entry;
    if (entry != nullptr) look_at(entry->key, one);
  }
  const auto remote = scan_remote(parts_.store, remote_options({}), context_.call);
  for (RemoteEntry entry; counts_.remote == 0 && remote->next(entry);) {
    MergedItem one;
    one.remote = entry;
    look_at(entry.key, one);
  }
}

// Deletions
// ---------------------------------------------------------------------------------------

bool SyncRun::apply_brake(const std::optional<Brake>& brake) {
  if (!brake) return false;
  parts_.report.brake(brake->name, brake->message);
  return true;
}

// True when too much was rewritten: then none of it goes to the other side.
bool SyncRun::check_rewrites() {
  if (!settings_.only_keys.empty()) return false;
  if (apply_brake(rewrites_.brake(counts_.base))) return true;
  if (const auto remark = rewrites_.remark(counts_.base)) {
    parts_.report.rewritten(rewrites_.count(), *remark);
  }
  for (const auto& key : rewrites_.release()) keys_->run_key(key);
  keys_->wait();
  if (!going()) return true;
  keys_->settle_forgotten();
  return false;
}

// True when a brake holds: then nothing is deleted on either side.
bool SyncRun::check_brakes() {
  // A choice about named conflicts deletes nothing but these.
  const bool chosen = settings_.deletes != Deletes::kPropagate;
  if (!settings_.only_keys.empty() && !chosen && deletes_.size() > 0) look_for_items();
  auto local = deletes_.count(Side::kLocal);
  auto remote = deletes_.count(Side::kRemote);
  local.base_rows = remote.base_rows = counts_.base;
  bool held = false;
  if (!settings_.engine.allow_emptied) {
    held |=
        apply_brake(emptied_brake(Side::kLocal, counts_.local, remote, settings_.force));
    held |=
        apply_brake(emptied_brake(Side::kRemote, counts_.remote, local, settings_.force));
  }
  held |= apply_brake(
      max_delete_brake(Side::kLocal, local, settings_.max_delete, settings_.force));
  held |= apply_brake(
      max_delete_brake(Side::kRemote, remote, settings_.max_delete, settings_.force));
  return held;
}

void SyncRun::delete_and_finish() {
  DeletionPhase deletion(context_, placer_.get());
  if (settings_.dry_run) {
    deletion.report_planned();
    return keys_->run_late_keys({});
  }
  if (placing_) placing_->wait_idle();
  writer_->flush();
  if (deletes_.size() > 0) parts_.state.make_durable();
  deletion.carry_out();
  if (!going()) return;
  writer_->flush();
  for (const auto& key : deletion.take_kept_folders()) keys_->run_key(key);
  keys_->run_late_keys(deletion.stuck_folders());
  if (going()) keys_->settle_forgotten();
  if (!going() || !settings_.only_keys.empty()) return;
  try {
    tidy();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    // Every file has its outcome already; the next run tidies up again.
    parts_.report.notice(std::string("tidying up was not finished: ") + error.what());
  }
}

// Housekeeping of a run that went through.
void SyncRun::tidy() {
  keys_->close_vanished();
  if (settings_.writes_root()) tidy_root();
  if (settings_.writes_bucket()) keys_->abort_orphans();
  const bool fills_trash =
      settings_.direction == Direction::kSync ||
      (settings_.writes_bucket() && settings_.deletes == Deletes::kPropagate);
  if (fills_trash && settings_.engine.trash) RemoteTrash(context_).purge();
}

// The root's lock is held and nothing is going on: what no interrupted transfer can take
// up again goes.
void SyncRun::tidy_root() {
  keys_->drop_dead_downloads();
  writer_->flush();
  withdraw_unplaced(parts_.files, parts_.state);
  PurgeOptions options;
  options.retention_seconds = settings_.engine.trash_retention_seconds;
  options.limit = settings_.engine.trash_limit;
  options.clock_is_wrong = store_clock_.is_wrong();
  for (const auto& row : parts_.state.transfers(std::nullopt))
    options.live_temp_names.insert(row.temp_name);
  const auto purged = placer_->purge(options);
  if (!purged.notice.empty()) parts_.report.notice(purged.notice);
}

// `trash: false`: what was given up goes at last, unless somebody has written to it.
void SyncRun::drop_held() {
  try {
    for (const auto& path : placer_->drop_held(context_.call)) {
      parts_.report.notice("'" + parts_.files.root_path() + "/" + path +
                           "' was written to after it had been replaced or deleted, or "
                           "cannot be proven unchanged: it is kept there");
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) return;
    parts_.report.notice(std::string("the replaced files stay in the trash: ") +
                         error.what());
  }
}

SyncProgress SyncRun::result() {
  const bool stopped = parts_.stop.stop_requested() || parts_.report.callback_failed();
  auto progress = parts_.report.result(parts_.requests(), stopped);
  progress.ignore_unsafe = settings_.engine.ignore_unsafe;
  const auto seen = parts_.concurrency.report();
  progress.concurrency = {!settings_.engine.max_workers.has_value(), seen.highest,
                          seen.current, seen.throttled};
  base::log().info(
      "at most {} requests at once, {} at the end ({}); {} refused as too many",
      seen.highest, seen.current, progress.concurrency.automatic ? "auto" : "fixed",
      seen.throttled);
  return progress;
}

SyncProgress SyncRun::end() {
  if (keys_) keys_->wait();
  if (ticker_.joinable()) {
    ticker_.request_stop();
    ticker_.join();
  }
  if (placing_) placing_->wait_idle();
  if (placer_ && !settings_.dry_run && going()) drop_held();
  try {
    if (writer_) {
      writer_->flush();
      writer_.reset();
    }
    SyncProgress progress = result();
    if (settings_.dry_run || context_.run == 0) return progress;
    RunRow row;
    row.id = context_.run;
    row.pair = context_.pair.id;
    row.command = settings_.command;
    row.epoch = context_.pair.epoch;
    row.started_ns = started_ns_;
    row.ended_ns = parts_.clock.now_ns();
    row.outcome = outcome_of(progress);
    const bool all_keys =
        settings_.only_keys.empty() && !progress.fatal && !progress.stopped;
    row.stats = stored_summary(progress, all_keys);
    parts_.state.end_run(row);
    parts_.state.save_pair(context_.pair);
    parts_.state.make_durable();
    return progress;
  } catch (const Error& error) {
    parts_.report.fatal(error);
    return result();
  }
}

}  // namespace cloudsync::sync
