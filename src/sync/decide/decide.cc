// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/decide.h"

namespace cloudsync::sync {
namespace {

// Change letters that cannot stand side by side (one speaks of a base row, the other
// denies it).
constexpr int kContradiction = 0;

bool without_base(Change change) {
  return change == Change::kAbsent || change == Change::kCreated;
}

int row_without_base(const Situation& s) {
  const bool local = s.local == Change::kCreated;
  const bool remote = s.remote == Change::kCreated;
  if (!local && !remote) return 1;
  if (!remote) return 2;
  if (!local) return 3;
  return s.content == Content::kEqual ? 4 : 5;
}

// A touched side proves that somebody wrote the key again after the base was recorded, so
// a deletion on the other side did not see that write: it counts as modified there and
// nowhere else.
int row_of_deletion(const Situation& s) {
  if (s.local == s.remote) return 15;
  if (s.local == Change::kDeleted) return s.remote == Change::kUnchanged ? 11 : 13;
  return s.local == Change::kUnchanged ? 12 : 14;
}

int row_with_base(const Situation& s) {
  if (s.local == Change::kDeleted || s.remote == Change::kDeleted)
    return row_of_deletion(s);
  const bool local = s.local == Change::kModified;
  const bool remote = s.remote == Change::kModified;
  if (!local && !remote) return 6;
  if (!remote) return 7;
  if (!local) return 8;
  return s.content == Content::kEqual ? 9 : 10;
}

int row_of(const Situation& s) {
  if (without_base(s.local) != without_base(s.remote)) return kContradiction;
  return without_base(s.local) ? row_without_base(s) : row_with_base(s);
}

bool both_changed(int row) { return row == 5 || row == 10; }

Action act(ActionKind kind) { return {.kind = kind}; }
Action secured(ActionKind kind) { return {.kind = kind, .secure_loser = true}; }

Action contested(ActionKind kind) { return {.kind = kind, .conflict = true}; }
Action contested_secured(ActionKind kind) {
  return {.kind = kind, .secure_loser = true, .conflict = true};
}

Action unchanged(const Situation& s) {
  const bool drifted = s.local == Change::kTouched || s.remote == Change::kTouched;
  return act(drifted ? ActionKind::kRefresh : ActionKind::kNone);
}

Action sync_by_time(Newer newer) {
  if (newer == Newer::kLocal) return contested_secured(ActionKind::kPut);
  if (newer == Newer::kRemote) return contested_secured(ActionKind::kGet);
  return contested(ActionKind::kFork);
}

Action sync_both_changed(const Situation& s, ConflictStrategy strategy) {
  switch (strategy) {
    case ConflictStrategy::kTimestampWins:
      return sync_by_time(s.newer);
    case ConflictStrategy::kLocalWins:
      return contested_secured(ActionKind::kPut);
    case ConflictStrategy::kCloudWins:
      return contested_secured(ActionKind::kGet);
    case ConflictStrategy::kVersionPreserve:
      return contested(ActionKind::kFork);
    case ConflictStrategy::kManual:
      break;
  }
  return contested(ActionKind::kHold);
}

Action sync_lone_deletion(Deletes deletes, const Action& propagate, ActionKind restore) {
  if (deletes == Deletes::kPropagate) return propagate;
  return act(deletes == Deletes::kRestore ? restore : ActionKind::kKeep);
}

// An edit beats a deletion, unless the user said that the deleting side always wins.
struct EditAgainstDeletion {
  ConflictStrategy deleter_wins;
  ActionKind deletion;
  ActionKind edit;
};

Action sync_edit_against_deletion(const EditAgainstDeletion& e, const DecideOptions& o) {
  if (o.strategy == ConflictStrategy::kManual) return contested(ActionKind::kHold);
  if (o.strategy == e.deleter_wins && o.deletes == Deletes::kPropagate) {
    return contested_secured(e.deletion);
  }
  return contested(e.edit);
}

constexpr EditAgainstDeletion kRemoteEdit{ConflictStrategy::kLocalWins,
                                          ActionKind::kDeleteRemote, ActionKind::kGet};
constexpr EditAgainstDeletion kLocalEdit{ConflictStrategy::kCloudWins,
                                         ActionKind::kDeleteLocal, ActionKind::kPut};

Action sync_action(int row, const Situation& s, const DecideOptions& o) {
  switch (row) {
    case 1:
      return act(ActionKind::kNone);
    case 2:
    case 7:
      return act(ActionKind::kPut);
    case 3:
    case 8:
      return act(ActionKind::kGet);
    case 4:
    case 9:
      return act(ActionKind::kAdopt);
    case 5:
    case 10:
      return sync_both_changed(s, o.strategy);
    case 6:
      return unchanged(s);
    case 11:
      return sync_lone_deletion(o.deletes, act(ActionKind::kDeleteRemote),
                                ActionKind::kGet);
    case 12:
      return sync_lone_deletion(o.deletes, secured(ActionKind::kDeleteLocal),
                                ActionKind::kPut);
    case 13:
      return sync_edit_against_deletion(kRemoteEdit, o);
    case 14:
      return sync_edit_against_deletion(kLocalEdit, o);
    case 15:
      return act(ActionKind::kForget);
    default:
      return act(ActionKind::kKeep);
  }
}

// Upload and download are one table, read from the source towards the target.
struct OneWay {
  ActionKind send;
  ActionKind fork;
  Action remove;  // the target's copy of a file that the source deleted
  ConflictStrategy source_wins;
  ConflictStrategy target_wins;
  Newer source_newer;
};

constexpr OneWay kUploading{.send = ActionKind::kPut,
                            .fork = ActionKind::kForkRemote,
                            .remove = {.kind = ActionKind::kDeleteRemote},
                            .source_wins = ConflictStrategy::kLocalWins,
                            .target_wins = ConflictStrategy::kCloudWins,
                            .source_newer = Newer::kLocal};
constexpr OneWay kDownloading{
    .send = ActionKind::kGet,
    .fork = ActionKind::kFork,
    .remove = {.kind = ActionKind::kDeleteLocal, .secure_loser = true},
    .source_wins = ConflictStrategy::kCloudWins,
    .target_wins = ConflictStrategy::kLocalWins,
    .source_newer = Newer::kRemote};

// The row as `upload` would number it: local and remote change places for `download`.
int row_from_source(int row, Direction direction) {
  if (direction == Direction::kUpload) return row;
  switch (row) {
    case 2:
      return 3;
    case 3:
      return 2;
    case 7:
      return 8;
    case 8:
      return 7;
    case 11:
      return 12;
    case 12:
      return 11;
    case 13:
      return 14;
    case 14:
      return 13;
    default:
      return row;
  }
}

Action one_way_both_changed(const OneWay& way, const Situation& s,
                            ConflictStrategy strategy) {
  if (strategy == ConflictStrategy::kManual) return contested(ActionKind::kHold);
  if (strategy == ConflictStrategy::kVersionPreserve) return contested(way.fork);
  const bool by_time = strategy == ConflictStrategy::kTimestampWins;
  const bool source = by_time ? s.newer == way.source_newer : strategy == way.source_wins;
  return source ? contested_secured(way.send) : contested(ActionKind::kKeep);
}

Action source_deleted_target_edited(const OneWay& way, const DecideOptions& o) {
  if (o.deletes != Deletes::kPropagate) return act(ActionKind::kKeep);
  if (o.strategy == ConflictStrategy::kManual) return contested(ActionKind::kHold);
  if (o.strategy != way.source_wins) return contested(ActionKind::kKeep);
  return contested_secured(way.remove.kind);
}

Action source_edited_target_deleted(const OneWay& way, ConflictStrategy strategy) {
  if (strategy == ConflictStrategy::kManual) return contested(ActionKind::kHold);
  return contested(strategy == way.target_wins ? ActionKind::kKeep : way.send);
}

Action one_way_action(int row, const OneWay& way, const Situation& s,
                      const DecideOptions& o) {
  switch (row) {
    case 1:
      return act(ActionKind::kNone);
    case 2:
    case 7:
      return act(way.send);
    case 3:
      return o.mirror ? secured(way.remove.kind) : act(ActionKind::kKeep);
    case 4:
    case 9:
      return act(ActionKind::kAdopt);
    case 5:
    case 10:
      return one_way_both_changed(way, s, o.strategy);
    case 6:
      return unchanged(s);
    case 8:
      return o.strategy == way.source_wins ? secured(way.send) : act(ActionKind::kKeep);
    case 11:
      return o.deletes == Deletes::kPropagate ? way.remove : act(ActionKind::kKeep);
    case 12:
      return act(o.strategy == way.target_wins ? ActionKind::kKeep : way.send);
    case 13:
      return source_deleted_target_edited(way, o);
    case 14:
      return source_edited_target_deleted(way, o.strategy);
    case 15:
      return act(ActionKind::kForget);
    default:
      return act(ActionKind::kKeep);
  }
}

Action settled(int row, const Situation& s, const DecideOptions& o) {
  if (o.direction == Direction::kSync) return sync_action(row, s, o);
  const OneWay& way = o.direction == Direction::kUpload ? kUploading : kDownloading;
  return one_way_action(row_from_source(row, o.direction), way, s, o);
}

bool needs_times(const Situation& s, const DecideOptions& o) {
  return o.strategy == ConflictStrategy::kTimestampWins && s.newer == Newer::kUnknown;
}

}  // namespace

Action decide(const Situation& situation, const DecideOptions& options) {
  const int row = row_of(situation);
  Action action;
  if (both_changed(row) && situation.content == Content::kUnknown) {
    action = act(ActionKind::kNeedCompare);
  } else if (both_changed(row) && needs_times(situation, options)) {
    action = act(ActionKind::kNeedTimes);
  } else {
    action = settled(row, situation, options);
  }
  action.row = row;
  return action;
}

std::string_view action_kind_name(ActionKind kind) {
  switch (kind) {
    case ActionKind::kNone:
      return "none";
    case ActionKind::kRefresh:
      return "refresh";
    case ActionKind::kPut:
      return "put";
    case ActionKind::kGet:
      return "get";
    case ActionKind::kDeleteRemote:
      return "delete_remote";
    case ActionKind::kDeleteLocal:
      return "delete_local";
    case ActionKind::kAdopt:
      return "adopt";
    case ActionKind::kForget:
      return "forget";
    case ActionKind::kKeep:
      return "keep";
    case ActionKind::kHold:
      return "hold";
    case ActionKind::kFork:
      return "fork";
    case ActionKind::kForkRemote:
      return "fork_remote";
    case ActionKind::kNeedCompare:
      return "need_compare";
    case ActionKind::kNeedTimes:
      return "need_times";
  }
  return "unknown";
}

}  // namespace cloudsync::sync
