// SPDX-License-Identifier: Apache-2.0
// Exhaustive small-scope check of decide() with the order of execution of
// docs/semantics.md: one path, two replicas, one bucket, every interleaving of user edits
// with the atomic steps of both engines, one crash or one lost database. Claims: no
// version is ever lost unless a user who saw it overwrote it; runs end; in sync/sync
// everything becomes equal at rest. Deliberate faults must be found, or the checker would
// prove nothing.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "sync/decide/decide.h"

namespace cloudsync::sync {
namespace {

using Value = std::int8_t;  // a version, numbered by time of writing
constexpr Value kGone = -1;
using Values = std::uint8_t;  // a set of versions

Values only(Value value) {
  return value == kGone ? Values{0}
                        : static_cast<Values>(1U << static_cast<unsigned>(value));
}
Values united(Values a, Values b) { return static_cast<Values>(a | b); }

// A replica's run in the middle of one action. `kind` is an ActionKind; kNone = not
// running.
struct Run {
  std::int8_t kind = static_cast<std::int8_t>(ActionKind::kNone);
  std::int8_t secures = 0;
  std::int8_t step = 0;
  Value local = kGone;  // as observed
  Value remote = kGone;
  Value temp = kGone;  // downloaded, not yet placed
};

struct State {
  std::array<Value, 2> local{kGone, kGone};
  // What a base row claims of each side; nothing but a fault makes them differ.
  std::array<Value, 2> base{kGone, kGone};
  std::array<Value, 2> base_remote{kGone, kGone};
  std::array<std::int8_t, 2> unproven{0, 0};  // the row of an older version
  Value remote = kGone;
  std::array<Run, 2> run;
  Values kept = 0;  // conflict copies
  Values trash = 0;
  Values superseded = 0;  // a user who held it overwrote or deleted it
  Value next = 0;
  std::int8_t edits_left = 0;
  std::int8_t accidents_left = 1;

  bool idle(std::size_t replica) const {
    return run[replica].kind == static_cast<std::int8_t>(ActionKind::kNone);
  }
  bool operator==(const State& other) const {
    return std::memcmp(this, &other, sizeof *this) == 0;
  }
};
static_assert(std::has_unique_object_representations_v<State>);

struct HashState {
  std::size_t operator()(const State& state) const {
    std::array<char, sizeof(State)> bytes{};
    std::memcpy(bytes.data(), &state, sizeof state);
    return std::hash<std::string_view>()({bytes.data(), bytes.size()});
  }
};

enum class Fault {
  kNoFault,
  kUnconditionalPut,
  kUnconditionalDelete,
  kBaseBeforeTransfer,
  kBaseFromCurrentVersion,
  kRenameWithoutCheck,
  kDeleteWithoutCheck,
  kLoserNotSecured,
  kCheckThenRename,     // not one step
  kCheckThenExchange,   // not one step either, but the old file lands in the trash by
                        // itself
  kDeletionBeatsEdit,   // a fault of the table
  kConflictOverwrites,  // a fault of the table
  kAdoptsUnseen,        // equal sizes pass for equal contents
  kTrustsUnproven,      // and what such an adoption left behind is believed
};

struct Model {
  ConflictStrategy strategy = ConflictStrategy::kTimestampWins;
  std::array<Direction, 2> directions{Direction::kSync, Direction::kSync};
  int edits = 3;
  bool database_loss = false;
  bool poisoned = false;  // begins with a row that equal sizes made
  Fault fault = Fault::kNoFault;
};

Change change_of(Value value, Value base) {
  if (base == kGone) return value == kGone ? Change::kAbsent : Change::kCreated;
  if (value == kGone) return Change::kDeleted;
  return value == base ? Change::kUnchanged : Change::kModified;
}

bool is_row_of_both(int row) { return row == 5 || row == 10; }

class Checker {
 public:
  explicit Checker(Model model) : model_(model) {}

  // "" or what went wrong, with the events that lead there.
  std::string check() {
    State fresh;
    fresh.edits_left = static_cast<std::int8_t>(model_.edits);
    State synced = fresh;
    synced.local = synced.base = synced.base_remote = {0, 0};
    synced.remote = 0;
    synced.next = 1;
    if (model_.poisoned) {
      synced.local[1] = synced.base[1] = 1;  // the bucket holds 0, which nobody saw here
      synced.unproven[1] = 1;
      synced.next = 2;
    } else {
      visit(fresh, nullptr, "");
    }
    visit(synced, nullptr, "");
    while (!open_.empty() && problem_.empty()) {
      const auto* node = open_.back();
      open_.pop_back();
      examine(*node);
    }
    return problem_;
  }
  std::size_t states() const { return seen_.size(); }

