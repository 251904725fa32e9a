// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_uploads.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <span>
#include <tuple>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/random.h"
#include "cloudsync/error.h"
#include "hash/digest.h"
#include "storage/local/local_body.h"
#include "storage/local/local_placing.h"

namespace cloudsync::storage::local {
namespace {

using nlohmann::json;

constexpr std::uint32_t kMaxParts = 10000;
constexpr std::size_t kNumberDigits = 5;
constexpr std::size_t kMd5Digits = 32;

std::string uploads_folder() { return std::string(kStoreFolder) + "/uploads"; }

// Ids are ours: hex only, so that an id can never be a path.
bool is_upload_id(const std::string& id) {
  return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string folder_of(const UploadId& id) { return uploads_folder() + "/" + id.value; }

std::string part_name(std::uint32_t number, const std::string& md5) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%05u-", number);
  return digits + md5;
}

std::optional<PartReceipt> parse_part_name(const std::string& name) {
  const bool shaped = name.size() == kNumberDigits + 1 + kMd5Digits &&
                      name[kNumberDigits] == '-' &&
                      name.find_first_not_of("0123456789") >= kNumberDigits;
  if (!shaped) return std::nullopt;
  PartReceipt receipt;
  receipt.number = static_cast<std::uint32_t>(std::stoul(name.substr(0, kNumberDigits)));
  receipt.etag = name.substr(kNumberDigits + 1);
  return receipt;
}

std::vector<PartReceipt> receipts_of(int bucket, const UploadId& id) {
  std::vector<PartReceipt> receipts;
  const std::string folder = folder_of(id);
  for (const std::string& name : names_in(bucket, folder)) {
    auto receipt = parse_part_name(name);
    const auto stat = stat_beneath(bucket, folder + "/" + name);
    if (!receipt || !stat) continue;
    receipt->size = stat->size;
    receipts.push_back(*receipt);
  }
  return receipts;
}

[[noreturn]] void throw_gone(const ObjectKey& key, const UploadId& id) {
  throw Error(ErrorCode::kNotFound,
              "the upload '" + base::printable(id.value) + "' of '" +
                  base::printable(key.value) +
                  "' does not exist; it was completed or aborted",
              ServiceDetail{404, "NoSuchUpload", "", {}});
}

[[noreturn]] void throw_bad_part(std::uint32_t number, const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument, "part " + std::to_string(number) + " " + why,
              ServiceDetail{400, "InvalidPart", "", {}});
}

void require_part_number(std::uint32_t number) {
  if (number < 1 || number > kMaxParts)
    throw_bad_part(number, "is not between 1 and 10000");
}

// Under the upload's lock: the part takes its name, older ones of its number go.
void keep_part(int bucket, const UploadId& id, TemporaryFile& file,
               const PartReceipt& receipt) {
  const NameLock lock(bucket, id.value);
  const std::string folder = folder_of(id);
  const std::string name = part_name(receipt.number, receipt.etag);
  const int error =
      rename_at(bucket, file.path(), bucket, folder + "/" + name, RenameFlag::kReplace);
  if (error == ENOENT) throw_gone({""}, id);
  if (error != 0) throw_errno("write", folder + "/" + name, error);
  file.moved();
  for (const PartReceipt& other : receipts_of(bucket, id)) {
    if (other.number != receipt.number || other.etag == receipt.etag) continue;
    unlink_beneath(bucket, folder + "/" + part_name(other.number, other.etag));
  }
}

}  // namespace

