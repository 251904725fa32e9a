// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/part_sender.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "hash/digest.h"

namespace cloudsync::sync {
namespace {

constexpr std::size_t kMostInFlight = 16;

std::size_t wanted_buffers(const TransferEnvironment& environment) {
  if (environment.store.capabilities().sequential_parts) return 2;
  return std::clamp<std::size_t>(environment.pool.max_threads(), 2, kMostInFlight);
}

PartPlan plan_for(const TransferEnvironment& environment, std::uint64_t size) {
  return plan_parts(size, environment.settings.chunk_size,
                    environment.store.capabilities());
}

}  // namespace

PartSender::PartSender(TransferEnvironment& environment, const UploadJob& job,
                       const UploadTry& attempt, const UploadSession& session,
                       const CallContext& context)
    : environment_(environment),
      job_(job),
      attempt_(attempt),
      session_(session),
      context_(context),
      plan_(plan_for(environment, attempt.source.stat.size)),
      use_crc_(environment.store.capabilities().crc64nvme),
      in_order_(environment.store.capabilities().sequential_parts),
      receipts_(plan_.count()),
      buffers_(*environment.buffers, static_cast<std::size_t>(plan_.part_size),
               wanted_buffers(environment), context.stop),
      group_(environment.pool, buffers_.count()) {}

PartSender::End PartSender::send() {
  const End end = read_all();
  group_.finish();
  if (doubt_) return End::kDoubt;
  if (end != End::kSent) return end;
  return is_unchanged(environment_.files, attempt_.source) ? End::kSent
                                                           : End::kSourceChanged;
}

PartSender::End PartSender::read_all() {
  ContentHasher hasher(environment_.settings.content_hash);
  for (std::uint32_t number = 1; number <= plan_.count(); ++number) {
    context_.throw_if_stopped();
    group_.wait_for_slot();
    if (doubt_) return End::kDoubt;
    const storage::ByteRange range = plan_.range(number);
    std::byte* buffer = buffers_.take();
    const MutableBytes content(buffer, static_cast<std::size_t>(range.length));
    if (!read_exactly(*attempt_.source.file, range.offset, content))
      return End::kSourceChanged;
    hasher.update(content);
    if (in_order_) group_.wait_until_idle();
    submit(number, buffer);
  }
  digests_ = {.md5 = hasher.md5(), .sha256 = hasher.sha256()};
  return End::kSent;
}

void PartSender::submit(std::uint32_t number, std::byte* buffer) {
  group_.submit([this, number, buffer] {
    const auto length = static_cast<std::size_t>(plan_.range(number).length);
    handle_part(number, Bytes(buffer, length));
    // Not after a failure: nobody takes a buffer any more then.
    buffers_.give_back(buffer);
  });
}

void PartSender::handle_part(std::uint32_t number, Bytes content) {
  context_.throw_if_stopped();
  PartChecks checks;
  if (use_crc_) checks.crc64nvme = hash::crc64nvme(content);
  const auto known = session_.known.find(number);
  if (known == session_.known.end()) return send_part(number, content, checks);
  switch (compare_known(known->second, content, checks)) {
    case Proof::kEqual:
      keep(known->second.receipt, checks);
      return;
    case Proof::kDifferent:
      doubt_ = true;
      return;
    case Proof::kNone:
      send_part(number, content, checks);
  }
}

PartSender::Proof PartSender::compare_known(const KnownPart& known, Bytes content,
                                            PartChecks& checks) const {
  if (known.receipt.crc64nvme && checks.crc64nvme) {
    return *known.receipt.crc64nvme == *checks.crc64nvme ? Proof::kEqual
                                                         : Proof::kDifferent;
  }
  checks.md5 = hash::Md5::of(content);
  if (known.md5) return *known.md5 == *checks.md5 ? Proof::kEqual : Proof::kDifferent;
  // An encrypting server's ETag is no MD5: equality proves, inequality does not.
  return known.receipt.etag == base::to_hex(*checks.md5) ? Proof::kEqual : Proof::kNone;
}

void PartSender::send_part(std::uint32_t number, Bytes content, PartChecks checks) {
  const bool needs_md5 = !use_crc_ && !environment_.store.capabilities().signed_payload;
  if (needs_md5 && !checks.md5) checks.md5 = hash::Md5::of(content);
  storage::PartRequest request;
  request.key = full_key(environment_, job_.key);
  request.upload = session_.upload;
  request.number = number;
  request.offset = plan_.range(number).offset;
  request.crc64nvme = checks.crc64nvme;
  if (!use_crc_) request.md5 = checks.md5;
  MemorySource body(content);
  storage::PartReceipt receipt =
      environment_.store.multipart()->upload_part(request, body, context_);
  receipt.number = number;
  receipt.size = content.size();
  keep(receipt, checks);
  const storage::ByteRange range = plan_.range(number);
  environment_.record(SavePart{PartRow{.transfer = session_.transfer,
                                       .number = number,
                                       .offset = range.offset,
                                       .length = range.length,
                                       .etag = receipt.etag,
                                       .md5 = checks.md5}});
  sent_bytes_ += content.size();
  report_bytes(environment_, job_.key, content.size());
}

void PartSender::keep(storage::PartReceipt receipt, const PartChecks& checks) {
  if (checks.crc64nvme) receipt.crc64nvme = checks.crc64nvme;
  receipts_[receipt.number - 1] = std::move(receipt);
}

std::optional<std::uint64_t> PartSender::combined_crc() const {
  if (!use_crc_) return std::nullopt;
  std::uint64_t whole = 0;
  for (const auto& receipt : receipts_) {
    whole = hash::crc64nvme_combine(whole, *receipt.crc64nvme, receipt.size);
  }
  return whole;
}

}  // namespace cloudsync::sync
