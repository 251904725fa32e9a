// SPDX-License-Identifier: Apache-2.0
#include "storage/settlement.h"

#include <array>
#include <span>

#include "base/encoding.h"
#include "hash/digest.h"
#include "storage/object_metadata.h"

namespace cloudsync::storage {
namespace {

Md5Digest md5_of(ByteSource& source) {
  source.rewind();
  hash::Md5 md5;
  std::array<std::byte, 64 * 1024> buffer;
  while (const std::size_t n = source.read(buffer))
    md5.update(std::span(buffer).first(n));
  return md5.finish();
}

// Every entry that we sent must be there: the same bytes by another writer are not our
// write.
bool carries(const ObjectInfo& now, const Metadata& sent) {
  if (!now.metadata) return true;
  for (const auto& [name, value] : sent) {
    const auto found = now.metadata->find(name);
    if (found == now.metadata->end() || found->second != value) return false;
  }
  return true;
}

bool is_md5(const ObjectInfo& now, const Md5Digest& md5) {
  return told_md5(now) == md5 || now.md5_candidate == md5 ||
         now.token.value == base::to_hex(md5);
}

}  // namespace

bool is_unreadable_answer(const Error& error) {
  return error.detail().provider_code == "UnreadableAnswer";
}

bool holds_put(const ObjectInfo& now, const PutRequest& request, ByteSource& source) {
  if (now.size != source.size() || !carries(now, request.metadata)) return false;
  if (request.crc64nvme && now.crc64nvme) return *request.crc64nvme == *now.crc64nvme;
  return is_md5(now, request.md5 ? *request.md5 : md5_of(source));
}

std::optional<std::string> composite_etag(std::span<const PartReceipt> parts) {
  hash::Md5 md5;
  for (const PartReceipt& part : parts) {
    const auto digest = base::from_hex(part.etag);
    if (!digest || digest->size() != Md5Digest{}.size()) return std::nullopt;
    md5.update(std::as_bytes(std::span(*digest)));
  }
  return base::to_hex(md5.finish()) + "-" + std::to_string(parts.size());
}

bool holds_upload(const ObjectInfo& now, const CompleteRequest& request) {
  std::uint64_t size = 0;
  for (const PartReceipt& part : request.parts) size += part.size;
  if (request.size != 0) size = request.size;
  if (now.size != size) return false;
  const auto stored = told_md5(now);
  if (request.md5 && stored) {
    return *request.md5 == *stored && carries(now, request.metadata);
  }
  const auto etag = composite_etag(request.parts);
  if (etag && now.token.value == *etag) return true;
  return request.crc64nvme && now.crc64nvme && *request.crc64nvme == *now.crc64nvme;
}

bool holds_copy(const ObjectInfo& destination, const ObjectInfo& source) {
  if (destination.size != source.size) return false;
  const auto there = told_md5(destination);
  const auto here = told_md5(source);
  if (there && here) return *there == *here;
  return destination.crc64nvme && source.crc64nvme &&
         *destination.crc64nvme == *source.crc64nvme;
}

bool is_version_seen(const ObjectInfo& now, const DeleteRequest& request) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return request.if_match && now.token == *request.if_match &&
         request.seen_modified_ns != 0 &&
         now.last_modified_ns / kSecond == request.seen_modified_ns / kSecond;
}

PutResult recovered_result(const ObjectInfo& now) {
  PutResult result;
  result.token = now.token;
  result.version_id = now.version_id;
  result.last_modified_ns = now.last_modified_ns;
  // A HEAD rounds to seconds on S3 where a listing may not.
  result.last_modified_exact = false;
  result.md5 = told_md5(now);
  return result;
}

}  // namespace cloudsync::storage
