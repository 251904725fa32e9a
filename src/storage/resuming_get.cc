// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/encoding.h"
#include "storage/retry_calls.h"

namespace cloudsync::storage {
namespace {

constexpr int kPinAttempts = 5;
// Servers read the end of a range as a signed number.
constexpr std::uint64_t kNoEnd = 1ULL << 62;

// First byte and the byte behind the last one; kNoEnd where the size is not known.
struct Span {
  std::uint64_t begin = 0;
  std::uint64_t end = kNoEnd;
};

Span span_of(const GetRequest& request, const std::optional<ObjectInfo>& known) {
  Span span;
  if (request.range)
    span = {request.range->offset, request.range->offset + request.range->length};
  if (known) span.end = std::min(span.end, known->size);
  span.begin = std::min(span.begin, span.end);
  return span;
}

[[noreturn]] void throw_changed(const ObjectStore& store, const ObjectKey& key) {
  throw Error(ErrorCode::kPreconditionFailed,
              "'" + base::printable(key.value) + "' in " + store.describe() +
                  " changed while it was being read; look at it again");
}

}  // namespace

// Knows how much arrived, and whether it was the receiver that failed: what it refused
// must not be sent again.
class ResumingGet::CountingSink final : public ByteSink {
 public:
  explicit CountingSink(ByteSink& inner) : inner_(inner) {}
  void write(Bytes bytes) override {
    failed_ = true;
    inner_.write(bytes);
    failed_ = false;
    delivered_ += bytes.size();
  }
  std::uint64_t delivered() const { return delivered_; }
  bool failed() const { return failed_; }

 private:
  ByteSink& inner_;
  std::uint64_t delivered_ = 0;
  bool failed_ = false;
};

// A broken call does not tell which version it was reading, so an unpinned request learns
// that first.
GetResult ResumingGet::run(const GetRequest& request, ByteSink& sink) {
  CountingSink counting(sink);
  if (request.if_match || !request.version_id.empty()) {
    return run_pinned(request, std::nullopt, counting);
  }
  for (int attempt = 1;; ++attempt) {
    const auto known = calls_.run_safe(
        context_, [&](int) { return store_.head(request.key, context_); });
    if (!known) return {Outcome::kNotFound, {}, 0};
    GetRequest pinned = request;
    pinned.if_match = known->token;
    GetResult result = run_pinned(pinned, known, counting);
    if (result.outcome != Outcome::kPreconditionFailed) return result;
    if (attempt == kPinAttempts) throw_changed(store_, request.key);
  }
}

GetResult ResumingGet::run_pinned(const GetRequest& request,
                                  std::optional<ObjectInfo> known, CountingSink& sink) {
  return calls_.run_safe(context_, [&](int) {
    try {
      return resume(request, known, sink);
    } catch (const Error& error) {
      if (sink.failed()) throw Error(error).with_retryable(false);
      throw;
    }
  });
}

GetResult ResumingGet::resume(const GetRequest& request, std::optional<ObjectInfo>& known,
                              CountingSink& sink) {
  if (sink.delivered() == 0) {
    GetResult result = store_.get(request, sink, context_);
    // Google's media answers carry none.
    const bool silent = result.outcome == Outcome::kOk && !result.info.metadata;
    if (silent && known && known->token == result.info.token)
      result.info.metadata = known->metadata;
    return result;
  }
  if (!known && request.version_id.empty()) known = store_.head(request.key, context_);
  const bool same = known && (!request.if_match || known->token == *request.if_match);
  if (!same && request.version_id.empty()) throw_changed(store_, request.key);
  const Span span = span_of(request, known);
  const std::uint64_t next = span.begin + sink.delivered();
  if (known && next >= span.end) return {Outcome::kOk, *known, sink.delivered()};
  GetRequest rest = request;
  rest.range = ByteRange{next, span.end - next};
  GetResult result = store_.get(rest, sink, context_);
  // Part of the body is out already: no outcome but kOk can be a value any more.
  if (result.outcome != Outcome::kOk) throw_changed(store_, request.key);
  result.body_bytes = sink.delivered();
  return result;
}

}  // namespace cloudsync::storage