 private:
  struct Origin {
    const State* from = nullptr;
    const char* event = "";
  };
  using Node = std::pair<const State, Origin>;

  void visit(const State& state, const Node* from, const char* event) {
    const auto [node, is_new] =
        seen_.emplace(state, Origin{from == nullptr ? nullptr : &from->first, event});
    if (is_new) open_.push_back(&*node);
  }

  void fail(const std::string& what, const Node& node) {
    std::string trace;
    for (const Node* at = &node; at != nullptr && at->second.from != nullptr;) {
      trace = std::string(at->second.event) + " " + trace;
      const auto before = seen_.find(*at->second.from);
      at = before == seen_.end() ? nullptr : &*before;
    }
    problem_ = what + " after: " + trace;
  }

  void examine(const Node& node) {
    const State& state = node.first;
    if (lost(state) != 0) return fail("a version is lost", node);
    if (state.idle(0) && state.idle(1)) {
      examine_at_rest(node, {0, 1});
      examine_at_rest(node, {1, 0});
    }
    add_edits(node);
    for (const std::size_t replica : {0U, 1U}) add_engine_events(node, replica);
  }

  static Values lost(const State& s) {
    Values have = united(united(s.kept, s.trash), s.superseded);
    have =
        united(have, united(united(only(s.local[0]), only(s.local[1])), only(s.remote)));
    const auto written = static_cast<Values>((1U << static_cast<unsigned>(s.next)) - 1U);
    return static_cast<Values>(written & ~have);
  }

  bool must_converge() const {
    return model_.strategy != ConflictStrategy::kManual &&
           model_.directions[0] == Direction::kSync &&
           model_.directions[1] == Direction::kSync;
  }

  // Without further edits: runs of both replicas in turn come to an end, and lose
  // nothing.
  void examine_at_rest(const Node& node, std::array<std::size_t, 2> order) {
    constexpr int kRounds = 5;
    State state = node.first;
    bool moved = true;
    for (int round = 0; moved; ++round) {
      if (round == kRounds) return fail("the runs never end", node);
      moved = false;
      for (const std::size_t replica : order) moved = run_once(state, replica) || moved;
    }
    if (lost(state) != 0) return fail("the next runs lose a version", node);
    bool equal = true;
    for (const std::size_t i : {0U, 1U}) {
      equal = equal && state.local[i] == state.remote && state.base[i] == state.remote &&
              state.base_remote[i] == state.remote;
    }
    if (must_converge() && !equal) fail("the sides stay different", node);
  }

  bool run_once(State& state, std::size_t replica) {
    bool moved = false;
    while (advance(state, replica)) {
      moved = true;
      if (state.idle(replica)) break;
    }
    return moved;
  }

  void add_edits(const Node& node) {
    if (node.first.edits_left == 0) return;
    for (const std::size_t replica : {0U, 1U}) {
      State state = node.first;
      --state.edits_left;
      state.superseded = united(state.superseded, only(state.local[replica]));
      if (state.local[replica] != kGone) {
        State removed = state;
        removed.local[replica] = kGone;
        visit(removed, &node, replica == 0 ? "remove0" : "remove1");
      }
      state.local[replica] = state.next++;
      visit(state, &node, replica == 0 ? "write0" : "write1");
    }
  }

  void add_engine_events(const Node& node, std::size_t replica) {
    State advanced = node.first;
    if (advance(advanced, replica))
      visit(advanced, &node, replica == 0 ? "sync0" : "sync1");
    if (node.first.accidents_left == 0) return;
    State after = node.first;
    --after.accidents_left;
    if (!after.idle(replica)) {
      after.run[replica] = Run();
      visit(after, &node, replica == 0 ? "crash0" : "crash1");
    } else if (model_.database_loss && after.base[replica] != kGone) {
      commit(after, replica, kGone);
      visit(after, &node, replica == 0 ? "database-loss0" : "database-loss1");
    }
  }

