// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "storage/memory/memory_store.h"
#include "sync/scan/entry_codec.h"
#include "sync/scan/scan.h"

namespace cloudsync::sync {
namespace {

using storage::KeyOrder;
using storage::MemoryStore;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<RemoteEntry> scan_entries(storage::ObjectStore& store,
                                      const RemoteScanOptions& options) {
  std::vector<RemoteEntry> result;
  auto cursor = scan_remote(store, options, {});
  for (RemoteEntry entry; cursor->next(entry);) result.push_back(entry);
  return result;
}

std::vector<std::string> keys_of(const std::vector<RemoteEntry>& entries) {
  std::vector<std::string> keys;
  for (const auto& entry : entries) keys.push_back(entry.key);
  return keys;
}

std::vector<std::string> scan(storage::ObjectStore& store,
                              const RemoteScanOptions& options) {
  return keys_of(scan_entries(store, options));
}

RemoteScanOptions below(const std::string& prefix) {
  RemoteScanOptions options;
  options.prefix = prefix;
  return options;
}

MemoryStore::Options small_pages(std::uint32_t size = 3) {
  MemoryStore::Options options;
  options.page_size = size;
  return options;
}

std::string number(int i) {
  std::string digits = std::to_string(i);
  return std::string(4 - digits.size(), '0') + digits;
}

TEST(RemoteScanTest, KeysAreRelativeAndComeInOrderOverManyPages) {
  MemoryStore store(small_pages());
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    store.put_directly("data/" + number(i), "x");
    expected.push_back(number(i));
  }
  store.put_directly("database", "x");
  store.put_directly("a", "x");
  EXPECT_EQ(scan(store, below("data/")), expected);
  const auto entries = scan_entries(store, below("data/"));
  EXPECT_EQ(entries[0].info.key.value, "data/0000");
  EXPECT_EQ(entries[0].info.size, 1U);
}

TEST(RemoteScanTest, EmptyPrefixIsTheWholeBucketAndAnEmptyBucketIsEmpty) {
  MemoryStore store;
  EXPECT_THAT(scan(store, {}), IsEmpty());
  store.put_directly("b/c", "");
  store.put_directly("a", "");
  EXPECT_THAT(scan(store, {}), ElementsAre("a", "b/c"));
}

TEST(RemoteScanTest, UnsafeKeysAreReportedWithTheReason) {
  MemoryStore store;
  for (const std::string key : {"p/../x", "p//abs", "p/a//b", "p/back\\slash", "p/ok"}) {
    store.put_directly(key, "x");
  }
  const auto entries = scan_entries(store, below("p/"));
  EXPECT_THAT(keys_of(entries), ElementsAre("../x", "/abs", "a//b", "back\\slash", "ok"));
  for (const auto& entry : entries) {
    const bool safe = entry.key == "ok";
    EXPECT_EQ(entry.problem, safe ? RemoteProblem::kNone : RemoteProblem::kUnsafeKey);
    EXPECT_EQ(entry.detail.empty(), safe);
  }
}

TEST(RemoteScanTest, MarkersAreIgnoredEntriesOrUnsafe) {
  MemoryStore store;
  store.put_directly("p/", "");
  store.put_directly("p/d/", "");
  store.put_directly("p/full/", "content");
  const auto entries = scan_entries(store, below("p/"));
  EXPECT_THAT(keys_of(entries), ElementsAre("d/", "full/"));
  EXPECT_EQ(entries[0].problem, RemoteProblem::kIgnoredMarker);
  EXPECT_EQ(entries[1].problem, RemoteProblem::kUnsafeKey);
  RemoteScanOptions options = below("p/");
  options.empty_dirs = true;
  const auto with_dirs = scan_entries(store, options);
  EXPECT_EQ(with_dirs[0].problem, RemoteProblem::kNone);
  EXPECT_EQ(with_dirs[1].problem, RemoteProblem::kUnsafeKey);
}

TEST(RemoteScanTest, AnObjectNamedLikeThePrefixWithContentIsUnsafe) {
  MemoryStore store;
  store.put_directly("p/", "content");
  const auto entries = scan_entries(store, below("p/"));
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].problem, RemoteProblem::kUnsafeKey);
}

