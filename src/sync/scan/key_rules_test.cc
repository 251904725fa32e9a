// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/key_rules.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <filesystem>

#include "base/encoding.h"

namespace cloudsync::sync {
namespace {

TEST(KeyRulesTest, NamesTheReasonOfEveryUnsafeKey) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "is empty"},
      {"/a", "begins with '/'"},
      {"/", "begins with '/'"},
      {"a//b", "contains an empty component ('//')"},
      {"a//", "contains an empty component ('//')"},
      {"..", "contains '..'"},
      {"a/../b", "contains '..'"},
      {"./a", "contains '.'"},
      {"a/.", "contains '.'"},
      {"a/../", "contains '..'"},
      {std::string("a\0b", 3), "contains a NUL byte"},
      {"a\nb", "contains a control character"},
      {"a\x7f", "contains a control character"},
      {"a\\b", "contains a backslash"},
      {"a\xff", "is not valid UTF-8"},
      {"\xed\xa0\x80", "is not valid UTF-8"},
      {"\xc0\xae\xc0\xae/etc", "is not valid UTF-8"},
      {"a/" + std::string(256, 'x'), "has a component of more than 255 bytes"},
      {std::string(200, 'x') + "/" + std::string(255, 'y') + "/" + std::string(255, 'y') +
           "/" + std::string(255, 'y') + "/" + std::string(60, 'z'),
       "is longer than 1024 bytes"},
  };
  for (const auto& [key, reason] : cases) {
    EXPECT_EQ(unsafe_key_reason(key), reason) << base::printable(key);
  }
}

TEST(KeyRulesTest, OrdinaryKeysAreSafe) {
  for (const std::string key :
       {"a", "a/b", "a/b/", "...", "..a", "a../b", ".hidden", "a b", "caf\xc3\xa9", "a:b",
        "\xf0\x9f\x98\x80", "*?[", "~"}) {
    EXPECT_EQ(unsafe_key_reason(key), std::nullopt) << key;
    EXPECT_EQ(unsafe_name_reason(key), std::nullopt) << key;
  }
  EXPECT_EQ(unsafe_key_reason(std::string(255, 'x')), std::nullopt);
}

TEST(KeyRulesTest, OwnPathsAreFoundInAnyComponent) {
  for (const std::string key :
       {".cloudsync", ".cloudsync/root.json", "a/.cloudsync/trash/x", "a/.cloudsync",
        ".cloudsync-store/ab", "a/b.cloudsync-part", "b.cloudsync-part/c",
        ".cloudsync/"}) {
    EXPECT_TRUE(is_own_path(key)) << key;
  }
  for (const std::string key :
       {"", "a", ".cloudsync.txt", "x.cloudsync", "a.cloudsync-conflict-1",
        ".cloudsyncs/a", "a.cloudsync-part.txt", ".Cloudsync/a"}) {
    EXPECT_FALSE(is_own_path(key)) << key;
  }
}

TEST(KeyRulesTest, SubtreeEndCoversExactlyTheSubtree) {
  EXPECT_EQ(subtree_end("a/b"), "a/b0");
  EXPECT_EQ(subtree_end("a/b/"), "a/b0");
  EXPECT_LT(std::string("a/b/\xf4\x8f\xbf\xbf"), subtree_end("a/b"));
  EXPECT_GT(std::string("a/b0"), std::string("a/b/"));
}

rc::Gen<std::string> nasty_keys() {
  const auto piece = rc::gen::element<std::string>(
      "a", "..", ".", "/", "//", "", "\\", "etc", "\xc3\xa9", "\xc0\xaf", "\n",
      std::string(1, '\0'), std::string(255, 'x'), "%2e%2e", "~", " ");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& pieces) {
                        std::string key;
                        for (const auto& part : pieces) key += part;
                        return key;
                      });
}

// Judged by another implementation: what std::filesystem makes of the path.
TEST(KeyRulesTest, SafeKeysStayInsideTheRootAndRoundTrip) {
  EXPECT_TRUE(rc::check([] {
    const std::string key = *nasty_keys();
    if (unsafe_key_reason(key)) return;
    const std::filesystem::path root = "/root";
    const std::filesystem::path path = root / key;
    RC_ASSERT(path.lexically_normal() == path);
    RC_ASSERT(path.lexically_relative(root).string() == key);
    RC_ASSERT(path.string().starts_with("/root/"));
    RC_ASSERT(base::is_valid_utf8(key));
  }));
}

}  // namespace
}  // namespace cloudsync::sync
