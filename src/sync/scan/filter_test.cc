// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>

#include "cloudsync/error.h"
#include "sync/scan/glob.h"

namespace cloudsync::sync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

bool matches(std::string_view pattern, std::string_view key) {
  return Glob(pattern).matches(key);
}

struct MatchCase {
  std::string pattern;
  std::vector<std::string> matching;
  std::vector<std::string> other;
};

// The table of rclone's documentation first.
const std::vector<MatchCase>& match_cases() {
  static const std::vector<MatchCase> cases = {
      {"file.jpg",
       {"file.jpg", "directory/file.jpg"},
       {"afile.jpg", "directory/afile.jpg"}},
      {"/file.jpg", {"file.jpg"}, {"afile.jpg", "directory/file.jpg"}},
      {"*.jpg", {"file.jpg", "dir/file.jpg", ".jpg"}, {"file.png", "a.jpg/b", "jpg"}},
      {"/*.jpg", {"file.jpg"}, {"file.png", "dir/file.jpg"}},
      {"*.{jpg,png}", {"file.jpg", "dir/file.png"}, {"file.gif"}},
      {"dir/**",
       {"dir/anyfile", "subdir/dir/subsubdir/anyfile"},
       {"file.png", "mydir/a", "dir"}},
      {"*.t?t", {"file.txt", "dir/file.tzt"}, {"file.qxt", "a.t/t"}},
      {"*.[a-z]", {"file.a", "dir/file.b"}, {"file.0"}},
      {"*.\\?\\?\\?", {"file.???"}, {"file.abc"}},
      {"*.\\d\\d\\d", {"file.012"}, {"file.abc"}},
      {"*", {"a", "a/b"}, {}},
      {"/*", {"a"}, {"a/b"}},
      {"**", {"a", "a/b"}, {}},
      {"/a/**", {"a/b", "a/", "a/b/c"}, {"a", "b/a/c", "ab"}},
      {"a/*/c", {"a/b/c", "x/a/b/c"}, {"a/b/b/c", "xa/b/c"}},
      {"/a/**/z", {"a/b/z", "a/b/c/z"}, {"a/z", "b/a/b/z"}},
      {"dir/", {"dir/a", "x/dir/a/b", "dir/"}, {"dir", "dira/b"}},
      {"/", {"a", "a/b"}, {}},
      {"a**b", {"ab", "a/x/b", "x/axb"}, {"ba"}},
      {"{a,b/c}d", {"ad", "x/b/cd"}, {"b/d", "cd"}},
      {"{a,{b,c}x}", {"a", "bx", "cx"}, {"b", "ax"}},
      {"x{,y}", {"x", "xy"}, {"xx"}},
      {"a,b", {"a,b"}, {"a", "b"}},
      {"[!a]x", {"bx", "d/bx"}, {"ax", "d/ax", "x"}},
      {"[^a]x", {"bx"}, {"ax"}},
      {"a[^b]c", {"axc"}, {"a/c", "abc"}},
      {"[[:digit:]x-]", {"1", "x", "-"}, {"a"}},
      {"[\\]\\-]", {"]", "-"}, {"\\"}},
      {"[\\d]", {"7"}, {"d"}},
      {"\\[a\\]", {"[a]"}, {"a"}},
      {"caf?", {"caf\xc3\xa9", "cafe"}, {"caf"}},
      {"[\xc3\xa0-\xc3\xbf]", {"\xc3\xa9"}, {"e", "\xc3"}},
      {"?", {"\xff", "\xf0\x9f\x98\x80"}, {"\xff\xff"}},
      {"a+(b)|c^$.", {"a+(b)|c^$."}, {"ab"}},
      {"*.tar.gz", {"a.tar.gz"}, {"a.tar.bz"}},
      {"*a*", {"bab", "x/bab"}, {"a/b"}},
  };
  return cases;
}

TEST(GlobTest, MatchesAsRcloneDoes) {
  for (const MatchCase& test : match_cases()) {
    for (const auto& key : test.matching)
      EXPECT_TRUE(matches(test.pattern, key)) << test.pattern << " " << key;
    for (const auto& key : test.other)
      EXPECT_FALSE(matches(test.pattern, key)) << test.pattern << " " << key;
  }
}