std::optional<LocalUploads::Description> LocalUploads::describe(int bucket,
                                                                const UploadId& id) {
  if (!is_upload_id(id.value)) return std::nullopt;
  const auto text = read_small_file(bucket, folder_of(id) + "/upload.json");
  if (!text) return std::nullopt;
  try {
    const json document = json::parse(*text);
    Description description;
    description.key = {base::percent_decode(document.at("key").get<std::string>())};
    description.initiated_ns = document.at("initiated").get<std::int64_t>();
    description.record.content_type = document.at("content_type").get<std::string>();
    description.record.storage_class = document.at("storage_class").get<std::string>();
    description.record.metadata = document.at("metadata").get<Metadata>();
    description.record.served = served_from(document.value("served", json::object()));
    return description;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

LocalUploads::Description LocalUploads::require(int bucket, const ObjectKey& key,
                                                const UploadId& id) const {
  auto description = describe(bucket, id);
  if (!description || description->key != key) throw_gone(key, id);
  return *std::move(description);
}

UniqueFd LocalUploads::open_bucket(const ObjectKey& key, const UploadId& id) const {
  UniqueFd bucket = folder_.open();
  if (!bucket) throw_gone(key, id);
  return bucket;
}

UploadId LocalUploads::begin_upload(const BeginUploadRequest& request,
                                    const CallContext& context) {
  context.throw_if_stopped();
  require_storable(request.key, folder_.path());
  require_text(request.key.value, request.metadata, request.served);
  if (is_marker(request.key)) folder_.throw_nested(request.key.value);
  const UniqueFd bucket = folder_.create();
  const UploadId id{base::random_hex_id(base::system_random())};
  const json document{{"key", base::percent_encode(request.key.value, true)},
                      {"initiated", base::system_clock().now_ns()},
                      {"content_type", request.content_type},
                      {"storage_class", request.storage_class},
                      {"metadata", request.metadata},
                      {"served", served_json(request.served)}};
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  TemporaryFile file(bucket.get());
  write_all(file.fd(), std::as_bytes(std::span(text)), file.path());
  sync_file(file.fd(), file.path());
  if (const int error = make_directories(bucket.get(), folder_of(id))) {
    throw_errno("make", folder_.path_of(folder_of(id)), error);
  }
  const int error = rename_at(bucket.get(), file.path(), bucket.get(),
                              folder_of(id) + "/upload.json", RenameFlag::kReplace);
  if (error != 0) throw_errno("write", folder_.path_of(folder_of(id)), error);
  file.moved();
  return id;
}

PartReceipt LocalUploads::upload_part(const PartRequest& request, ByteSource& source,
                                      const CallContext& context) {
  context.throw_if_stopped();
  require_part_number(request.number);
  const UniqueFd bucket = open_bucket(request.key, request.upload);
  require(bucket.get(), request.key, request.upload);
  TemporaryFile file(bucket.get());
  const Received received =
      receive(source, file.fd(),
              {request.md5, request.sha256, request.crc64nvme, request.crc32c}, context);
  sync_file(file.fd(), file.path());
  const PartReceipt receipt{
      request.number, received.size, base::to_hex(received.md5), {}};
  keep_part(bucket.get(), request.upload, file, receipt);
  return receipt;
}

PartReceipt LocalUploads::copy_part(const CopyPartRequest& request,
                                    const CallContext& context) {
  context.throw_if_stopped();
  require_part_number(request.number);
  const UniqueFd bucket = open_bucket(request.key, request.upload);
  require(bucket.get(), request.key, request.upload);
  const std::string& source = request.source.value;
  const UniqueFd from = open_regular(bucket.get(), source);
  if (!from) {
    throw Error(ErrorCode::kNotFound,
                "the source '" + base::printable(source) + "' is gone");
  }
  const base::FileStat before = stat_of(from.get(), source);
  if (request.range.offset + request.range.length > before.size) {
    throw_bad_part(request.number, "ends behind its source");
  }
  TemporaryFile file(bucket.get());
  append_range(from.get(), request.range.offset, request.range.length, file.fd(), source);
  // The version that was asked for must have been there until the last byte.
  const auto after = find_object(folder_, bucket.get(), request.source);
  const ObjectInfo seen =
      info_of(source, before, fitting(load_records(bucket.get(), source), before));
  const bool unchanged = after && after->token == seen.token;
  if (!unchanged ||
      (request.source_if_match && after->token != *request.source_if_match)) {
    throw Error(ErrorCode::kPreconditionFailed,
                "the source '" + base::printable(source) + "' changed");
  }
  sync_file(file.fd(), file.path());
  const PartReceipt receipt{
      request.number, request.range.length, base::to_hex(md5_of(file.fd(), context)), {}};
  keep_part(bucket.get(), request.upload, file, receipt);
  return receipt;
}

void LocalUploads::append_parts(int bucket, const CompleteRequest& request,
                                int to) const {
  std::uint32_t previous = 0;
  for (const PartReceipt& receipt : request.parts) {
    if (receipt.number <= previous)
      throw_bad_part(receipt.number, "is not in ascending order");
    previous = receipt.number;
    const std::string path =
        folder_of(request.upload) + "/" + part_name(receipt.number, receipt.etag);
    const UniqueFd part = open_regular(bucket, path);
    if (!part) throw_bad_part(receipt.number, "was not uploaded with this checksum");
    append_range(part.get(), 0, stat_of(part.get(), path).size, to, path);
  }
}

PutResult LocalUploads::complete_upload(const CompleteRequest& request,
                                        const CallContext& context) {
  context.throw_if_stopped();
  PutResult result;
  result.outcome = Outcome::kNotFound;
  const UniqueFd bucket = folder_.open();
  auto description = bucket ? describe(bucket.get(), request.upload) : std::nullopt;
  if (!description || description->key != request.key) return result;
  result.outcome =
      check_condition(find_object(folder_, bucket.get(), request.key), request.condition);
  if (result.outcome != Outcome::kOk) return result;
  TemporaryFile file(bucket.get());
  append_parts(bucket.get(), request, file.fd());
  const std::uint64_t size = stat_of(file.fd(), file.path()).size;
  const bool wrong_size = request.size != 0 && request.size != size;
  if (wrong_size ||
      (request.crc64nvme && crc64nvme_of(file.fd(), context) != *request.crc64nvme)) {
    throw Error(ErrorCode::kDataCorrupt, "the parts of '" +
                                             base::printable(request.key.value) +
                                             "' do not make up what was announced");
  }
  context.throw_if_stopped();
  result = place(folder_, bucket.get(),
                 {request.key, file, std::move(description->record), request.condition});
  if (result.outcome == Outcome::kOk)
    remove_flat_directory(bucket.get(), folder_of(request.upload));
  return result;
}

void LocalUploads::abort_upload(const ObjectKey& key, const UploadId& id,
                                const CallContext& context) {
  context.throw_if_stopped();
  const UniqueFd bucket = folder_.open();
  const auto description = bucket ? describe(bucket.get(), id) : std::nullopt;
  if (!description || description->key != key) return;
  const NameLock lock(bucket.get(), id.value);
  remove_flat_directory(bucket.get(), folder_of(id));
}

std::optional<std::vector<PartReceipt>> LocalUploads::list_parts(
    const ObjectKey& key, const UploadId& id, const CallContext& context) {
  context.throw_if_stopped();
  const UniqueFd bucket = folder_.open();
  const auto description = bucket ? describe(bucket.get(), id) : std::nullopt;
  if (!description || description->key != key) return std::nullopt;
  return receipts_of(bucket.get(), id);
}

std::vector<UploadInfo> LocalUploads::list_uploads(const std::string& prefix,
                                                   const CallContext& context) {
  context.throw_if_stopped();
  std::vector<UploadInfo> found;
  const UniqueFd bucket = folder_.open();
  if (!bucket) return found;
  for (const std::string& name : names_in(bucket.get(), uploads_folder())) {
    const auto description = describe(bucket.get(), {name});
    if (!description || !description->key.value.starts_with(prefix)) continue;
    found.push_back({description->key, {name}, description->initiated_ns});
  }
  std::sort(found.begin(), found.end(), [](const UploadInfo& a, const UploadInfo& b) {
    return std::tie(a.key, a.upload) < std::tie(b.key, b.upload);
  });
  return found;
}

}  // namespace cloudsync::storage::local