TEST(RemoteScanTest, OwnPathsAreJumpedOver) {
  MemoryStore store(small_pages(10));
  for (int i = 0; i < 500; ++i)
    store.put_directly("p/.cloudsync/trash/r/" + number(i), "x");
  for (int i = 0; i < 500; ++i)
    store.put_directly("p/sub/.cloudsync/trash/" + number(i), "x");
  for (const std::string key :
       {"p/.a", "p/.cloudsync0", "p/b", "p/sub/x", "p/x.cloudsync-part"}) {
    store.put_directly(key, "x");
  }
  EXPECT_THAT(scan(store, below("p/")), ElementsAre(".a", ".cloudsync0", "b", "sub/x"));
  EXPECT_LE(store.operations("list"), 5U);
}

TEST(RemoteScanTest, WithoutStartAfterOwnPathsAreSkipped) {
  MemoryStore::Options options = small_pages(10);
  options.capabilities.start_after = false;
  MemoryStore store(options);
  for (int i = 0; i < 50; ++i) store.put_directly(".cloudsync/trash/r/" + number(i), "x");
  store.put_directly("b", "x");
  EXPECT_THAT(scan(store, {}), ElementsAre("b"));
}

TEST(RemoteScanTest, FilteredKeysAreNotSeenAndExcludedDirectoriesAreJumpedOver) {
  MemoryStore store(small_pages(10));
  for (int i = 0; i < 500; ++i) store.put_directly("big/" + number(i), "x");
  for (const std::string key : {"a.csv", "a.tmp", "big0", "c.csv"})
    store.put_directly(key, "x");
  const Filter filter({"- /big/", "- *.tmp"});
  RemoteScanOptions options;
  options.filter = &filter;
  EXPECT_THAT(scan(store, options), ElementsAre("a.csv", "big0", "c.csv"));
  EXPECT_LE(store.operations("list"), 3U);
}

TEST(RemoteScanTest, NamesBehindTheJumpAreReadToTheirEnd) {
  MemoryStore store(small_pages(10));
  const std::string high = "big/\xf4\x8f\xbf\xbd";
  for (int i = 0; i < 50; ++i) store.put_directly(high + number(i), "x");
  store.put_directly("c", "x");
  const Filter filter({"- /big/"});
  RemoteScanOptions options;
  options.filter = &filter;
  EXPECT_THAT(scan(store, options), ElementsAre("c"));
  EXPECT_LE(store.operations("list"), 7U);
}

TEST(RemoteScanTest, RangesBeginAndEndWithoutListingTheRest) {
  MemoryStore store(small_pages(10));
  for (int i = 0; i < 2000; ++i) store.put_directly("p/" + number(i), "x");
  RemoteScanOptions options = below("p/");
  options.range = {"1000", "1015"};
  const auto keys = scan(store, options);
  ASSERT_EQ(keys.size(), 15U);
  EXPECT_EQ(keys.front(), "1000");
  EXPECT_EQ(keys.back(), "1014");
  EXPECT_LE(store.operations("list"), 4U);
}

std::set<std::string> random_keys() {
  const auto piece =
      rc::gen::element<std::string>("a", "b", "/", "-", ".", "0", "\xc3\xa9",
                                    "\xee\x80\x80", "\xf0\x9f\x98\x80", "!", "~");
  std::set<std::string> keys;
  for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
    std::string key = "p/";
    for (int n = *rc::gen::inRange(1, 5); n > 0; --n) key += *piece;
    keys.insert(key);
  }
  return keys;
}

// Any order a store may have, any page size, any range: the same keys in byte order.
TEST(RemoteScanTest, EveryListingOrderComesOutInByteOrder) {
  EXPECT_TRUE(rc::check([] {
    const std::set<std::string> keys = random_keys();
    MemoryStore::Options store_options =
        small_pages(static_cast<std::uint32_t>(*rc::gen::inRange(1, 8)));
    store_options.capabilities.list_order = *rc::gen::element(
        KeyOrder::kUtf8, KeyOrder::kUtf16, KeyOrder::kComponent, KeyOrder::kNone);
    store_options.capabilities.start_after = *rc::gen::arbitrary<bool>();
    MemoryStore store(store_options);
    for (const auto& key : keys) store.put_directly(key, "x");
    RemoteScanOptions options = below("p/");
    const std::string first = keys.empty() ? "" : *rc::gen::elementOf(keys);
    options.range.first = first.substr(std::min<std::size_t>(2, first.size()));
    std::vector<std::string> expected;
    for (const auto& key : keys) {
      if (key.substr(2) >= options.range.first) expected.push_back(key.substr(2));
    }
    RC_ASSERT(scan(store, options) == expected);
  }));
}

