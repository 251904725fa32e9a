// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <set>
#include <tuple>

#include "sync/scan/key_rules.h"

namespace cloudsync::sync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename Cursor, typename Item>
class ListCursor : public Cursor {
 public:
  explicit ListCursor(std::vector<Item> items) : items_(std::move(items)) {}
  bool next(Item& item) override {
    if (at_ == items_.size()) return false;
    item = items_[at_++];
    return true;
  }

 private:
  std::vector<Item> items_;
  std::size_t at_ = 0;
};

LocalEntry local_entry(const std::string& key,
                       LocalProblem problem = LocalProblem::kNone) {
  LocalEntry entry;
  entry.key = key;
  entry.problem = problem;
  return entry;
}

RemoteEntry remote_entry(const std::string& key,
                         RemoteProblem problem = RemoteProblem::kNone) {
  RemoteEntry entry;
  entry.key = key;
  entry.problem = problem;
  return entry;
}

BaseRow base_row(const std::string& key) {
  BaseRow row;
  row.key = key;
  return row;
}

UnknownRange range(const std::string& first, const std::string& last) {
  return {first, last, "refused"};
}

struct Sides {
  std::vector<LocalItem> local;
  std::vector<RemoteEntry> remote;
  std::vector<BaseRow> base;
};

// "key" and who has it: L R B, and u / r when the local / remote side is unknown.
std::vector<std::string> merged(const Sides& sides, Merge::Options options = {}) {
  ListCursor<LocalCursor, LocalItem> local(sides.local);
  ListCursor<RemoteCursor, RemoteEntry> remote(sides.remote);
  ListCursor<BaseCursor, BaseRow> base(sides.base);
  Merge merge(local, remote, base, std::move(options));
  std::vector<std::string> result;
  for (MergedItem item; merge.next(item);) {
    std::string text = item.key + ' ';
    if (item.local) text += item.local->key == item.key ? "L" : "?";
    if (item.remote) text += item.remote->key == item.key ? "R" : "?";
    if (item.base) text += item.base->key == item.key ? "B" : "?";
    if (item.local_unknown) text += "u";
    if (item.remote_unknown) text += "r";
    result.push_back(text);
  }
  return result;
}

TEST(MergeTest, EveryKeyComesOnceWithAllThatIsKnown) {
  EXPECT_THAT(merged({{local_entry("a"), local_entry("c")},
                      {remote_entry("b"), remote_entry("c")},
                      {base_row("a"), base_row("c"), base_row("d")}}),
              ElementsAre("a LB", "b R", "c LRB", "d B"));
  EXPECT_THAT(merged({}), ElementsAre());
}

TEST(MergeTest, KeysInUnknownRangesAreUnknownAndNotDeleted) {
  const Sides sides = {
      {local_entry("a"), range("b/", "b0"), local_entry("b/known"), local_entry("c")},
      {remote_entry("b/x"), remote_entry("c")},
      {base_row("b"), base_row("b/x"), base_row("b/y"), base_row("b0")}};
  EXPECT_THAT(merged(sides), ElementsAre("a L", "b B", "b/known Lu", "b/x RBu", "b/y Bu",
                                         "b0 B", "c LR"));
}

TEST(MergeTest, OverlappingAndOpenRangesHold) {
  const Sides sides = {{range("a", "z"), range("b", "c"), range("y", "")},
                       {},
                       {base_row("b"), base_row("d"), base_row("zz")}};
  EXPECT_THAT(merged(sides), ElementsAre("b Bu", "d Bu", "zz Bu"));
}

TEST(MergeTest, RangesAreReportedOnce) {
  std::vector<std::string> seen;
  Merge::Options options;
  options.on_unknown = [&](const UnknownRange& unknown) {
    seen.push_back(unknown.first);
  };
  merged({{range("b/", "b0"), range("x/", "x0")},
          {remote_entry("b/a"), remote_entry("b/b")},
          {}},
         options);
  EXPECT_THAT(seen, ElementsAre("b/", "x/"));
}

