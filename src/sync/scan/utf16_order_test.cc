// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/utf16_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "storage/memory/memory_store.h"
#include "sync/scan/remote_listing.h"

namespace cloudsync::sync {
namespace {

using Keys = std::vector<std::string>;
using storage::KeyOrder;
using storage::MemoryStore;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kPrivate = "\xEE\x80\x80";      // U+E000
const std::string kWide = "\xEF\xBC\xA1";         // U+FF21
const std::string kReplacement = "\xEF\xBF\xBD";  // U+FFFD
const std::string kFace = "\xF0\x9F\x98\x80";     // U+1F600
const std::string kLinear = "\xF0\x90\x80\x80";   // U+10000
const std::string kLast = "\xF4\x8F\xBF\xBF";     // U+10FFFF
const std::string kHangul = "\xED\x9F\xBF";       // U+D7FF, below the surrogates
const std::string kSurrogate = "\xED\xA0\xBD";    // U+D83D, unpaired

std::u16string units_of(std::string_view key) {
  std::u16string units;
  for (std::size_t i = 0; i < key.size();) {
    const auto byte = [&](std::size_t at) {
      return static_cast<char32_t>(static_cast<unsigned char>(key[at]));
    };
    if (byte(i) < 0x80) {
      units += static_cast<char16_t>(byte(i));
      i += 1;
    } else if (byte(i) < 0xf0) {
      units += static_cast<char16_t>((byte(i) & 0xf) << 12 | (byte(i + 1) & 0x3f) << 6 |
                                     (byte(i + 2) & 0x3f));
      i += 3;
    } else {
      const char32_t rune = ((byte(i) & 7) << 18 | (byte(i + 1) & 0x3f) << 12 |
                             (byte(i + 2) & 0x3f) << 6 | (byte(i + 3) & 0x3f)) -
                            0x10000;
      units += static_cast<char16_t>(0xd800 + (rune >> 10));
      units += static_cast<char16_t>(0xdc00 + (rune & 0x3ff));
      i += 4;
    }
  }
  return units;
}

bool listed_before(const std::string& a, const std::string& b) {
  return compare_utf16(a, b) < 0;
}

Keys in_listing_order(const std::set<std::string>& keys) {
  Keys listed(keys.begin(), keys.end());
  std::sort(listed.begin(), listed.end(), listed_before);
  return listed;
}

Keys keys_of(const std::vector<RemoteEntry>& entries) {
  Keys keys;
  for (const auto& entry : entries) keys.push_back(entry.key);
  return keys;
}

void feed(Utf16Order& order, const std::string& key, std::vector<RemoteEntry>& due) {
  order.advance(key, due);
  RemoteEntry entry;
  entry.key = key;
  order.add(std::move(entry), due);
}

Keys reorder(const Keys& listed) {
  Utf16Order order;
  std::vector<RemoteEntry> due;
  for (const auto& key : listed) feed(order, key, due);
  order.finish(due);
  return keys_of(due);
}

// Few pieces, so that keys share prefixes and differ in all ways.
std::set<std::string> random_keys(const Keys& pieces) {
  const auto piece = rc::gen::elementOf(pieces);
  std::set<std::string> keys;
  for (int i = *rc::gen::inRange(0, 40); i > 0; --i) {
    std::string key;
    for (int n = *rc::gen::inRange(1, 7); n > 0; --n) key += *piece;
    keys.insert(key);
  }
  return keys;
}

Keys characters() {
  return {"a", "b", "/", kHangul, kPrivate, kWide, kReplacement, kFace, kLinear, kLast};
}

Keys any_bytes() {
  return {"a",    kSurrogate, kFace,  kWide,  "\xF0",     "\xFF",
          "\xEE", "\xEF\xBF", "\x80", "\xC3", "\xF0\x9F", std::string(1, '\0')};
}

TEST(CompareUtf16Test, IsTheOrderOfTheCodeUnits) {
  EXPECT_TRUE(rc::check([] {
    const auto keys = random_keys(characters());
    RC_PRE(!keys.empty());
    const std::string a = *rc::gen::elementOf(keys);
    const std::string b = *rc::gen::elementOf(keys);
    RC_ASSERT((compare_utf16(a, b) < 0) == (units_of(a) < units_of(b)));
    RC_ASSERT((compare_utf16(a, b) == 0) == (a == b));
  }));
}

TEST(CompareUtf16Test, BytesThatAreNoUtf8HaveOnePlace) {
  EXPECT_TRUE(listed_before(kHangul, kSurrogate));
  EXPECT_TRUE(listed_before(kSurrogate, kFace));
  EXPECT_TRUE(listed_before("\xFF", kPrivate));
  EXPECT_TRUE(listed_before("", std::string(1, '\0')));
}

TEST(Utf16OrderTest, AnyKeysComeOutInByteOrder) {
  EXPECT_TRUE(rc::check([] {
    const auto keys = random_keys(characters());
    RC_ASSERT(reorder(in_listing_order(keys)) == Keys(keys.begin(), keys.end()));
  }));
}

TEST(Utf16OrderTest, BytesThatAreNoUtf8ComeOutInByteOrderToo) {
  EXPECT_TRUE(rc::check([] {
    const auto keys = random_keys(any_bytes());
    RC_ASSERT(reorder(in_listing_order(keys)) == Keys(keys.begin(), keys.end()));
  }));
}

TEST(Utf16OrderTest, WithoutAstralCharactersNothingEverWaits) {
  EXPECT_TRUE(rc::check([] {
    const auto keys = random_keys({"a", "/", kHangul, kPrivate, kWide, kSurrogate});
    Utf16Order order;
    for (const std::string& key : in_listing_order(keys)) {
      std::vector<RemoteEntry> due;
      feed(order, key, due);
      RC_ASSERT(keys_of(due) == Keys{key});
      RC_ASSERT(order.held() == 0U);
    }
  }));
}

TEST(Utf16OrderTest, AGroupWaitsOnlyForKeysThatShareWhatStandsBeforeIt) {
  Utf16Order order;
  std::vector<RemoteEntry> due;
  feed(order, "d/a", due);
  feed(order, "d/" + kFace + "1", due);
  feed(order, "d/" + kFace + "2", due);
  EXPECT_EQ(order.held(), 2U);
  feed(order, "d/" + kWide, due);
  EXPECT_THAT(keys_of(due), ElementsAre("d/a", "d/" + kWide));
  feed(order, "d0", due);
  EXPECT_EQ(order.held(), 0U);
  EXPECT_THAT(keys_of(due), ElementsAre("d/a", "d/" + kWide, "d/" + kFace + "1",
                                        "d/" + kFace + "2", "d0"));
}

TEST(Utf16OrderTest, AKeyThatIsNotSeenReleasesToo) {
  Utf16Order order;
  std::vector<RemoteEntry> due;
  feed(order, "d/" + kFace, due);
  order.advance("e", due);
  EXPECT_THAT(keys_of(due), ElementsAre("d/" + kFace));
}

TEST(Utf16OrderTest, AGroupInsideAGroupIsReleasedFirst) {
  Utf16Order order;
  std::vector<RemoteEntry> due;
  feed(order, kFace, due);
  feed(order, kWide + kFace, due);
  feed(order, kWide + kReplacement, due);
  feed(order, kReplacement, due);
  EXPECT_EQ(order.held(), 1U);
  order.finish(due);
  EXPECT_THAT(keys_of(due),
              ElementsAre(kWide + kReplacement, kWide + kFace, kReplacement, kFace));
}

// Counts in operations("list") how far a listing has read.
MemoryStore::Options utf16_store(std::uint32_t page_size) {
  MemoryStore::Options options;
  options.page_size = page_size;
  options.capabilities.list_order = KeyOrder::kUtf16;
  return options;
}

Keys all_of(RemoteListing& listing) {
  Keys keys;
  for (std::vector<RemoteEntry> batch; listing.next(batch, {}); batch.clear()) {
    for (const auto& entry : batch) keys.push_back(entry.key);
  }
  return keys;
}

TEST(Utf16ListingTest, AnyPagesRangesAndLimitsComeOutInByteOrder) {
  EXPECT_TRUE(rc::check([] {
    const auto keys = random_keys({"a", "b", kHangul, kPrivate, kWide, kFace, kLast});
    MemoryStore::Options store_options =
        utf16_store(static_cast<std::uint32_t>(*rc::gen::inRange(1, 8)));
    store_options.capabilities.start_after = *rc::gen::arbitrary<bool>();
    MemoryStore store(store_options);
    for (const auto& key : keys) store.put_directly("p" + kFace + "/" + key, "x");
    RemoteScanOptions options;
    options.prefix = "p" + kFace + "/";
    if (!keys.empty()) {
      options.range = {*rc::gen::elementOf(keys), *rc::gen::elementOf(keys)};
    }
    Keys expected;
    for (const auto& key : keys) {
      if (key >= options.range.first && key < options.range.last) expected.push_back(key);
    }
    const auto limit = static_cast<std::size_t>(*rc::gen::inRange(0, 10));
    RC_ASSERT(all_of(*utf16_listing(store, options, limit)) == expected);
  }));
}

TEST(Utf16ListingTest, WithoutAstralCharactersEachPageComesAtOnce) {
  MemoryStore store(utf16_store(2));
  // The prefix has one: all keys share it.
  const std::string prefix = kFace + "/";
  for (const auto& key : {"a" + kWide, kHangul, kPrivate, kWide, kReplacement}) {
    store.put_directly(prefix + key, "x");
  }
  RemoteScanOptions options;
  options.prefix = prefix;
  // With room for none, one that waited would make it read everything.
  const auto listing = utf16_listing(store, options, 0);
  for (std::size_t page = 1; page <= 3; ++page) {
    std::vector<RemoteEntry> batch;
    ASSERT_TRUE(listing->next(batch, {}));
    EXPECT_EQ(batch.size(), page == 3 ? 1U : 2U);
    EXPECT_EQ(store.operations("list"), page);
  }
}

TEST(Utf16ListingTest, WhenTooManyWaitTheRestIsSortedOnDisk) {
  MemoryStore store(utf16_store(10));
  Keys expected;
  store.put_directly("a", "x");
  store.put_directly("b" + kWide, "x");
  store.put_directly("c", "x");
  for (int i = 0; i < 100; ++i) {
    store.put_directly("b" + kFace + std::to_string(i), "x");
    expected.push_back("b" + kFace + std::to_string(i));
  }
  std::sort(expected.begin(), expected.end());
  expected.insert(expected.begin(), {"a", "b" + kWide});
  expected.push_back("c");
  const auto listing = utf16_listing(store, {}, 20);
  std::vector<RemoteEntry> batch;
  ASSERT_TRUE(listing->next(batch, {}));
  EXPECT_THAT(keys_of(batch), ElementsAre("a"));
  EXPECT_EQ(store.operations("list"), 1U);
  Keys keys = all_of(*listing);
  keys.insert(keys.begin(), "a");
  EXPECT_EQ(keys, expected);
}

TEST(Utf16ListingTest, OwnAndExcludedDirectoriesAreJumpedOver) {
  MemoryStore store(utf16_store(10));
  for (int i = 0; i < 300; ++i) {
    store.put_directly(".cloudsync/trash/r/" + std::to_string(i), "x");
    store.put_directly("big/" + std::to_string(i), "x");
    store.put_directly("big/" + kFace + std::to_string(i), "x");
    store.put_directly("big/" + kWide + std::to_string(i), "x");
  }
  store.put_directly("a" + kFace, "x");
  store.put_directly("c", "x");
  const Filter filter({"- /big/"});
  RemoteScanOptions options;
  options.filter = &filter;
  EXPECT_THAT(all_of(*utf16_listing(store, options)), ElementsAre("a" + kFace, "c"));
  EXPECT_LE(store.operations("list"), 5U);
}

// Promises UTF-16 order and answers what it was told to.
class PromisingStore : public MemoryStore {
 public:
  explicit PromisingStore(std::vector<Keys> pages)
      : MemoryStore(utf16_store(10)), pages_(std::move(pages)) {}
  storage::ListPage list(const storage::ListRequest&, const CallContext&) override {
    storage::ListPage page;
    for (const auto& key : pages_.at(at_)) {
      page.objects.emplace_back();
      page.objects.back().key.value = key;
    }
    if (++at_ < pages_.size()) page.next_page_token = std::to_string(at_);
    return page;
  }