TEST(RemoteScanTest, WithoutNestedKeysHiddenObjectsAreStillKnown) {
  MemoryStore::Options store_options;
  store_options.capabilities.nested_keys = false;
  MemoryStore store(store_options);
  store.put_directly("a", "x");
  store.put_directly("deep/b", "x");
  const Filter filter({"- /a", "- deep/"});
  RemoteScanOptions options;
  options.filter = &filter;
  const auto entries = scan_entries(store, options);
  ASSERT_THAT(keys_of(entries), ElementsAre("a"));
  EXPECT_EQ(entries[0].problem, RemoteProblem::kIgnoredMarker);
}

// Says what it was told to say.
class ScriptedStore : public MemoryStore {
 public:
  explicit ScriptedStore(std::vector<storage::ListPage> pages)
      : pages_(std::move(pages)) {}
  storage::ListPage list(const storage::ListRequest&, const CallContext&) override {
    const std::scoped_lock lock(mutex_);
    if (at_ == pages_.size()) throw Error(ErrorCode::kUnavailable, "connection lost");
    return pages_[at_++];
  }

 private:
  std::mutex mutex_;
  std::vector<storage::ListPage> pages_;
  std::size_t at_ = 0;
};

storage::ListPage page(const std::vector<std::string>& keys, const std::string& token) {
  storage::ListPage result;
  for (const auto& key : keys) {
    result.objects.emplace_back();
    result.objects.back().key.value = key;
  }
  result.next_page_token = token;
  return result;
}

void expect_distrust(std::vector<storage::ListPage> pages, const std::string& reason) {
  ScriptedStore store(std::move(pages));
  try {
    scan(store, below("p/"));
    ADD_FAILURE() << reason;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_FALSE(error.retryable());
    EXPECT_THAT(error.what(), HasSubstr(reason));
    EXPECT_THAT(error.what(), HasSubstr("cannot be trusted"));
    EXPECT_THAT(error.what(), HasSubstr("nothing was deleted"));
  }
}

TEST(RemoteScanTest, ListingsThatCannotBeTrustedAreErrors) {
  expect_distrust({page({"p/a", "p/b"}, "1"), page({"p/b"}, "")}, "'p/b' twice");
  expect_distrust({page({"p/b"}, "1"), page({"p/b"}, "")}, "the same name");
  expect_distrust({page({"p/a", "q/b"}, "")}, "outside");
  expect_distrust({page({"p/a"}, "1"), page({"p/b"}, "1")}, "page token");
  expect_distrust({page({}, "1"), page({}, "2"), page({}, "1")}, "page token");
}

TEST(RemoteScanTest, OtherOrdersAreToldAndCanBeReadAgainBySorting) {
  for (const auto& pages : {std::vector{page({"p/b", "p/a"}, "")},
                            std::vector{page({"p/b"}, "1"), page({"p/a"}, "")}}) {
    ScriptedStore streamed(pages);
    EXPECT_THROW(scan(streamed, below("p/")), OutOfOrder);
    ScriptedStore sorted(pages);
    RemoteScanOptions options = below("p/");
    options.unordered = true;
    EXPECT_THAT(scan(sorted, options), ElementsAre("a", "b"));
  }
}

TEST(RemoteScanTest, AThousandEmptyPagesAreNoListing) {
  std::vector<storage::ListPage> pages;
  for (int i = 0; i < 1000; ++i) pages.push_back(page({}, "token " + std::to_string(i)));
  pages.push_back(page({"p/a"}, ""));
  expect_distrust(std::move(pages), "1,000 pages");
}

// A name that the store filtered out is no reason to doubt.
TEST(RemoteScanTest, PagesOfFilteredNamesAreNotEmpty) {
  std::vector<storage::ListPage> pages;
  for (int i = 0; i < 1001; ++i) {
    pages.push_back(page({}, "token " + std::to_string(i)));
    pages.back().first_filtered = "p/d" + std::to_string(i);
  }
  pages.push_back(page({"p/z"}, ""));
  ScriptedStore store(std::move(pages));
  EXPECT_THAT(scan(store, below("p/")), ElementsAre("z"));
}