TEST(MergeTest, EntriesWithAProblemAreUnknown) {
  const Sides sides = {{local_entry("a", LocalProblem::kUnreadable), local_entry("b")},
                       {remote_entry("a"), remote_entry("b", RemoteProblem::kUnsafeKey),
                        remote_entry("d/", RemoteProblem::kIgnoredMarker)},
                       {base_row("a"), base_row("d/")}};
  EXPECT_THAT(merged(sides), ElementsAre("a LRBu", "b LRr", "d/ RBr"));
}

TEST(MergeTest, BaseRowsHiddenByTheFilterAreUnknownOnBothSides) {
  const Filter filter({"- *.tmp"});
  Merge::Options options;
  options.filter = &filter;
  EXPECT_THAT(merged({{}, {}, {base_row("a.tmp"), base_row("b")}}, options),
              ElementsAre("a.tmp Bur", "b B"));
}

TEST(MergeTest, OwnPathsInTheBaseAreUnknown) {
  EXPECT_THAT(merged({{}, {}, {base_row(".cloudsync/x")}}),
              ElementsAre(".cloudsync/x Bur"));
}

TEST(MergeTest, ObjectsHideTheirSubtreeWithoutNestedKeys) {
  const Sides sides = {
      {local_entry("k/y")},
      {remote_entry("k"), remote_entry("k-1"), remote_entry("k/listed"),
       remote_entry("m/")},
      {base_row("k-1/z"), base_row("k.b"), base_row("k/listed"), base_row("k/x"),
       base_row("k/y"), base_row("k0"), base_row("m/x")}};
  Merge::Options options;
  options.nested_keys = false;
  EXPECT_THAT(merged(sides, options),
              ElementsAre("k-1/z Br", "k-1 R", "k.b B", "k/listed RB", "k/x Br",
                          "k/y LBr", "k R", "k0 B", "m/ R", "m/x B"));
  EXPECT_THAT(merged(sides), testing::Contains("k/x B"));
}

TEST(MergeTest, CursorsThatBreakTheOrderAreAFault) {
  const std::vector<std::pair<std::string, Sides>> cases = {
      {"local", {{local_entry("b"), local_entry("a")}, {}, {}}},
      {"local", {{local_entry("b"), local_entry("b")}, {}, {}}},
      {"local", {{local_entry("b"), range("a", "c")}, {}, {}}},
      {"remote", {{}, {remote_entry("b"), remote_entry("a")}, {}}},
      {"remote", {{}, {remote_entry("a"), remote_entry("a")}, {}}},
      {"base", {{}, {}, {base_row("b"), base_row("a")}}},
  };
  for (const auto& [side, sides] : cases) {
    try {
      merged(sides);
      ADD_FAILURE() << side;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInternal);
      EXPECT_THAT(error.what(), HasSubstr(side));
    }
  }
}

TEST(MergeTest, ARangeMayBeginAtAnEntry) {
  EXPECT_THAT(merged({{local_entry("d/"), range("d/", "d0"), local_entry("e")}, {}, {}}),
              ElementsAre("d/ Lu", "e L"));
  EXPECT_THAT(merged({{range("d/", "d0"), local_entry("d/"), local_entry("e")}, {}, {}}),
              ElementsAre("d/ Lu", "e L"));
}

// "key" and what the merge says of the names above and below it.
std::vector<std::string> related(const Sides& sides) {
  ListCursor<LocalCursor, LocalItem> local(sides.local);
  ListCursor<RemoteCursor, RemoteEntry> remote(sides.remote);
  ListCursor<BaseCursor, BaseRow> base(sides.base);
  Merge merge(local, remote, base, {});
  std::vector<std::string> result;
  for (MergedItem item; merge.next(item);) {
    std::string text = item.key;
    if (!item.below.empty()) text += " in " + item.below;
    if (item.below_file) text += " file";
    if (item.below_object) text += " object";
    if (item.objects_below) text += " over objects";
    if (item.base_below) text += " over base";
    result.push_back(text);
  }
  return result;
}