  Action choose(const State& s, std::size_t replica) const {
    const Value local = s.local[replica];
    Situation situation;
    // No hash of the bucket's version is that of an unproven row: it is void, but for a
    // deletion that the trash makes harmless.
    const bool is_void =
        s.unproven[replica] != 0 && s.remote != kGone && !fault(Fault::kTrustsUnproven);
    situation.local = change_of(local, is_void ? kGone : s.base[replica]);
    situation.remote = change_of(s.remote, is_void ? kGone : s.base_remote[replica]);
    const bool equal = local == s.remote || fault(Fault::kAdoptsUnseen);
    situation.content = equal ? Content::kEqual : Content::kDifferent;
    situation.newer = local > s.remote ? Newer::kLocal : Newer::kRemote;
    Action action = decide(situation, {.direction = model_.directions[replica],
                                       .strategy = model_.strategy});
    if (model_.fault == Fault::kDeletionBeatsEdit && action.row == 13) {
      action = {.kind = ActionKind::kDeleteRemote, .row = 13};
    }
    if (model_.fault == Fault::kConflictOverwrites && is_row_of_both(action.row)) {
      action = {.kind = ActionKind::kGet, .row = action.row};
    }
    return action;
  }

  static bool does_nothing(ActionKind kind) {
    return kind == ActionKind::kNone || kind == ActionKind::kKeep ||
           kind == ActionKind::kHold;
  }

  bool start(State& s, std::size_t replica) const {
    const Action action = choose(s, replica);
    if (does_nothing(action.kind)) return false;
    // Row 12 moves the file to the trash too, but nothing may depend on that: its content
    // was on both sides when somebody deleted it.
    const bool secures =
        action.secure_loser && (action.row != 12 || s.unproven[replica] != 0);
    if (model_.fault == Fault::kBaseBeforeTransfer && action.kind == ActionKind::kPut) {
      s.base[replica] = s.base_remote[replica] = s.local[replica];
    }
    if (model_.fault == Fault::kBaseBeforeTransfer && action.kind == ActionKind::kGet) {
      s.base[replica] = s.base_remote[replica] = s.remote;
    }
    s.run[replica] = {static_cast<std::int8_t>(action.kind),
                      static_cast<std::int8_t>(secures ? 1 : 0),
                      0,
                      s.local[replica],
                      s.remote,
                      kGone};
    return true;
  }

  // One atomic step of a replica's engine; false when it has nothing to do.
  bool advance(State& s, std::size_t replica) const {
    if (s.idle(replica)) return start(s, replica);
    switch (static_cast<ActionKind>(s.run[replica].kind)) {
      case ActionKind::kPut:
        put(s, replica);
        break;
      case ActionKind::kGet:
        get(s, replica);
        break;
      case ActionKind::kDeleteRemote:
        delete_remote(s, replica);
        break;
      case ActionKind::kDeleteLocal:
        delete_local(s, replica);
        break;
      case ActionKind::kFork:
        fork(s, replica);
        break;
      case ActionKind::kForkRemote:
        fork_remote(s, replica);
        break;
      case ActionKind::kAdopt:
        adopt(s, replica);
        break;
      default:
        commit(s, replica, kGone);
        break;
    }
    return true;
  }

  static void commit(State& s, std::size_t replica, Value base) {
    s.base[replica] = s.base_remote[replica] = base;
    s.unproven[replica] = 0;
    s.run[replica] = Run();
  }
  static void adopt(State& s, std::size_t replica) {
    const Run run = s.run[replica];
    commit(s, replica, run.local);
    s.base_remote[replica] = run.remote;
  }
  static void give_up(State& s, std::size_t replica) { s.run[replica] = Run(); }
  static void go_on_if(State& s, std::size_t replica, bool condition) {
    if (condition) {
      ++s.run[replica].step;
    } else {
      give_up(s, replica);
    }
  }
  void secure(State& s, const Run& run, Value loser) const {
    if (run.secures == 0 || model_.fault == Fault::kLoserNotSecured) return;
    s.trash = united(s.trash, only(loser));
  }
  bool fault(Fault fault) const { return model_.fault == fault; }