 private:
  const std::vector<Keys> pages_;
  std::size_t at_ = 0;
};

void expect_distrust(std::vector<Keys> pages, std::size_t max_held,
                     const std::string& reason) {
  PromisingStore store(std::move(pages));
  try {
    all_of(*utf16_listing(store, {}, max_held));
    ADD_FAILURE() << reason;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr(reason));
  }
}

TEST(Utf16ListingTest, ABrokenPromiseIsAnError) {
  for (const std::size_t max_held : {std::size_t{0}, std::size_t{100}}) {
    expect_distrust({{"b", "a"}}, max_held, "'a' came after 'b'");
    expect_distrust({{"b"}, {"a"}}, max_held, "'a' came after 'b'");
    expect_distrust({{"a"}, {"a"}}, max_held, "goes in circles");
    expect_distrust({{kFace}, {kFace}}, max_held, "goes in circles");
    // Byte order is as wrong as any other.
    expect_distrust({{"a" + kWide}, {"a" + kFace}}, max_held, "came after");
    expect_distrust({{kFace + "b"}, {kFace + "a"}}, max_held, "came after");
    // A store that gives an unpaired surrogate the place of its unit.
    expect_distrust({{kLinear, kSurrogate}}, max_held, "came after");
  }
}

TEST(Utf16ListingTest, AnErrorInTheMiddleGivesNoPartialOrder) {
  class Failing : public PromisingStore {
   public:
    Failing() : PromisingStore({{kFace}, {kWide}}) {}
    storage::ListPage list(const storage::ListRequest& request,
                           const CallContext& context) override {
      if (!request.page_token.empty()) throw Error(ErrorCode::kUnavailable, "lost");
      return PromisingStore::list(request, context);
    }
  };
  Failing store;
  std::vector<RemoteEntry> batch;
  EXPECT_THROW(utf16_listing(store, {})->next(batch, {}), Error);
  EXPECT_TRUE(batch.empty());
}

}  // namespace
}  // namespace cloudsync::sync
