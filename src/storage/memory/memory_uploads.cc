// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include "base/encoding.h"
#include "hash/digest.h"
#include "storage/memory/memory_impl.h"

namespace cloudsync::storage {
namespace {

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string composite_etag(const std::vector<Md5Digest>& parts) {
  hash::Md5 md5;
  for (const Md5Digest& part : parts) md5.update(std::as_bytes(std::span(part)));
  return base::to_hex(md5.finish()) + "-" + std::to_string(parts.size());
}

}  // namespace

MemoryUploads::Upload* MemoryUploads::find(const ObjectKey& key, const UploadId& id) {
  const auto found = uploads_.find(id.value);
  const bool ours = found != uploads_.end() && found->second.request.key == key;
  return ours ? &found->second : nullptr;
}

MemoryUploads::Upload& MemoryUploads::require(const ObjectKey& key, const UploadId& id) {
  if (Upload* upload = find(key, id)) return *upload;
  throw Error(ErrorCode::kNotFound,
              "the upload " + id.value + " of '" + key.value + "' does not exist",
              ServiceDetail{404, "NoSuchUpload", "", {}});
}

UploadId MemoryUploads::begin_upload(const BeginUploadRequest& request,
                                     const CallContext& context) {
  context.throw_if_stopped();
  faults_.before("begin_upload", request.key.value);
  UploadId id;
  {
    const std::lock_guard lock(bucket_.mutex);
    id.value = "upload-" + std::to_string(++next_id_);
    uploads_[id.value] = {request, bucket_.now_ns(), {}};
  }
  faults_.after("begin_upload", request.key.value);
  return id;
}

PartReceipt MemoryUploads::add_part(const ObjectKey& key, const UploadId& id,
                                    std::uint32_t number, std::string content) {
  if (number < 1 || number > options_.capabilities.max_parts) {
    throw Error(ErrorCode::kInvalidArgument, "part number " + std::to_string(number));
  }
  const std::lock_guard lock(bucket_.mutex);
  Part& part = require(key, id).parts[number];
  part.md5 = hash::Md5::of(bytes_of(content));
  part.content = std::move(content);
  return {number, part.content.size(), base::to_hex(part.md5),
          hash::crc64nvme(bytes_of(part.content))};
}

// A session knows only how many bytes it has: a part belongs behind the one before it.
void MemoryUploads::require_next(const PartRequest& request) {
  const std::lock_guard lock(bucket_.mutex);
  const Upload& upload = require(request.key, request.upload);
  const std::uint64_t begin = (request.number - 1) * upload.request.part_size;
  if (request.number <= upload.parts.size() + 1 && request.offset == begin) return;
  throw Error(ErrorCode::kInvalidArgument,
              "part " + std::to_string(request.number) + " is out of order");
}

PartReceipt MemoryUploads::upload_part(const PartRequest& request, ByteSource& source,
                                       const CallContext& context) {
  context.throw_if_stopped();
  faults_.before("upload_part", request.key.value);
  if (options_.capabilities.sequential_parts) require_next(request);
  std::string content = read_checked(
      source, {request.md5, request.sha256, request.crc64nvme, request.crc32c}, context);
  PartReceipt receipt =
      add_part(request.key, request.upload, request.number, std::move(content));
  faults_.after("upload_part", request.key.value);
  return receipt;
}

PartReceipt MemoryUploads::copy_part(const CopyPartRequest& request,
                                     const CallContext& context) {
  context.throw_if_stopped();
  faults_.before("copy_part", request.key.value);
  std::string content;
  {
    const std::lock_guard lock(bucket_.mutex);
    const auto* source = bucket_.find(request.source.value);
    if (!source)
      throw Error(ErrorCode::kNotFound, "'" + request.source.value + "' is gone");
    if (options_.capabilities.conditional_copy_source && request.source_if_match &&
        source->info.token != *request.source_if_match) {
      throw Error(ErrorCode::kPreconditionFailed,
                  "'" + request.source.value + "' changed");
    }
    if (request.range.offset + request.range.length > source->content->size()) {
      throw Error(ErrorCode::kInvalidArgument, "the range ends behind the source");
    }
    content = source->content->substr(request.range.offset, request.range.length);
  }
  PartReceipt receipt =
      add_part(request.key, request.upload, request.number, std::move(content));
  faults_.after("copy_part", request.key.value);
  return receipt;
}

void MemoryUploads::require_part(const PartReceipt& receipt, const Upload& upload,
                                 bool is_last) const {
  const auto part = upload.parts.find(receipt.number);
  if (part == upload.parts.end() || base::to_hex(part->second.md5) != receipt.etag) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "part " + std::to_string(receipt.number) + " was not uploaded with this ETag",
        ServiceDetail{400, "InvalidPart", "", {}});
  }
  if (!is_last && part->second.content.size() < options_.capabilities.min_part) {
    throw Error(ErrorCode::kInvalidArgument,
                "part " + std::to_string(receipt.number) + " is too small",
                ServiceDetail{400, "EntityTooSmall", "", {}});
  }
}