TEST(MergeTest, AFileComesBehindWhatLiesBelowItsName) {
  BaseRow made = base_row("k/made/");
  made.flags = kBaseDirCreated;
  EXPECT_THAT(
      related({{local_entry("k"), local_entry("k-1")},
               {remote_entry("k-1/y"), remote_entry("k/x")},
               {base_row("k/b"), made}}),
      ElementsAre("k-1/y in k-1 file", "k-1 over objects", "k/b in k file",
                  "k/made/ in k file", "k/x in k file", "k over objects over base"));
  EXPECT_THAT(related({{local_entry("k/x")}, {remote_entry("k")}, {}}),
              ElementsAre("k/x in k object", "k"));
  EXPECT_THAT(
      related(
          {{local_entry("k")}, {remote_entry("k/", RemoteProblem::kIgnoredMarker)}, {}}),
      ElementsAre("k/ in k file", "k"));
}

struct RandomSides {
  std::set<std::string> local, remote, base;
  std::vector<UnknownRange> unknown;
};

std::string random_key() {
  return *rc::gen::element<std::string>(
      "a", "a/b", "a/b/c", "a-b", "a-b/x", "a.b", "a0", "A", "b/", "b/x", "x.tmp",
      "d/x.tmp", "\xc3\xa9/\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xee\x80\x80",
      std::string(255, 'l'), std::string(255, 'l') + "/a");
}

RandomSides random_sides() {
  RandomSides sides;
  for (auto* side : {&sides.local, &sides.remote, &sides.base}) {
    for (int i = *rc::gen::inRange(0, 14); i > 0; --i) side->insert(random_key());
  }
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    const std::string first = random_key();
    const bool open = *rc::gen::inRange(0, 10) == 0;
    sides.unknown.push_back(range(first, open ? "" : subtree_end(first)));
  }
  return sides;
}

Sides cursors_of(const RandomSides& random) {
  Sides sides;
  std::multimap<std::string, LocalItem> local;
  for (const auto& key : random.local) local.emplace(key, local_entry(key));
  for (const auto& unknown : random.unknown) local.emplace(unknown.first, unknown);
  for (const auto& [key, item] : local) sides.local.push_back(item);
  for (const auto& key : random.remote) sides.remote.push_back(remote_entry(key));
  for (const auto& key : random.base) sides.base.push_back(base_row(key));
  return sides;
}

// Word for word what the header promises, on whole sets.
std::vector<std::string> naive_merge(const RandomSides& sides, const Filter& filter,
                                     bool nested_keys) {
  std::set<std::string> keys = sides.local;
  keys.insert(sides.remote.begin(), sides.remote.end());
  keys.insert(sides.base.begin(), sides.base.end());
  // A file or object stands behind the last key that could lie below its name.
  std::set<std::tuple<std::string, bool, std::string>> placed;
  for (const auto& key : keys) {
    const bool l = sides.local.contains(key);
    const bool r = sides.remote.contains(key);
    const bool b = sides.base.contains(key);
    const bool hidden = b && !(l && r) && !filter.includes(key);
    bool local_unknown = hidden;
    for (const auto& unknown : sides.unknown) {
      local_unknown |=
          key >= unknown.first && (unknown.last.empty() || key < unknown.last);
    }
    bool remote_unknown = hidden;
    for (const auto& object : sides.remote) {
      remote_unknown |= !nested_keys && b && !r && !object.ends_with('/') &&
                        key.starts_with(object + '/');
    }
    const bool waits = (l || r) && !key.ends_with('/');
    placed.emplace(waits ? subtree_end(key) : key, !waits,
                   key + ' ' + (l ? "L" : "") + (r ? "R" : "") + (b ? "B" : "") +
                       (local_unknown ? "u" : "") + (remote_unknown ? "r" : ""));
  }
  std::vector<std::string> result;
  for (const auto& [place, last, text] : placed) result.push_back(text);
  return result;
}

TEST(MergeTest, AgreesWithANaiveMergeOfWholeTrees) {
  const Filter filter({"- *.tmp"});
  EXPECT_TRUE(rc::check([&filter] {
    for (int i = 0; i < 10; ++i) {
      const RandomSides sides = random_sides();
      for (const bool nested : {false, true}) {
        Merge::Options options;
        options.filter = &filter;
        options.nested_keys = nested;
        RC_ASSERT(merged(cursors_of(sides), options) ==
                  naive_merge(sides, filter, nested));
      }
    }
  }));
}

}  // namespace
}  // namespace cloudsync::sync
