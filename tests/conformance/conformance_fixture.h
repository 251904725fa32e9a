// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hash/digest.h"
#include "storage/object_metadata.h"
#include "storage/object_store.h"
#include "storage/page_guard.h"
#include "storage/storage_testing.h"
#include "tests/conformance/expected_failure.h"
#include "tests/conformance/tested_store.h"

namespace cloudsync::conformance {

using namespace storage;  // NOLINT: the suite speaks of nothing else

using storage::testing::bytes_of;
using storage::testing::StringSink;
using storage::testing::TextSource;

// Different bytes at every offset, so that swapped or shifted parts show.
inline std::string pattern(std::size_t size, unsigned seed = 1) {
  std::string text(size, '\0');
  unsigned value = seed;
  for (char& c : text) c = static_cast<char>((value = value * 1103515245 + 12345) >> 16);
  return text;
}

#define CS_REQUIRE_CAPABILITY(flag)                                              \
  do {                                                                           \
    if (!(capabilities.flag)) GTEST_SKIP() << "the store does not claim " #flag; \
  } while (false)

// Before, by the UTF-16 code units of the key: surrogates (U+10000 and above) lie below
// U+E000 to U+FFFF, whose UTF-8 begins with EE or EF.
inline bool utf16_less(const std::string& a, const std::string& b) {
  const auto rank = [](char c) {
    const int byte = static_cast<unsigned char>(c);
    return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;
  };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

class ConformanceTest : public ::testing::TestWithParam<StoreCase> {
 protected:
  void SetUp() override {
    tested_ = GetParam().make();
    if (!tested_.skip_reason.empty()) GTEST_SKIP() << tested_.skip_reason;
    ASSERT_EQ(tested_.failure, "");
    capabilities = tested_.capabilities;
    const std::string name = test_name();
    prefix = name.substr(name.find('.') + 1) + "/";
    const auto& lacks = tested_.lacks;
    const auto found = std::find_if(lacks.begin(), lacks.end(),
                                    [&](const auto& line) { return line.test == name; });
    if (found == lacks.end()) return;
    lacking_ = *found;
    if (!lacking_.tried) GTEST_SKIP() << lacking_.reason;
    expected_failure_ = std::make_unique<ExpectedFailure>();
  }

  void TearDown() override {
    if (!expected_failure_) return;
    const std::string doubt = expected_failure_->end();
    expected_failure_.reset();
    if (doubt.empty()) GTEST_SKIP() << lacking_.reason;
    FAIL() << GetParam().name << " is listed as lacking " << lacking_.test << " ("
           << lacking_.reason << "), but " << doubt << "; take the line away";
  }

  ObjectStore& store() { return *tested_.store; }
  const ServerFaults& faults() const { return tested_.faults; }
  const TestedStore& tested() const { return tested_; }
  MultipartStore& multipart() { return *tested_.store->multipart(); }
  ObjectKey key(const std::string& name) const { return {prefix + name}; }

  PutResult put(const std::string& name, const std::string& content,
                Precondition condition = {}) {
    PutRequest request;
    request.key = key(name);
    request.condition = std::move(condition);
    request.md5 = hash::Md5::of(bytes_of(content));
    TextSource source(content);
    return store().put(request, source, {});
  }

  GetResult get(const std::string& name, std::string& body,
                std::optional<ByteRange> range = {},
                std::optional<VersionToken> if_match = {}) {
    GetRequest request;
    request.key = key(name);
    request.range = range;
    request.if_match = std::move(if_match);
    StringSink sink;
    const GetResult result = store().get(request, sink, {});
    body = sink.text;
    return result;
  }

  std::string content(const std::string& name) {
    std::string body;
    EXPECT_EQ(get(name, body).outcome, Outcome::kOk) << name;
    return body;
  }

  // All keys below the test's prefix, without it, by pages of `page_size`. A failure
  // where the pages do not come to an end.
  std::vector<std::string> names(ListRequest request = {},
                                 std::uint32_t page_size = 1000) {
    std::vector<std::string> found;
    request.prefix = prefix + request.prefix;
    if (!request.start_after.empty()) request.start_after = prefix + request.start_after;
    request.max_keys = page_size;
    PageGuard guard;
    do {
      const ListPage page = store().list(request, {});
      if (!faults().contains("page_size")) {
        EXPECT_LE(page.objects.size() + page.common_prefixes.size(), page_size);
      }
      const std::string first =
          page.objects.empty() ? "" : page.objects.front().key.value;
      const std::string why = guard.accept(first, page.next_page_token);
      EXPECT_EQ(why, "");
      if (!why.empty()) break;
      for (const auto& object : page.objects) {
        found.push_back(object.key.value.substr(prefix.size()));
      }
      request.page_token = page.next_page_token;
    } while (!request.page_token.empty());
    return found;
  }

  // What is thrown in a thread is a failure of the test, not the end of the program.
  template <class Work>
  static void in_eight_threads(Work&& work) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&work, i] {
        try {
          work(i);
        } catch (const std::exception& error) {
          ADD_FAILURE() << error.what();
        }
      });
    }
  }

  // Keys without the order of a service in them, put by several threads.
  void put_all(const std::vector<std::string>& all, const std::string& content = "x") {
    std::atomic<std::size_t> next = 0;
    in_eight_threads([&](int) {
      for (std::size_t n = next++; n < all.size(); n = next++) put_again(all[n], content);
    });
  }

  // A server may ask for another try while several write.
  void put_again(const std::string& name, const std::string& content) {
    for (int attempt = 1;; ++attempt) {
      try {
        put(name, content);
        return;
      } catch (const Error& error) {
        if (attempt == 3 || !error.retryable()) throw;
      }
    }
  }

  // As the store says that it lists.
  std::vector<std::string> ordered(std::vector<std::string> all) const {
    if (capabilities.list_order == KeyOrder::kUtf16) {
      std::sort(all.begin(), all.end(), utf16_less);
    } else {
      std::sort(all.begin(), all.end());
    }
    return all;
  }

  // A token that the store made and that no object has any more.
  VersionToken stale_token() {
    const VersionToken token = put("stale", "stale").token;
    store().remove({key("stale"), {}}, {});
    return token;
  }

  // Preconditions that fail on an absent object are 404 on some servers and 412 on
  // others.
  static bool refused(Outcome outcome) {
    return outcome == Outcome::kPreconditionFailed || outcome == Outcome::kNotFound;
  }

  std::string prefix;
  Capabilities capabilities;

 private:
  // "Suite.Name", without the store.
  static std::string test_name() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    const std::string suite = info->test_suite_name();
    const std::string name = info->name();
    return suite.substr(suite.find('/') + 1) + "." + name.substr(0, name.find('/'));
  }

  TestedStore tested_;
  Lacking lacking_;
  std::unique_ptr<ExpectedFailure> expected_failure_;
};

inline std::string case_name(const ::testing::TestParamInfo<StoreCase>& info) {
  return info.param.name;
}

}  // namespace cloudsync::conformance
