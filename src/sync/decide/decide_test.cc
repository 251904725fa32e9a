// SPDX-License-Identifier: Apache-2.0
// The decision tables of docs/semantics.md, typed in by hand, against decide() for every
// input.
#include "sync/decide/decide.h"

#include <array>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cloudsync::sync {
namespace {

constexpr Change kChanges[] = {Change::kUnchanged, Change::kTouched, Change::kModified,
                               Change::kDeleted,   Change::kAbsent,  Change::kCreated};
constexpr Content kContents[] = {Content::kUnknown, Content::kEqual, Content::kDifferent};
constexpr Newer kNewers[] = {Newer::kUnknown, Newer::kLocal, Newer::kRemote, Newer::kTie};
constexpr Direction kDirections[] = {Direction::kSync, Direction::kUpload,
                                     Direction::kDownload};
constexpr Deletes kDeleteModes[] = {Deletes::kPropagate, Deletes::kKeep,
                                    Deletes::kRestore};
constexpr std::array kStrategies = {
    ConflictStrategy::kTimestampWins, ConflictStrategy::kLocalWins,
    ConflictStrategy::kCloudWins, ConflictStrategy::kManual,
    ConflictStrategy::kVersionPreserve};

// Cells: the action, '+' for the dagger (loser secured), '!' for a reported conflict.
// "time" stands for PUT+! / GET+! / tie by the newer side: what the tie does follows the
// colon.
//
// Columns: timestamp_wins, local_wins, cloud_wins, manual, version_preserve.
struct TableRow {
  const char* letters;  // local, remote, and content where it matters
  int number;
  std::array<const char*, 5> cells;
};
using Table = std::vector<TableRow>;

const Table kSyncPropagate = {
    {"00", 1, {"none", "none", "none", "none", "none"}},
    {"C0", 2, {"put", "put", "put", "put", "put"}},
    {"0C", 3, {"get", "get", "get", "get", "get"}},
    {"CC=", 4, {"adopt", "adopt", "adopt", "adopt", "adopt"}},
    {"CC#", 5, {"time:put+!,get+!,fork!", "put+!", "get+!", "hold!", "fork!"}},
    {"UU", 6, {"none", "none", "none", "none", "none"}},
    {"MU", 7, {"put", "put", "put", "put", "put"}},
    {"UM", 8, {"get", "get", "get", "get", "get"}},
    {"MM=", 9, {"adopt", "adopt", "adopt", "adopt", "adopt"}},
    {"MM#", 10, {"time:put+!,get+!,fork!", "put+!", "get+!", "hold!", "fork!"}},
    {"DU",
     11,
     {"delete_remote", "delete_remote", "delete_remote", "delete_remote",
      "delete_remote"}},
    {"UD",
     12,
     {"delete_local+", "delete_local+", "delete_local+", "delete_local+",
      "delete_local+"}},
    {"DM", 13, {"get!", "delete_remote+!", "get!", "hold!", "get!"}},
    {"MD", 14, {"put!", "put!", "delete_local+!", "hold!", "put!"}},
    {"DD", 15, {"forget", "forget", "forget", "forget", "forget"}},
};

// Only the rows that differ from kSyncPropagate.
const Table kSyncKeep = {
    {"DU", 11, {"keep", "keep", "keep", "keep", "keep"}},
    {"UD", 12, {"keep", "keep", "keep", "keep", "keep"}},
    {"DM", 13, {"get!", "get!", "get!", "hold!", "get!"}},
    {"MD", 14, {"put!", "put!", "put!", "hold!", "put!"}},
};
const Table kSyncRestore = {
    {"DU", 11, {"get", "get", "get", "get", "get"}},
    {"UD", 12, {"put", "put", "put", "put", "put"}},
    {"DM", 13, {"get!", "get!", "get!", "hold!", "get!"}},
    {"MD", 14, {"put!", "put!", "put!", "hold!", "put!"}},
};

const Table kUpload = {
    {"00", 1, {"none", "none", "none", "none", "none"}},
    {"C0", 2, {"put", "put", "put", "put", "put"}},
    {"0C", 3, {"keep", "keep", "keep", "keep", "keep"}},
    {"CC=", 4, {"adopt", "adopt", "adopt", "adopt", "adopt"}},
    {"CC#", 5, {"time:put+!,keep!,keep!", "put+!", "keep!", "hold!", "fork_remote!"}},
    {"UU", 6, {"none", "none", "none", "none", "none"}},
    {"MU", 7, {"put", "put", "put", "put", "put"}},
    {"UM", 8, {"keep", "put+", "keep", "keep", "keep"}},
    {"MM=", 9, {"adopt", "adopt", "adopt", "adopt", "adopt"}},
    {"MM#", 10, {"time:put+!,keep!,keep!", "put+!", "keep!", "hold!", "fork_remote!"}},
    {"DU", 11, {"keep", "keep", "keep", "keep", "keep"}},
    {"UD", 12, {"put", "put", "keep", "put", "put"}},
    {"DM", 13, {"keep", "keep", "keep", "keep", "keep"}},
    {"MD", 14, {"put!", "put!", "keep!", "hold!", "put!"}},
    {"DD", 15, {"forget", "forget", "forget", "forget", "forget"}},
};
const Table kUploadPropagate = {
    {"DU",
     11,
     {"delete_remote", "delete_remote", "delete_remote", "delete_remote",
      "delete_remote"}},
    {"DM", 13, {"keep!", "delete_remote+!", "keep!", "hold!", "keep!"}},
};
const Table kUploadMirror = {
    {"0C",
     3,
     {"delete_remote+", "delete_remote+", "delete_remote+", "delete_remote+",
      "delete_remote+"}},
};

const Table kDownload = {
    {"00", 1, {"none", "none", "none", "none", "none"}},
    {"C0", 2, {"keep", "keep", "keep", "keep", "keep"}},
    {"0C", 3, {"get", "get", "get", "get", "get"}},
    {"CC=", 4, {"adopt", "adopt", "adopt", "adopt", "adopt"}},
    {"CC#", 5, {"time:keep!,get+!,keep!", "keep!", "get+!", "hold!", "fork!"}},
    {"UU", 6, {"none", "none", "none", "none", "none"}},
    {"MU", 7, {"keep", "keep", "get+", "keep", "keep"}},
    {"UM", 8, {"get", "get", "get", "get", "get"}},
    {"MM=", 9, {"adopt", "adopt", "adopt", "adopt", "adopt"}},
    {"MM#", 10, {"time:keep!,get+!,keep!", "keep!", "get+!", "hold!", "fork!"}},
    {"DU", 11, {"get", "keep", "get", "get", "get"}},
    {"UD", 12, {"keep", "keep", "keep", "keep", "keep"}},
    {"DM", 13, {"get!", "keep!", "get!", "hold!", "get!"}},
    {"MD", 14, {"keep", "keep", "keep", "keep", "keep"}},
    {"DD", 15, {"forget", "forget", "forget", "forget", "forget"}},
};
const Table kDownloadPropagate = {
    {"UD",
     12,
     {"delete_local+", "delete_local+", "delete_local+", "delete_local+",
      "delete_local+"}},
    {"MD", 14, {"keep!", "keep!", "delete_local+!", "hold!", "keep!"}},
};
const Table kDownloadMirror = {
    {"C0",
     2,
     {"delete_local+", "delete_local+", "delete_local+", "delete_local+",
      "delete_local+"}},
};

struct Cell {
  int number = 0;
  std::string text;
};
using Lookup = std::map<std::string, std::array<Cell, 5>>;

void lay_over(Lookup& lookup, const Table& table) {
  for (const TableRow& row : table) {
    for (std::size_t s = 0; s < kStrategies.size(); ++s) {
      lookup[row.letters][s] = {row.number, row.cells[s]};
    }
  }
}

Lookup table_for(Direction direction, Deletes deletes, bool mirror) {
  Lookup lookup;
  const bool propagate = deletes == Deletes::kPropagate;
  if (direction == Direction::kSync) {
    lay_over(lookup, kSyncPropagate);
    if (!propagate)
      lay_over(lookup, deletes == Deletes::kKeep ? kSyncKeep : kSyncRestore);
  } else if (direction == Direction::kUpload) {
    lay_over(lookup, kUpload);
    if (propagate) lay_over(lookup, kUploadPropagate);
    if (mirror) lay_over(lookup, kUploadMirror);
  } else {
    lay_over(lookup, kDownload);
    if (propagate) lay_over(lookup, kDownloadPropagate);
    if (mirror) lay_over(lookup, kDownloadMirror);
  }
  return lookup;
}

bool is_base_letter(Change change) {
  return change != Change::kAbsent && change != Change::kCreated;
}

char letter(Change change, Change other) {
  switch (change) {
    case Change::kAbsent:
      return '0';
    case Change::kCreated:
      return 'C';
    case Change::kDeleted:
      return 'D';
    case Change::kModified:
      return 'M';
    case Change::kUnchanged:
      return 'U';
    case Change::kTouched:
      return other == Change::kDeleted ? 'M' : 'U';
  }
  return '?';
}

// What the document says, as "row action"; nothing for letters that cannot meet.
std::string expected(const Situation& s, const DecideOptions& o) {
  if (is_base_letter(s.local) != is_base_letter(s.remote)) return "0 keep";
  std::string letters = {letter(s.local, s.remote), letter(s.remote, s.local)};
  const bool both = letters == "CC" || letters == "MM";
  if (both && s.content == Content::kUnknown)
    return letters == "CC" ? "5 need_compare" : "10 need_compare";
  if (both) letters += s.content == Content::kEqual ? '=' : '#';
  const Lookup lookup = table_for(o.direction, o.deletes, o.mirror);
  const Cell cell = lookup.at(letters)[static_cast<std::size_t>(o.strategy)];
  std::string text = cell.text;
  if (text.starts_with("time:")) {
    std::istringstream choices(text.substr(5));
    std::string local, remote, tie;
    std::getline(choices, local, ',');
    std::getline(choices, remote, ',');
    std::getline(choices, tie);
    text = s.newer == Newer::kLocal ? local : s.newer == Newer::kRemote ? remote : tie;
    if (s.newer == Newer::kUnknown) text = "need_times";
  }
  const bool drifted = s.local == Change::kTouched || s.remote == Change::kTouched;
  if (cell.number == 6 && drifted) text = "refresh";
  return std::to_string(cell.number) + " " + text;
}

std::string shown(const Action& action) {
  std::string text = std::to_string(action.row) + " ";
  text += action_kind_name(action.kind);
  if (action.secure_loser) text += '+';
  if (action.conflict) text += '!';
  return text;
}

std::string describe(const Situation& s, const DecideOptions& o) {
  std::ostringstream out;
  out << "local " << static_cast<int>(s.local) << " remote " << static_cast<int>(s.remote)
      << " content " << static_cast<int>(s.content) << " newer "
      << static_cast<int>(s.newer) << " direction " << static_cast<int>(o.direction)
      << " strategy " << static_cast<int>(o.strategy) << " deletes "
      << static_cast<int>(o.deletes) << " mirror " << o.mirror;
  return out.str();
}

std::vector<Situation> all_situations() {
  std::vector<Situation> all;
  for (const Change local : kChanges)
    for (const Change remote : kChanges)
      for (const Content content : kContents)
        for (const Newer newer : kNewers) all.push_back({local, remote, content, newer});
  return all;
}

std::vector<DecideOptions> all_options() {
  std::vector<DecideOptions> all;
  for (const Direction direction : kDirections)
    for (const ConflictStrategy strategy : kStrategies)
      for (const Deletes deletes : kDeleteModes)
        for (const bool mirror : {false, true})
          all.push_back({direction, strategy, deletes, mirror});
  return all;
}

TEST(Decide, FollowsTheTablesForEveryInput) {
  int checked = 0;
  for (const DecideOptions& options : all_options()) {
    for (const Situation& situation : all_situations()) {
      ASSERT_EQ(shown(decide(situation, options)), expected(situation, options))
          << describe(situation, options);
      ++checked;
    }
  }
  EXPECT_EQ(checked, 6 * 6 * 3 * 4 * 3 * 5 * 3 * 2);
}

// The engine answers a question once; a second one for the same thing would never end.
TEST(Decide, AsksAtMostOnceForEachThing) {
  for (const DecideOptions& options : all_options()) {
    for (const Situation& situation : all_situations()) {
      const ActionKind kind = decide(situation, options).kind;
      if (situation.content != Content::kUnknown) {
        ASSERT_NE(kind, ActionKind::kNeedCompare) << describe(situation, options);
      }
      if (situation.newer != Newer::kUnknown) {
        ASSERT_NE(kind, ActionKind::kNeedTimes) << describe(situation, options);
      }
    }
  }
}

TEST(Decide, OneWayNeverActsOnItsSource) {
  const std::set<ActionKind> local_changes = {ActionKind::kGet, ActionKind::kDeleteLocal,
                                              ActionKind::kFork};
  const std::set<ActionKind> remote_changes = {
      ActionKind::kPut, ActionKind::kDeleteRemote, ActionKind::kForkRemote};
  for (const DecideOptions& options : all_options()) {
    if (options.direction == Direction::kSync) continue;
    const auto& forbidden =
        options.direction == Direction::kUpload ? local_changes : remote_changes;
    for (const Situation& situation : all_situations()) {
      ASSERT_FALSE(forbidden.contains(decide(situation, options).kind))
          << describe(situation, options);
    }
  }
}

Newer mirrored(Newer newer) {
  if (newer == Newer::kLocal) return Newer::kRemote;
  return newer == Newer::kRemote ? Newer::kLocal : newer;
}
ConflictStrategy mirrored(ConflictStrategy strategy) {
  if (strategy == ConflictStrategy::kLocalWins) return ConflictStrategy::kCloudWins;
  return strategy == ConflictStrategy::kCloudWins ? ConflictStrategy::kLocalWins
                                                  : strategy;
}
ActionKind mirrored(ActionKind kind) {
  switch (kind) {
    case ActionKind::kPut:
      return ActionKind::kGet;
    case ActionKind::kDeleteRemote:
      return ActionKind::kDeleteLocal;
    case ActionKind::kForkRemote:
      return ActionKind::kFork;
    default:
      return kind;
  }
}

TEST(Decide, DownloadIsTheMirrorOfUpload) {
  for (DecideOptions options : all_options()) {
    if (options.direction != Direction::kUpload) continue;
    DecideOptions swapped = options;
    swapped.direction = Direction::kDownload;
    swapped.strategy = mirrored(options.strategy);
    for (const Situation& s : all_situations()) {
      const Situation t{s.remote, s.local, s.content, mirrored(s.newer)};
      const Action up = decide(s, options);
      const Action down = decide(t, swapped);
      ASSERT_EQ(down.kind, mirrored(up.kind)) << describe(s, options);
      ASSERT_EQ(down.conflict, up.conflict) << describe(s, options);
    }
  }
}

bool is_edit(Change change) {
  return change == Change::kModified || change == Change::kCreated;
}

TEST(Decide, NoEditIsEverReplacedOrRemovedUnsecured) {
  for (const DecideOptions& options : all_options()) {
    for (const Situation& situation : all_situations()) {
      const Action action = decide(situation, options);
      const bool on_local =
          action.kind == ActionKind::kGet || action.kind == ActionKind::kDeleteLocal;
      const bool on_remote =
          action.kind == ActionKind::kPut || action.kind == ActionKind::kDeleteRemote;
      const bool loses = (on_local && is_edit(situation.local)) ||
                         (on_remote && is_edit(situation.remote)) ||
                         action.kind == ActionKind::kDeleteLocal;
      ASSERT_TRUE(action.secure_loser || !loses) << describe(situation, options);
    }
  }
}

TEST(Decide, EveryKindHasAName) {
  std::set<std::string_view> names;
  for (int kind = 0; kind <= static_cast<int>(ActionKind::kNeedTimes); ++kind) {
    names.insert(action_kind_name(static_cast<ActionKind>(kind)));
  }
  EXPECT_EQ(names.size(), 14U);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace cloudsync::sync