TEST(GlobTest, BrokenPatternsSayWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"***", "more than two '*'"},
      {"a]b", "']' without '['"},
      {"a[b", "'[' without ']'"},
      {"a{b", "'{' without '}'"},
      {"a}b", "'}' without '{'"},
      {"a{{b}}", "regular expressions"},
      {"[z-a]", "backwards"},
      {"a\\", "backslash"},
      {"\\q", "unknown escape"},
      {"[]", "empty '[]'"},
      {"[[:nope:]]", "'[:nope:]'"},
      {"", "empty pattern"},
      {"[[:alpha]", "':]'"},
      {std::string(2000, 'a'), "longer than 1023"},
      {std::string(100, '{'), "regular"},
  };
  for (const auto& [pattern, reason] : cases) {
    try {
      Glob glob(pattern);
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr(reason));
    }
  }
}

TEST(GlobTest, HostilePatternsTakeBoundedTime) {
  std::string stars;
  std::string braces;
  for (int i = 0; i < 30; ++i) stars += "*a";
  for (int i = 0; i < 30; ++i) braces += "{a,a*,*a,aa}";
  const std::string key(1000, 'a');
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(matches(stars + "b", key));
  EXPECT_FALSE(matches("**a**a**a**a**a**a**b", key));
  EXPECT_FALSE(matches(braces + "b", key));
  EXPECT_FALSE(Glob("/" + stars + "b").matches_all_below(key + "/"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(FilterTest, FirstMatchWinsAndNoMatchIsIncluded) {
  const Filter filter({"+ keep.tmp", "- *.tmp", "+ /a/b/**", "- /a/**"});
  EXPECT_TRUE(filter.includes("x/keep.tmp"));
  EXPECT_FALSE(filter.includes("x/other.tmp"));
  EXPECT_TRUE(filter.includes("a/b/c"));
  EXPECT_FALSE(filter.includes("a/c"));
  EXPECT_TRUE(filter.includes("anything"));
  EXPECT_FALSE(filter.empty());
  EXPECT_TRUE(Filter().includes("x"));
  EXPECT_TRUE(Filter().may_contain("x/"));
  EXPECT_TRUE(Filter(std::vector<std::string>{}).empty());
}

TEST(FilterTest, ResetForgetsTheRulesBefore) {
  const Filter filter({"- *.tmp", "!", "- *.log"});
  EXPECT_TRUE(filter.includes("a.tmp"));
  EXPECT_FALSE(filter.includes("a.log"));
}

TEST(FilterTest, ErrorsNameTheRule) {
  for (const std::string rule : {"*.tmp", "- [a", "+", "+ ", "-*.tmp", "= a", ""}) {
    try {
      Filter filter({"- *.ok", rule});
      ADD_FAILURE() << rule;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr("filter rule '" + rule + "'"));
    }
  }
}

TEST(FilterTest, ExcludedDirectoriesAreNotWalked) {
  const Filter filter({"- node_modules/", "- /out/**", "+ /data/*.csv", "- /data/**"});
  EXPECT_FALSE(filter.may_contain("node_modules/"));
  EXPECT_FALSE(filter.may_contain("a/node_modules/b/"));
  EXPECT_FALSE(filter.may_contain("out/"));
  EXPECT_FALSE(filter.may_contain("out/x/"));
  EXPECT_TRUE(filter.may_contain("data/"));
  EXPECT_FALSE(filter.may_contain("data/sub/"));
  EXPECT_TRUE(filter.may_contain("src/"));
}

TEST(FilterTest, AnchoredIncludesPruneEverythingElse) {
  const Filter filter({"+ /a/b/*.csv", "- **"});
  EXPECT_TRUE(filter.may_contain(""));
  EXPECT_TRUE(filter.may_contain("a/"));
  EXPECT_TRUE(filter.may_contain("a/b/"));
  EXPECT_FALSE(filter.may_contain("a/c/"));
  EXPECT_FALSE(filter.may_contain("b/"));
}

TEST(FilterTest, AnIncludeInsideAnExcludedDirectoryIsFound) {
  const Filter filter({"+ keep/**", "- /big/**"});
  EXPECT_TRUE(filter.may_contain("big/"));
  EXPECT_TRUE(filter.includes("big/keep/a"));
  EXPECT_FALSE(filter.includes("big/other"));
}

TEST(FilterTest, FingerprintChangesWithTheRulesAndTheirOrder) {
  EXPECT_EQ(Filter().fingerprint(), "");
  EXPECT_EQ(Filter({"- a"}).fingerprint(), Filter({"- a"}).fingerprint());
  EXPECT_NE(Filter({"- a"}).fingerprint(), Filter({"+ a"}).fingerprint());
  EXPECT_NE(Filter({"- a", "+ b"}).fingerprint(), Filter({"+ b", "- a"}).fingerprint());
  EXPECT_EQ(Filter({"- a"}).fingerprint().size(), 64U);
}

TEST(FilterTest, OnlyIncludesExcludeTheRest) {
  EXPECT_THAT(with_implied_exclude({"+ *.csv"}), ElementsAre("+ *.csv", "- **"));
  EXPECT_THAT(with_implied_exclude({"+ *.csv", "- *.tmp"}),
              ElementsAre("+ *.csv", "- *.tmp"));
  EXPECT_THAT(with_implied_exclude({"- *.tmp"}), ElementsAre("- *.tmp"));
  EXPECT_THAT(with_implied_exclude({}), ElementsAre());
}

TEST(FilterTest, FilterFilesHaveCommentsAndBlankLines) {
  EXPECT_THAT(read_filter_file("\xEF\xBB\xBF# comment\n\n; also\r\n  + *.csv \r\n- **"),
              ElementsAre("+ *.csv", "- **"));
  EXPECT_THAT(read_filter_file("!\n- a"), ElementsAre("!", "- a"));
  EXPECT_THAT(read_filter_file(""), ElementsAre());
  try {
    read_filter_file("- a\n*.tmp\n");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 2"));
    EXPECT_THAT(error.what(), HasSubstr("*.tmp"));
  }
}

rc::Gen<std::string> joined(std::vector<std::string> pieces, int most) {
  const auto piece = rc::gen::elementOf(std::move(pieces));
  return rc::gen::mapcat(rc::gen::inRange(1, most), [piece](int count) {
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(
                            static_cast<std::size_t>(count), piece),
                        [](const std::vector<std::string>& parts) {
                          std::string text;
                          for (const auto& part : parts) text += part;
                          return text;
                        });
  });
}

// The safety rule of pruning: a directory that is skipped holds nothing that would be
// included.
TEST(FilterTest, PrunedDirectoriesHoldNothingIncluded) {
  const auto patterns =
      joined({"a", "b", "*", "?", "/", "{a,b}", "{a/,b}", "[ab]", "a/"}, 6);
  EXPECT_TRUE(rc::check([patterns] {
    std::vector<std::string> rules;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
      std::string pattern = *patterns;
      if (pattern.find("***") != std::string::npos) continue;
      rules.push_back(*rc::gen::element<std::string>("+ ", "- ") + pattern);
    }
    rules.emplace_back("- **");
    const Filter filter(rules);
    const std::string directory = *joined({"a/", "b/", "ab/"}, 3);
    const std::string key = directory + *joined({"a", "b", "c", "a/"}, 4);
    if (filter.may_contain(directory)) return;
    RC_ASSERT(!filter.includes(key));
    RC_ASSERT(!filter.includes(directory));
    RC_ASSERT(!filter.may_contain(directory + "b/"));
  }));
}

