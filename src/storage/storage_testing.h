// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "hash/digest.h"
#include "storage/object_store.h"

namespace cloudsync::storage::testing {

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

// Time that passes only by sleeping, and costs nothing.
class JumpingClock : public base::Clock {
 public:
  std::int64_t now_ns() const override { return 1'700'000'000'000'000'000; }
  std::chrono::steady_clock::time_point steady_now() const override {
    const std::lock_guard lock(mutex_);
    return std::chrono::steady_clock::time_point(slept_);
  }
  bool sleep_for(std::chrono::milliseconds duration,
                 std::stop_token stop) const override {
    const std::lock_guard lock(mutex_);
    slept_ += duration;
    ++sleeps_;
    return !stop.stop_requested();
  }
  int sleeps() const {
    const std::lock_guard lock(mutex_);
    return sleeps_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::chrono::milliseconds slept_{0};
  mutable int sleeps_ = 0;
};

inline PutResult put(ObjectStore& store, const std::string& key,
                     const std::string& content, Precondition condition = {},
                     const Metadata& metadata = {}) {
  PutRequest request;
  request.key = {key};
  request.condition = std::move(condition);
  request.md5 = hash::Md5::of(bytes_of(content));
  request.metadata = metadata;
  TextSource source(content);
  return store.put(request, source, {});
}

inline GetResult get(ObjectStore& store, const std::string& key, std::string& body,
                     std::optional<ByteRange> range = {},
                     std::optional<VersionToken> if_match = {}) {
  StringSink sink;
  const GetResult result = store.get({{key}, range, std::move(if_match), ""}, sink, {});
  body = sink.text;
  return result;
}

inline std::vector<std::string> keys(ObjectStore& store, const std::string& prefix = "") {
  std::vector<std::string> found;
  ListRequest request;
  request.prefix = prefix;
  do {
    const ListPage page = store.list(request, {});
    for (const ObjectInfo& info : page.objects) found.push_back(info.key.value);
    request.page_token = page.next_page_token;
  } while (!request.page_token.empty());
  return found;
}

}  // namespace cloudsync::storage::testing