memory::NewObject MemoryUploads::assemble(const CompleteRequest& request,
                                          const Upload& upload) const {
  memory::NewObject object;
  object.key = request.key.value;
  const bool at_end = options_.properties_at_complete;
  object.metadata = at_end ? request.metadata : upload.request.metadata;
  object.served = at_end ? request.served : upload.request.served;
  object.tags = at_end ? request.tags : upload.request.tags;
  object.content_type = at_end ? request.content_type : upload.request.content_type;
  object.storage_class = at_end ? request.storage_class : upload.request.storage_class;
  std::vector<Md5Digest> digests;
  std::uint32_t previous = 0;
  for (const PartReceipt& receipt : request.parts) {
    if (receipt.number <= previous) {
      throw Error(ErrorCode::kInvalidArgument, "the parts are not in ascending order");
    }
    previous = receipt.number;
    require_part(receipt, upload, &receipt == &request.parts.back());
    const Part& part = upload.parts.at(receipt.number);
    object.content += part.content;
    digests.push_back(part.md5);
  }
  object.composite_token = composite_etag(digests);
  object.crc64nvme = request.crc64nvme;
  return object;
}

PutResult MemoryUploads::complete_upload(const CompleteRequest& request,
                                         const CallContext& context) {
  context.throw_if_stopped();
  const std::string& key = request.key.value;
  if (options_.require_preconditions && !request.condition.any()) {
    throw Error(ErrorCode::kInternal, "blind write (invariant I5): complete of " + key);
  }
  faults_.before("complete_upload", key);
  PutResult result;
  {
    const std::lock_guard lock(bucket_.mutex);
    const Upload* upload = find(request.key, request.upload);
    if (!upload) {
      result.outcome = Outcome::kNotFound;
      return result;
    }
    memory::NewObject object = assemble(request, *upload);
    if (request.size != 0 && request.size != object.content.size()) {
      throw Error(ErrorCode::kDataCorrupt,
                  "the parts of '" + key + "' have another size");
    }
    if (request.crc64nvme &&
        *request.crc64nvme != hash::crc64nvme(bytes_of(object.content))) {
      throw Error(ErrorCode::kDataCorrupt,
                  "the parts of '" + key + "' have another CRC64NVME");
    }
    if (request.md5 && *request.md5 != hash::Md5::of(bytes_of(object.content))) {
      throw Error(ErrorCode::kDataCorrupt, "the parts of '" + key + "' have another MD5");
    }
    if (options_.capabilities.sequential_parts &&
        request.condition != upload->request.condition) {
      throw Error(ErrorCode::kInternal, "a session has the condition of its beginning");
    }
    if (options_.capabilities.conditional_complete) {
      result.outcome = bucket_.check(request.condition, key);
    }
    if (result.outcome == Outcome::kOk) {
      bucket_.require_unnested(key);
      result = bucket_.store(std::move(object));
      uploads_.erase(request.upload.value);
    }
  }
  faults_.after("complete_upload", key);
  return result;
}

void MemoryUploads::abort_upload(const ObjectKey& key, const UploadId& id,
                                 const CallContext& context) {
  context.throw_if_stopped();
  faults_.before("abort_upload", key.value);
  {
    const std::lock_guard lock(bucket_.mutex);
    if (find(key, id)) uploads_.erase(id.value);
  }
  faults_.after("abort_upload", key.value);
}

std::optional<std::vector<PartReceipt>> MemoryUploads::list_parts(
    const ObjectKey& key, const UploadId& id, const CallContext& context) {
  context.throw_if_stopped();
  faults_.before("list_parts", key.value);
  std::optional<std::vector<PartReceipt>> receipts;
  {
    const std::lock_guard lock(bucket_.mutex);
    if (const Upload* upload = find(key, id)) {
      receipts.emplace();
      for (const auto& [number, part] : upload->parts) {
        receipts->push_back({number, part.content.size(), base::to_hex(part.md5),
                             hash::crc64nvme(bytes_of(part.content))});
      }
    }
  }
  faults_.after("list_parts", key.value);
  return receipts;
}

std::vector<UploadInfo> MemoryUploads::list_uploads(const std::string& prefix,
                                                    const CallContext& context) {
  context.throw_if_stopped();
  faults_.before("list_uploads", prefix);
  std::vector<UploadInfo> found;
  {
    const std::lock_guard lock(bucket_.mutex);
    for (const auto& [id, upload] : uploads_) {
      if (!upload.request.key.value.starts_with(prefix)) continue;
      found.push_back({upload.request.key, {id}, upload.initiated_ns});
    }
  }
  std::sort(found.begin(), found.end(), [](const UploadInfo& a, const UploadInfo& b) {
    return std::tie(a.key, a.upload) < std::tie(b.key, b.upload);
  });
  faults_.after("list_uploads", prefix);
  return found;
}

}  // namespace cloudsync::storage