// Against the plainest backtracking matcher of * ** ? and literals.
bool naive(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '*') {
    const bool one =
        !text.empty() &&
        (pattern.front() == '?' ? text.front() != '/' : pattern.front() == text.front());
    return one && naive(pattern.substr(1), text.substr(1));
  }
  const bool deep = pattern.starts_with("**");
  const std::string_view rest = pattern.substr(deep ? 2 : 1);
  for (std::size_t taken = 0; taken <= text.size(); ++taken) {
    if (naive(rest, text.substr(taken))) return true;
    if (taken < text.size() && text[taken] == '/' && !deep) return false;
  }
  return false;
}

bool naive_unanchored(std::string_view pattern, std::string_view text) {
  for (std::size_t at = 0;; ++at) {
    if ((at == 0 || text[at - 1] == '/') && naive(pattern, text.substr(at))) return true;
    if (at == text.size()) return false;
  }
}

TEST(GlobTest, AgreesWithAPlainMatcher) {
  const auto patterns = joined({"a", "b", "*", "?", "/"}, 7);
  const auto keys = joined({"a", "b", "/"}, 9);
  EXPECT_TRUE(rc::check([patterns, keys] {
    const std::string pattern = *patterns;
    const std::string key = *keys;
    if (pattern.find("***") != std::string::npos) return;
    if (pattern.starts_with('/') || pattern.ends_with('/')) return;
    RC_CLASSIFY(matches(pattern, key));
    RC_ASSERT(matches("/" + pattern, key) == naive(pattern, key));
    // A key ends in a name, which every `*` matches.
    if (pattern == "*" && key.ends_with('/')) return;
    RC_ASSERT(matches(pattern, key) == naive_unanchored(pattern, key));
  }));
}

}  // namespace
}  // namespace cloudsync::sync