  void put(State& s, std::size_t i) const {
    Run& run = s.run[i];
    if (run.step == 0)
      return go_on_if(s, i, s.local[i] == run.local);  // read, then stat again
    if (run.step == 2) {
      return commit(s, i, fault(Fault::kBaseFromCurrentVersion) ? s.local[i] : run.local);
    }
    if (s.remote != run.remote && !fault(Fault::kUnconditionalPut)) return give_up(s, i);
    secure(s, run, s.remote);
    s.remote = run.local;
    ++run.step;
  }

  void get(State& s, std::size_t i) const {
    Run& run = s.run[i];
    if (run.step == 0) {
      run.temp = s.remote;
      return go_on_if(s, i, s.remote == run.remote);
    }
    const bool two_steps =
        fault(Fault::kCheckThenRename) || fault(Fault::kCheckThenExchange);
    const int placing = two_steps ? 2 : 1;
    if (run.step < placing) return go_on_if(s, i, s.local[i] == run.local);
    if (run.step > placing) {
      return commit(s, i, fault(Fault::kBaseFromCurrentVersion) ? s.remote : run.temp);
    }
    const bool checks = !two_steps && !fault(Fault::kRenameWithoutCheck);
    if (checks && s.local[i] != run.local) return give_up(s, i);
    if (fault(Fault::kCheckThenExchange)) s.trash = united(s.trash, only(s.local[i]));
    secure(s, run, run.local);
    s.local[i] = run.temp;
    ++run.step;
  }

  void delete_remote(State& s, std::size_t i) const {
    Run& run = s.run[i];
    if (run.step == 0) return go_on_if(s, i, s.local[i] == kGone);
    if (run.step == 2) return commit(s, i, kGone);
    if (s.remote != run.remote && !fault(Fault::kUnconditionalDelete))
      return give_up(s, i);
    secure(s, run, run.remote);
    s.remote = kGone;
    ++run.step;
  }

  void delete_local(State& s, std::size_t i) const {
    Run& run = s.run[i];
    if (run.step == 1) return commit(s, i, kGone);
    if (s.local[i] != run.local && !fault(Fault::kDeleteWithoutCheck))
      return give_up(s, i);
    secure(s, run, run.local);
    s.local[i] = kGone;
    ++run.step;
  }

  // The local file gets a second name, then the remote's content takes its place.
  static void fork(State& s, std::size_t i) {
    Run& run = s.run[i];
    if (run.step == 3) return commit(s, i, run.temp);
    if (run.step == 1) {
      run.temp = s.remote;
      return go_on_if(s, i, s.remote == run.remote);
    }
    if (s.local[i] != run.local) return give_up(s, i);
    if (run.step == 0) s.kept = united(s.kept, only(run.local));
    if (run.step == 2) s.local[i] = run.temp;
    ++run.step;
  }

  // The remote object is copied to a second key, then the local content takes its place.
  static void fork_remote(State& s, std::size_t i) {
    Run& run = s.run[i];
    if (run.step == 3) return commit(s, i, run.local);
    if (run.step == 1) return go_on_if(s, i, s.local[i] == run.local);
    if (s.remote != run.remote) return give_up(s, i);
    if (run.step == 0) s.kept = united(s.kept, only(run.remote));
    if (run.step == 2) s.remote = run.local;
    ++run.step;
  }