TEST(RemoteScanTest, AFullLastPageIsNotTheLastWhenMoreFollows) {
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back("p/" + std::to_string(10'000 + i));
  ScriptedStore whole({page(keys, ""), page({}, "")});
  EXPECT_EQ(scan(whole, below("p/")).size(), 1000U);
  expect_distrust({page(keys, ""), page({"p/z"}, "")}, "more follows");
}

TEST(RemoteScanTest, EmptyPagesInTheMiddleAreNoEnd) {
  ScriptedStore store(
      {page({"p/a"}, "1"), page({}, "2"), page({}, "3"), page({"p/b"}, "")});
  EXPECT_THAT(scan(store, below("p/")), ElementsAre("a", "b"));
}

TEST(RemoteScanTest, AFailedPageIsAnErrorAfterTheEntriesBeforeIt) {
  ScriptedStore store({page({"p/a"}, "1"), page({"p/b"}, "2")});
  auto cursor = scan_remote(store, below("p/"), {});
  RemoteEntry entry;
  ASSERT_TRUE(cursor->next(entry));
  ASSERT_TRUE(cursor->next(entry));
  EXPECT_EQ(entry.key, "b");
  EXPECT_THROW(cursor->next(entry), Error);
}

TEST(RemoteScanTest, DuplicatesAreFoundInStoresWithoutOrder) {
  class Unordered : public ScriptedStore {
   public:
    Unordered() : ScriptedStore({page({"p/b", "p/a"}, "1"), page({"p/b"}, "")}) {
      capabilities_.list_order = KeyOrder::kNone;
    }
    const storage::Capabilities& capabilities() const override { return capabilities_; }

   private:
    storage::Capabilities capabilities_;
  };
  Unordered store;
  EXPECT_THROW(scan(store, below("p/")), Error);
}

TEST(RemoteScanTest, CancellationEndsTheScan) {
  MemoryStore store(small_pages(1));
  for (int i = 0; i < 100; ++i) store.put_directly(number(i), "x");
  std::stop_source stop;
  auto cursor = scan_remote(store, {}, CallContext{stop.get_token(), {}});
  RemoteEntry entry;
  ASSERT_TRUE(cursor->next(entry));
  stop.request_stop();
  try {
    while (cursor->next(entry)) {
    }
    ADD_FAILURE() << "the scan went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
}

TEST(EntryCodecTest, EveryFieldSurvives) {
  RemoteEntry entry;
  entry.key = std::string("a\0b", 3);
  entry.problem = RemoteProblem::kUnsafeKey;
  entry.detail = "why";
  storage::ObjectInfo& info = entry.info;
  info.key.value = "p/a";
  info.size = 1ULL << 40;
  info.token.value = "token";
  info.version_id = "version";
  info.last_modified_ns = -5;
  info.md5 = Md5Digest{1, 2, 3};
  info.md5_candidate = Md5Digest{4};
  info.crc32c = 7;
  info.crc64nvme = 8;
  info.storage_class = "COLD";
  info.archived = true;
  info.content_type = "text/plain";
  info.metadata = Metadata{{"mtime", "1.5"}, {"empty", ""}};
  const RemoteEntry copy = decode_entry(encode_entry(entry));
  EXPECT_EQ(copy.key, entry.key);
  EXPECT_EQ(copy.problem, entry.problem);
  EXPECT_EQ(copy.detail, entry.detail);
  EXPECT_EQ(copy.info.key, info.key);
  EXPECT_EQ(copy.info.size, info.size);
  EXPECT_EQ(copy.info.token, info.token);
  EXPECT_EQ(copy.info.version_id, info.version_id);
  EXPECT_EQ(copy.info.last_modified_ns, info.last_modified_ns);
  EXPECT_EQ(copy.info.md5, info.md5);
  EXPECT_EQ(copy.info.md5_candidate, info.md5_candidate);
  EXPECT_EQ(copy.info.crc32c, info.crc32c);
  EXPECT_EQ(copy.info.crc64nvme, info.crc64nvme);
  EXPECT_EQ(copy.info.storage_class, info.storage_class);
  EXPECT_EQ(copy.info.archived, info.archived);
  EXPECT_EQ(copy.info.content_type, info.content_type);
  EXPECT_EQ(copy.info.metadata, info.metadata);
  const RemoteEntry plain = decode_entry(encode_entry(RemoteEntry{}));
  EXPECT_FALSE(plain.info.md5 || plain.info.metadata || plain.info.crc32c);
  EXPECT_THROW(decode_entry("short"), Error);
}

}  // namespace
}  // namespace cloudsync::sync
