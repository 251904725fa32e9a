// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "tests/conformance/conformance_fixture.h"

namespace cloudsync::conformance {
namespace {

class Listing : public ConformanceTest {
 protected:
  void remove_all(const std::vector<std::string>& all) {
    const std::size_t limit = capabilities.batch_delete_limit;
    if (limit <= 1) {
      for (const auto& name : all) store().remove({key(name), {}}, {});
      return;
    }
    for (std::size_t i = 0; i < all.size(); i += limit) {
      std::vector<DeleteRequest> batch;
      for (std::size_t n = i; n < std::min(i + limit, all.size()); ++n) {
        batch.push_back({key(all[n]), {}});
      }
      for (const DeleteResult& result : store().remove_many(batch, {})) {
        ASSERT_FALSE(result.error) << result.error->what();
      }
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Listing, ::testing::ValuesIn(store_cases()), case_name);

using Names = std::vector<std::string>;

TEST_P(Listing, EmptyPrefixOfNothingIsAnEmptyLastPage) {
  ListRequest request;
  request.prefix = prefix;
  const ListPage page = store().list(request, {});
  EXPECT_TRUE(page.objects.empty());
  EXPECT_TRUE(page.common_prefixes.empty());
  EXPECT_EQ(page.next_page_token, "");
}

TEST_P(Listing, KeysComeInTheOrderThatTheStoreStates) {
  CS_REQUIRE_CAPABILITY(list_order != KeyOrder::kNone);
  CS_REQUIRE_CAPABILITY(list_order != KeyOrder::kComponent);
  const Names all{"a b",          "a!c",
                  "a+b",          "a-b",
                  "a.b",          "a/b",
                  "a/c/d",        "a0",
                  "aA",           "a\xC3\xA4",
                  "\xEE\x80\x80", "\xEF\xBC\xA1",
                  "\xEF\xBF\xBC", "\xF0\x9F\x98\x80",
                  "\xED\x9F\xBB"};
  put_all(all);
  EXPECT_EQ(names(), ordered(all));
  EXPECT_EQ(names({}, 2), ordered(all));
}

TEST_P(Listing, PagesOfEverySizeGiveTheSameKeys) {
  const Names expected{"a-b", "a.b", "a/b", "a/c", "a0", "b", "c/d/e", "c/d/f", "z"};
  put_all(expected);
  for (std::uint32_t size = 1; size <= 10; ++size)
    EXPECT_EQ(names({}, size), expected) << size;
}

TEST_P(Listing, PageThatEndsExactlyHasNoFurtherPage) {
  put_all({"a", "b"});
  ListRequest request;
  request.prefix = prefix;
  request.max_keys = 2;
  const ListPage page = store().list(request, {});
  EXPECT_EQ(page.objects.size(), 2u);
  EXPECT_EQ(page.next_page_token, "");
}

TEST_P(Listing, PrefixNeedNotEndAtASlash) {
  put_all({"ab", "abc/d", "abd", "ac", "b"});
  ListRequest request;
  request.prefix = "ab";
  EXPECT_EQ(names(request), (Names{"ab", "abc/d", "abd"}));
  request.prefix = "abc/";
  EXPECT_EQ(names(request), Names{"abc/d"});
  request.prefix = "abc/x/";
  EXPECT_EQ(names(request), Names{});
}

TEST_P(Listing, StartAfterIsExclusive) {
  CS_REQUIRE_CAPABILITY(start_after);
  put_all({"a", "a-b", "b/c", "b/d", "c"});
  ListRequest request;
  request.start_after = "a-b";
  EXPECT_EQ(names(request), (Names{"b/c", "b/d", "c"}));
  request.start_after = "b/c";
  EXPECT_EQ(names(request, 1), (Names{"b/d", "c"}));
  request.start_after = "b/cc";
  EXPECT_EQ(names(request), (Names{"b/d", "c"}));
  request.start_after = "b0";
  EXPECT_EQ(names(request), Names{"c"});
  request.start_after = "c";
  EXPECT_EQ(names(request), Names{});
}

TEST_P(Listing, DelimiterFoldsDirectoriesIntoCommonPrefixes) {
  put_all({"a", "b/c", "b/d/e", "b0", "c/d"});
  ListRequest request;
  request.prefix = prefix;
  request.delimiter = "/";
  const ListPage page = store().list(request, {});
  Names objects;
  for (const auto& object : page.objects) objects.push_back(object.key.value);
  EXPECT_EQ(objects, (Names{prefix + "a", prefix + "b0"}));
  EXPECT_EQ(page.common_prefixes, (Names{prefix + "b/", prefix + "c/"}));
}

TEST_P(Listing, DelimiterPagesNeverRepeatAPrefix) {
  put_all({"a", "b/c", "b/d/e", "b/f", "b0", "c/d", "c/e", "d"});
  ListRequest request;
  request.prefix = prefix;
  request.delimiter = "/";
  request.max_keys = 1;
  Names found;
  do {
    const ListPage page = store().list(request, {});
    ASSERT_LE(page.objects.size() + page.common_prefixes.size(), 1u);
    for (const auto& object : page.objects) found.push_back(object.key.value);
    for (const auto& group : page.common_prefixes) found.push_back(group);
    request.page_token = page.next_page_token;
  } while (!request.page_token.empty() && found.size() < 100);
  EXPECT_EQ(found, (Names{prefix + "a", prefix + "b/", prefix + "b0", prefix + "c/",
                          prefix + "d"}));
}

TEST_P(Listing, TenThousandKeysComeOverPagesWithoutAGapAndGoInBatches) {
  Names expected;
  for (int i = 0; i < tested().many_keys; ++i) {
    expected.push_back("d" + std::to_string(i % 7) + "/f" + std::to_string(10000 + i));
  }
  std::sort(expected.begin(), expected.end());
  put_all(expected);
  EXPECT_EQ(names(), expected);
  // Eleven pages, whatever the number.
  const int page = tested().many_keys / 10 - 1;
  EXPECT_EQ(names({}, static_cast<std::uint32_t>(page)), expected);
  ListRequest seventh;
  seventh.prefix = "d0/";
  EXPECT_EQ(names(seventh).size(), (expected.size() + 6) / 7);
  remove_all(expected);
  EXPECT_TRUE(names().empty());
}

TEST_P(Listing, ChangesWhileListingNeverHideWhatWasThereAllTheTime) {
  Names stable;
  for (int i = 100; i < 150; ++i) stable.push_back("k" + std::to_string(i));
  put_all(stable);
  ListRequest request;
  request.prefix = prefix;
  request.max_keys = 7;
  std::map<std::string, int> seen;
  for (int i = 0;; ++i) {
    const ListPage page = store().list(request, {});
    for (const auto& object : page.objects)
      ++seen[object.key.value.substr(prefix.size())];
    put("k" + std::to_string(100 + i) + "-new", "x");
    store().remove({key("k" + std::to_string(100 + i) + "-new"), {}}, {});
    request.page_token = page.next_page_token;
    if (request.page_token.empty()) break;
  }
  for (const auto& name : stable) EXPECT_EQ(seen[name], 1) << name;
}

TEST_P(Listing, SizesAndTimesAreListed) {
  put("a", "12345");
  ListRequest request;
  request.prefix = prefix;
  const auto info = store().list(request, {}).objects.at(0);
  EXPECT_EQ(info.size, 5u);
  EXPECT_GT(info.last_modified_ns, 1'600'000'000'000'000'000);
  const auto md5 = hash::Md5::of(bytes_of("12345"));
  if (const auto told = storage::told_md5(info)) {
    EXPECT_EQ(*told, md5);
  }
}

}  // namespace
}  // namespace cloudsync::conformance
