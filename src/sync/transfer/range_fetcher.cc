// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "hash/digest.h"
#include "storage/content_check.h"
#include "sync/transfer/ranged_download.h"

namespace cloudsync::sync {
namespace {

constexpr std::size_t kMostInFlight = 16;
constexpr std::size_t kReadBytes = 256U << 10;
// Marks the checksum of a downloaded part in PartRow::etag.
constexpr std::string_view kCrcPrefix = "crc64nvme:";

std::string crc_text(std::uint64_t crc) {
  std::array<char, 16> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), crc, 16).ptr;
  return std::string(kCrcPrefix) + std::string(digits.data(), end);
}

std::optional<std::uint64_t> crc_of_text(std::string_view text) {
  if (!text.starts_with(kCrcPrefix)) return std::nullopt;
  text.remove_prefix(kCrcPrefix.size());
  std::uint64_t crc = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), crc, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return crc;
}

// Writes one range at its place and takes not one byte more than was asked for.
class RangeSink final : public ByteSink {
 public:
  RangeSink(const TransferEnvironment& environment, const DownloadJob& job,
            base::WritableFile& file, storage::ByteRange range)
      : environment_(environment), job_(job), file_(file), range_(range) {}

  void write(Bytes bytes) override {
    if (bytes.size() > range_.length - written_) {
      throw_corrupt(environment_, job_, "more bytes came than were asked for");
    }
    file_.write_at(range_.offset + written_, bytes);
    crc_ = hash::crc64nvme(bytes, crc_);
    written_ += bytes.size();
    if (environment_.on_bytes && !job_.again)
      environment_.on_bytes(job_.key, bytes.size());
  }

  std::uint64_t written() const { return written_; }
  std::uint64_t crc() const { return crc_; }

 private:
  const TransferEnvironment& environment_;
  const DownloadJob& job_;
  base::WritableFile& file_;
  storage::ByteRange range_;
  std::uint64_t written_ = 0;
  std::uint64_t crc_ = 0;
};

// Calls visit(block) over a range of the file; false when the file is shorter.
template <class Visit>
bool read_range(const base::WritableFile& file, storage::ByteRange range, Visit&& visit) {
  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>(range.length, kReadBytes));
  const MutableBytes buffer = thread_buffer(size);
  for (std::uint64_t done = 0; done < range.length;) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(size, range.length - done));
    const std::size_t n = file.read_at(range.offset + done, buffer.first(wanted));
    if (n == 0) return false;
    visit(Bytes(buffer.first(n)));
    done += n;
  }
  return true;
}

}  // namespace

RangeFetcher::RangeFetcher(TransferEnvironment& environment, const DownloadJob& job,
                           IncomingFile& incoming, OperationId transfer,
                           const CallContext& context)
    : environment_(environment),
      job_(job),
      incoming_(incoming),
      transfer_(transfer),
      context_(context),
      plan_(plan_parts(job.remote.size, environment.settings.chunk_size,
                       environment.store.capabilities())),
      hasher_(environment.settings.content_hash),
      crcs_(plan_.count()),
      group_(environment.pool,
             std::clamp<std::size_t>(environment.pool.max_threads(), 2, kMostInFlight)) {
  if (storage::may_tell_crc32c(environment.store)) received_.crc32c = 0;
  for (const PartRow& row : environment.state.parts(transfer)) {
    if (row.number == 0 || row.number > plan_.count()) continue;
    const auto range = plan_.range(row.number);
    if (row.offset != range.offset || row.length != range.length) continue;
    if (const auto crc = crc_of_text(row.etag)) recorded_.emplace(row.number, *crc);
  }
}

bool RangeFetcher::fetch() {
  std::uint32_t next = 1;
  while (hashed_parts_ < plan_.count()) {
    context_.throw_if_stopped();
    group_.throw_if_failed();
    if (refused() != storage::Outcome::kOk) return false;
    const std::uint64_t ended = group_.ended();
    bool submitted = false;
    while (submit_next(next)) submitted = true;
    if (hash_next() || submitted) continue;
    group_.help_or_wait(ended);
  }
  group_.finish();
  received_.digests = {.md5 = hasher_.md5(), .sha256 = hasher_.sha256()};
  std::uint64_t whole = 0;
  for (std::uint32_t number = 1; number <= plan_.count(); ++number) {
    whole =
        hash::crc64nvme_combine(whole, *crcs_[number - 1], plan_.range(number).length);
  }
  received_.crc64nvme = whole;
  return true;
}

bool RangeFetcher::submit_next(std::uint32_t& next) {
  if (next > plan_.count() || !group_.has_slot()) return false;
  const std::uint32_t number = next++;
  group_.submit([this, number] { take_part(number); });
  return true;
}

bool RangeFetcher::part_is_done(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  return crcs_[number - 1].has_value();
}

storage::Outcome RangeFetcher::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

// One part of the finished front goes into the whole hashes, out of the page cache.
bool RangeFetcher::hash_next() {
  if (!part_is_done(hashed_parts_ + 1)) return false;
  const auto range = plan_.range(hashed_parts_ + 1);
  const bool whole = read_range(incoming_.file(), range, [&](Bytes block) {
    hasher_.update(block);
    if (received_.crc32c) received_.crc32c = hash::crc32c(block, *received_.crc32c);
  });
  if (!whole) throw_corrupt(environment_, job_, "the temporary file lost its end");
  ++hashed_parts_;
  return true;
}

void RangeFetcher::take_part(std::uint32_t number) {
  context_.throw_if_stopped();
  if (refused() != storage::Outcome::kOk) return;
  if (!recorded_part_holds(number)) fetch_part(number);
}

// The page cache survives a killed process but not a power cut, so the row alone proves
// nothing.
bool RangeFetcher::recorded_part_holds(std::uint32_t number) {
  const auto found = recorded_.find(number);
  if (found == recorded_.end()) return false;
  std::uint64_t crc = 0;
  const bool whole = read_range(incoming_.file(), plan_.range(number),
                                [&](Bytes block) { crc = hash::crc64nvme(block, crc); });
  if (!whole || crc != found->second) return false;
  const std::lock_guard lock(mutex_);
  crcs_[number - 1] = crc;
  return true;
}

void RangeFetcher::fetch_part(std::uint32_t number) {
  const auto range = plan_.range(number);
  RangeSink sink(environment_, job_, incoming_.file(), range);
  storage::GetRequest request;
  request.key = source_key(environment_, job_);
  request.range = range;
  request.fresh_connection = job_.again;
  request.if_match = job_.remote.token;
  auto got = environment_.store.get(request, sink, context_);
  if (got.outcome != storage::Outcome::kOk) {
    const std::lock_guard lock(mutex_);
    refused_ = got.outcome;
    return;
  }
  if (sink.written() != range.length || got.info.size != job_.remote.size) {
    throw_corrupt(environment_, job_,
                  "a range came with another length than was asked for");
  }
  {
    const std::lock_guard lock(mutex_);
    if (!info_) info_ = std::move(got.info);
  }
  finish_part(number, sink.crc());
}

void RangeFetcher::finish_part(std::uint32_t number, std::uint64_t crc) {
  const auto range = plan_.range(number);
  fetched_bytes_ += range.length;
  environment_.record(SavePart{PartRow{.transfer = transfer_,
                                       .number = number,
                                       .offset = range.offset,
                                       .length = range.length,
                                       .etag = crc_text(crc),
                                       .md5 = std::nullopt}});
  const std::lock_guard lock(mutex_);
  crcs_[number - 1] = crc;
}

}  // namespace cloudsync::sync