  Model model_;
  std::unordered_map<State, Origin, HashState> seen_;
  std::vector<const Node*> open_;
  std::string problem_;
};

constexpr std::array kStrategies = {
    ConflictStrategy::kTimestampWins, ConflictStrategy::kLocalWins,
    ConflictStrategy::kCloudWins, ConflictStrategy::kManual,
    ConflictStrategy::kVersionPreserve};
constexpr std::array kSyncSync = {Direction::kSync, Direction::kSync};

// Every fault below shows with three edits; four take six times as long.
int edits() {
  const char* wanted = std::getenv("CLOUDSYNC_MODEL_EDITS");
  return wanted == nullptr ? 3 : std::atoi(wanted);
}

class DecideModel : public testing::TestWithParam<std::array<Direction, 2>> {};

TEST_P(DecideModel, LosesNothingAndComesToRest) {
  for (const ConflictStrategy strategy : kStrategies) {
    Checker checker({.strategy = strategy, .directions = GetParam(), .edits = edits()});
    EXPECT_EQ(checker.check(), "") << "strategy " << static_cast<int>(strategy);
    EXPECT_GT(checker.states(), 500U);
  }
}

INSTANTIATE_TEST_SUITE_P(
    DirectionPairs, DecideModel,
    testing::Values(kSyncSync, std::array{Direction::kUpload, Direction::kSync},
                    std::array{Direction::kDownload, Direction::kSync},
                    std::array{Direction::kUpload, Direction::kDownload}));

TEST(DecideModelAccidents, ALostDatabaseLosesNothing) {
  for (const ConflictStrategy strategy : kStrategies) {
    Checker checker({.strategy = strategy, .edits = edits(), .database_loss = true});
    EXPECT_EQ(checker.check(), "") << "strategy " << static_cast<int>(strategy);
  }
}

// Until the contents were compared a row that equal sizes made decides nothing.
TEST(DecideModelAccidents, RowsThatEqualSizesMadeLoseNothing) {
  for (const ConflictStrategy strategy : kStrategies) {
    Checker checker({.strategy = strategy, .edits = edits(), .poisoned = true});
    EXPECT_EQ(checker.check(), "") << "strategy " << static_cast<int>(strategy);
    EXPECT_GT(checker.states(), 500U);
    Checker trusting({.strategy = strategy,
                      .edits = edits(),
                      .poisoned = true,
                      .fault = Fault::kTrustsUnproven});
    EXPECT_NE(trusting.check(), "") << "strategy " << static_cast<int>(strategy);
  }
}

struct Mutation {
  const char* name;
  Fault fault;
  ConflictStrategy strategy;
  std::array<Direction, 2> directions = kSyncSync;
};

class DecideModelMutation : public testing::TestWithParam<Mutation> {};

TEST_P(DecideModelMutation, IsFound) {
  const Mutation& mutation = GetParam();
  Checker checker({.strategy = mutation.strategy,
                   .directions = mutation.directions,
                   .edits = edits(),
                   .fault = mutation.fault});

  EXPECT_NE(checker.check(), "");
}

constexpr auto kTimes = ConflictStrategy::kTimestampWins;
INSTANTIATE_TEST_SUITE_P(
    EveryFault, DecideModelMutation,
    testing::Values(Mutation{"UnconditionalPut", Fault::kUnconditionalPut, kTimes},
                    Mutation{"UnconditionalDelete", Fault::kUnconditionalDelete, kTimes},
                    Mutation{"BaseBeforeTransfer", Fault::kBaseBeforeTransfer, kTimes},
                    Mutation{"BaseFromCurrentVersion", Fault::kBaseFromCurrentVersion,
                             kTimes},
                    Mutation{"RenameWithoutCheck", Fault::kRenameWithoutCheck, kTimes},
                    Mutation{"DeleteWithoutCheck", Fault::kDeleteWithoutCheck, kTimes},
                    Mutation{"CheckThenRename", Fault::kCheckThenRename, kTimes},
                    Mutation{"DeletionBeatsEdit", Fault::kDeletionBeatsEdit, kTimes},
                    Mutation{"ConflictOverwrites", Fault::kConflictOverwrites,
                             ConflictStrategy::kVersionPreserve},
                    Mutation{"AdoptsUnseen", Fault::kAdoptsUnseen, kTimes},
                    Mutation{"LoserNotSecuredByTime", Fault::kLoserNotSecured, kTimes},
                    Mutation{"LoserNotSecuredLocalWins", Fault::kLoserNotSecured,
                             ConflictStrategy::kLocalWins},
                    Mutation{"LoserNotSecuredCloudWins", Fault::kLoserNotSecured,
                             ConflictStrategy::kCloudWins},
                    Mutation{"LoserNotSecuredUpload", Fault::kLoserNotSecured,
                             ConflictStrategy::kLocalWins,
                             std::array{Direction::kUpload, Direction::kSync}},
                    Mutation{"LoserNotSecuredDownload", Fault::kLoserNotSecured,
                             ConflictStrategy::kCloudWins,
                             std::array{Direction::kDownload, Direction::kSync}}),
    [](const auto& test) { return test.param.name; });

// Why placing exchanges instead of renaming: between check and exchange a user may write,
// but what he wrote is then in the trash.
TEST(DecideModelAccidents, ExchangeIsSafeWithoutAnAtomicCheck) {
  Checker checker({.edits = edits(), .fault = Fault::kCheckThenExchange});
  EXPECT_EQ(checker.check(), "");
}

}  // namespace
}  // namespace cloudsync::sync
