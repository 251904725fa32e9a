// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/conflict_name.h"

#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kTime = 1'700'000'000'000'000'000;  // 2023-11-14T22:13:20Z
constexpr Md5Digest kMd5 = {0xde, 0xad, 0xbe, 0xef, 1, 2, 3};

std::string named(std::string_view key, int attempt = 1) {
  return conflict_name(key, kTime, "laptop", kMd5, attempt);
}

TEST(ConflictName, KeepsFolderStemAndLastExtension) {
  EXPECT_EQ(named("a/b/report.tar.gz"),
            "a/b/report.tar.cloudsync-conflict-20231114-221320-laptop-deadbeef.gz");
  EXPECT_EQ(named("plain"), "plain.cloudsync-conflict-20231114-221320-laptop-deadbeef");
  EXPECT_EQ(named("d.ir/plain"),
            "d.ir/plain.cloudsync-conflict-20231114-221320-laptop-deadbeef");
}

TEST(ConflictName, WholeNameOfADotFileIsTheStem) {
  EXPECT_EQ(named("x/.profile"),
            "x/.profile.cloudsync-conflict-20231114-221320-laptop-deadbeef");
  EXPECT_EQ(named(".a.conf"),
            ".a.conf.cloudsync-conflict-20231114-221320-laptop-deadbeef");
}

TEST(ConflictName, LaterAttemptsAreNumbered) {
  EXPECT_EQ(named("f.txt", 2),
            "f.cloudsync-conflict-20231114-221320-laptop-deadbeef-2.txt");
}

TEST(ConflictName, TimesBefore1970AndStrangeReplicasAreFine) {
  EXPECT_EQ(conflict_name("f", -1, "my host/\xc3\xa9", kMd5),
            "f.cloudsync-conflict-19691231-235959-my-host----deadbeef");
}

TEST(ConflictName, LongStemIsCutOnACharacterBoundary) {
  std::string stem;
  for (int i = 0; i < 80; ++i) stem += "\xe2\x82\xac";  // 240 bytes
  const std::string name = named(stem + ".txt");
  EXPECT_LE(name.size(), 255U);
  EXPECT_GE(name.size(), 253U);
  EXPECT_TRUE(base::is_valid_utf8(name));
  EXPECT_TRUE(name.ends_with("-deadbeef.txt"));
}

TEST(ConflictName, WithoutRoomTheCopyMovesToAFolderAbove) {
  std::string folder;
  for (int i = 0; i < 10; ++i) folder += std::string(99, 'd') + "/";
  const std::string name = named(folder + "report.txt");
  EXPECT_LE(name.size(), 1024U);
  EXPECT_EQ(name, folder.substr(0, 900) +
                      "report.cloudsync-conflict-20231114-221320-laptop-deadbeef.txt");
}

TEST(ConflictName, RecognisesItsOwnNamesOnly) {
  EXPECT_TRUE(is_conflict_name(named("a/b.txt")));
  EXPECT_TRUE(is_conflict_name(named("b", 12)));
  EXPECT_TRUE(is_conflict_name(named(named("b.txt"))));
  EXPECT_FALSE(is_conflict_name("a/b.txt"));
  EXPECT_FALSE(is_conflict_name("b.cloudsync-conflict-"));
  EXPECT_FALSE(
      is_conflict_name("b.cloudsync-conflict-20231114-221320-laptop-deadbee.txt"));
  EXPECT_FALSE(is_conflict_name("b.cloudsync-conflict-20231114-221320-laptop-deadbeefs"));
  EXPECT_FALSE(is_conflict_name("b.cloudsync-conflict-2023111x-221320-laptop-deadbeef"));
  EXPECT_FALSE(is_conflict_name(named("b") + "/c"))
      << "only the last component names a file";
}

std::string encoded(std::uint32_t c) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | (c >> 6)), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) {
    return {byte(0xE0 | (c >> 12)), byte(0x80 | ((c >> 6) & 0x3F)),
            byte(0x80 | (c & 0x3F))};
  }
  return {byte(0xF0 | (c >> 18)), byte(0x80 | ((c >> 12) & 0x3F)),
          byte(0x80 | ((c >> 6) & 0x3F)), byte(0x80 | (c & 0x3F))};
}

// Keys that may be synced: components of 1 to 255 bytes, 1024 in all, characters of every
// length.
std::string any_key() {
  const std::vector<std::uint32_t> characters = {'a',  '.',    '-',    ' ',
                                                 0xE9, 0x20AC, 0x1F600};
  std::string key;
  const int components = *rc::gen::inRange(1, 12);
  for (int i = 0; i < components; ++i) {
    const auto limit = static_cast<std::size_t>(*rc::gen::inRange(1, 256));
    std::string component;
    while (component.size() < limit) {
      const std::string next = encoded(*rc::gen::elementOf(characters));
      if (component.size() + next.size() > 255) break;
      component += next;
    }
    if (key.size() + component.size() + 1 > 1024) break;
    key += (key.empty() ? "" : "/") + component;
  }
  return key;
}

std::size_t last_component_size(const std::string& key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string::npos ? key.size() : key.size() - slash - 1;
}

RC_GTEST_PROP(ConflictNameProperty, StaysAValidKeyOfLegalLength, ()) {
  const std::string key = any_key();
  const int attempt = *rc::gen::inRange(1, 2000);
  const std::string name =
      conflict_name(key, *rc::gen::arbitrary<std::int64_t>(), "replica", kMd5, attempt);
  RC_ASSERT(base::is_valid_utf8(name));
  RC_ASSERT(name.size() <= 1024U);
  RC_ASSERT(last_component_size(name) <= 255U);
  RC_ASSERT(is_conflict_name(name));
  RC_ASSERT(name != key);
}

RC_GTEST_PROP(ConflictNameProperty, AnyBytesGiveANameOfLegalLength,
              (const std::string& bytes)) {
  const std::string name =
      conflict_name(bytes, kTime, *rc::gen::arbitrary<std::string>(), kMd5);
  RC_ASSERT(last_component_size(name) <= 255U);
  RC_ASSERT(is_conflict_name(name));
}

RC_GTEST_PROP(ConflictNameProperty, SameInputSameNameAndEveryAttemptAnother, ()) {
  const std::string key = any_key();
  std::set<std::string> names;
  for (int attempt = 1; attempt <= 20; ++attempt) {
    RC_ASSERT(named(key, attempt) == named(key, attempt));
    names.insert(named(key, attempt));
  }
  RC_ASSERT(names.size() == 20U);
}

RC_GTEST_PROP(ConflictNameProperty, OtherContentGetsAnotherName, ()) {
  const std::string key = any_key();
  Md5Digest other = kMd5;
  other[static_cast<std::size_t>(*rc::gen::inRange(0, 4))] ^= 0x10;
  RC_ASSERT(conflict_name(key, kTime, "r", other) !=
            conflict_name(key, kTime, "r", kMd5));
}

}  // namespace
}  // namespace cloudsync::sync
