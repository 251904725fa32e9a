// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_blocks.h"

#include "storage/azure/azure_block_id.h"
#include "storage/azure/azure_headers.h"
#include "storage/azure/azure_names.h"
#include "storage/azure/azure_responses.h"

#include <algorithm>

namespace cloudsync::storage::azure {
namespace {

// A commit takes whatever it is told to: without blocks it would publish an empty blob.
void check_parts(const CompleteRequest& request) {
  const std::string nonce = nonce_of(request.upload);
  std::uint32_t before = 0;
  for (const PartReceipt& part : request.parts) {
    const bool ours = part.etag == block_id(nonce, part.number);
    if (ours && part.number > before) {
      before = part.number;
      continue;
    }
    throw Error(ErrorCode::kInvalidArgument,
                "block " + std::to_string(part.number) +
                    (ours ? " is out of its order" : " belongs to another upload"));
  }
  if (before == 0) {
    throw Error(ErrorCode::kInvalidArgument, "an upload without a block has no content");
  }
}

void check_size(const CompleteRequest& request) {
  std::uint64_t size = 0;
  for (const PartReceipt& part : request.parts) size += part.size;
  if (request.size == 0 || size == request.size) return;
  throw Error(ErrorCode::kDataCorrupt, "the blocks have " + std::to_string(size) +
                                           " bytes together, the file has " +
                                           std::to_string(request.size));
}

std::vector<PartReceipt> receipts_of(const std::vector<ListedBlock>& blocks,
                                     const std::string& nonce) {
  std::vector<PartReceipt> parts;
  for (const ListedBlock& block : blocks) {
    const auto number = number_of_block(block.id, nonce);
    if (number) parts.push_back({*number, block.size, block.id, {}});
  }
  std::sort(parts.begin(), parts.end(), [](const PartReceipt& a, const PartReceipt& b) {
    return a.number < b.number;
  });
  return parts;
}

}  // namespace

bool AzureBlocks::is_aborted(const UploadId& upload) {
  const std::lock_guard lock(mutex_);
  return aborted_.count(upload.value) != 0;
}

void AzureBlocks::throw_if_aborted(const UploadId& upload) {
  if (!is_aborted(upload)) return;
  throw Error(ErrorCode::kNotFound, "this upload has been aborted; begin again");
}

UploadId AzureBlocks::begin_upload(const BeginUploadRequest& request,
                                   const CallContext& context) {
  context.throw_if_stopped();
  // What the commit would be refused for, before the bytes have travelled.
  check_blob_name("Put Block", request.key.value);
  check_metadata(request.metadata);
  canonical_tier(request.storage_class);
  return {base::random_hex_id(client_.random())};
}

PartReceipt AzureBlocks::upload_part(const PartRequest& request, ByteSource& source,
                                     const CallContext& context) {
  throw_if_aborted(request.upload);
  const AzureRequest built = build_.put_block(request);
  const AzureAnswer answer = client_.send(built, context, {&source, nullptr});
  client_.require_ok(built, answer);
  PartReceipt receipt;
  receipt.number = request.number;
  receipt.size = source.size();
  receipt.etag = block_id(nonce_of(request.upload), request.number);
  receipt.crc64nvme = request.crc64nvme;
  return receipt;
}

PartReceipt AzureBlocks::copy_part(const CopyPartRequest& request, const CallContext&) {
  AzureRequest named;
  named.operation = {"Put Block From URL", "w (write)", true};
  named.key = request.key.value;
  throw Error(ErrorCode::kUnsupported,
              azure::describe(client_.site(named)) +
                  ": not done here, Copy Blob takes blobs of every size");
}

PutResult AzureBlocks::complete_upload(const CompleteRequest& request,
                                       const CallContext& context) {
  throw_if_aborted(request.upload);
  const AzureRequest built = build_.put_block_list(request);
  client_.interpret(built, [&] {
    check_parts(request);
    check_size(request);
  });
  const AzureAnswer answer = client_.send(built, context);
  if (is_condition_failed(answer, request.condition)) {
    return rest::put_outcome(Outcome::kPreconditionFailed);
  }
  client_.require_ok(built, answer);
  // Content-MD5 of this answer is that of the list of blocks.
  return client_.interpret(built,
                           [&] { return put_result(answer.http, client_.now_ns()); });
}

void AzureBlocks::abort_upload(const ObjectKey&, const UploadId& upload,
                               const CallContext& context) {
  context.throw_if_stopped();
  const std::lock_guard lock(mutex_);
  aborted_.insert(upload.value);
}

std::optional<std::vector<PartReceipt>> AzureBlocks::list_parts(
    const ObjectKey& key, const UploadId& upload, const CallContext& context) {
  if (!is_upload_id(upload) || is_aborted(upload)) return std::nullopt;
  const AzureRequest built = build_.get_block_list(key);
  AzureAnswer answer = client_.send(built, context);
  if (is_absent(answer)) return std::vector<PartReceipt>();
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] {
    return receipts_of(parse_block_list(std::move(answer.http.body)), nonce_of(upload));
  });
}

std::vector<UploadInfo> AzureBlocks::list_uploads(const std::string&,
                                                  const CallContext& context) {
  context.throw_if_stopped();
  return {};
}

}  // namespace cloudsync::storage::azure
