// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "hash/digest.h"
#include "storage/object_store.h"
#include "tests/conformance/tested_store.h"

namespace cloudsync::conformance {

using namespace storage;  // NOLINT: the suite speaks of nothing else

inline Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// A body that owns its bytes.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const override { return text_.size(); }
  std::size_t read(MutableBytes out) override {
    const std::size_t n = std::min(out.size(), text_.size() - position_);
    if (n != 0) std::memcpy(out.data(), text_.data() + position_, n);
    position_ += n;
    return n;
  }
  void rewind() override { position_ = 0; }

 private:
  std::string text_;
  std::size_t position_ = 0;
};

class StringSink : public ByteSink {
 public:
  void write(Bytes bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string text;
};

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

class ConformanceTest : public testing::TestWithParam<StoreCase> {
 protected:
  void SetUp() override {
    tested_ = GetParam().make();
    if (!tested_.skip_reason.empty()) GTEST_SKIP() << tested_.skip_reason;
    capabilities = tested_.capabilities;
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    const std::string name = info->name();
    prefix = name.substr(0, name.find('/')) + "/";
  }

  ObjectStore& store() { return *tested_.store; }
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

  // All keys below the test's prefix, without it, by pages of `page_size`.
  std::vector<std::string> names(ListRequest request = {},
                                 std::uint32_t page_size = 1000) {
    std::vector<std::string> found;
    request.prefix = prefix + request.prefix;
    if (!request.start_after.empty()) request.start_after = prefix + request.start_after;
    request.max_keys = page_size;
    do {
      const ListPage page = store().list(request, {});
      EXPECT_LE(page.objects.size() + page.common_prefixes.size(), page_size);
      for (const auto& object : page.objects) {
        found.push_back(object.key.value.substr(prefix.size()));
      }
      request.page_token = page.next_page_token;
    } while (!request.page_token.empty());
    return found;
  }

  // Preconditions that fail on an absent object are 404 on some servers and 412 on
  // others.
  static bool refused(Outcome outcome) {
    return outcome == Outcome::kPreconditionFailed || outcome == Outcome::kNotFound;
  }

  std::string prefix;
  Capabilities capabilities;

 private:
  TestedStore tested_;
};

inline std::string case_name(const testing::TestParamInfo<StoreCase>& info) {
  return info.param.name;
}

}  // namespace cloudsync::conformance
