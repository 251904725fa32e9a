// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "storage/local/local_body.h"
#include "storage/local/local_clock.h"
#include "storage/local/local_layout.h"
#include "storage/local/local_listing.h"
#include "storage/local/local_placing.h"
#include "storage/local/local_uploads.h"

namespace cloudsync::storage {
namespace local {
namespace {

constexpr const char* kDefaultBucket = "data";

Capabilities declared_capabilities() {
  Capabilities capabilities;
  capabilities.conditional_batch_delete = true;
  capabilities.conditional_copy_destination = true;
  capabilities.nested_keys = false;
  capabilities.metadata_in_listing = true;
  capabilities.ascii_properties = false;
  capabilities.multipart = true;
  capabilities.max_single_put = capabilities.max_object;
  capabilities.max_single_copy = capabilities.max_object;
  capabilities.min_part = 1;
  return capabilities;
}

ByteRange clip(const std::optional<ByteRange>& range, std::uint64_t size) {
  if (!range) return {0, size};
  const std::uint64_t begin = std::min(range->offset, size);
  return {begin, std::min(range->length, size - begin)};
}

Record record_of(const ObjectInfo& info) {
  Record record;
  record.md5 = info.md5;
  record.content_type = info.content_type;
  record.storage_class = info.storage_class;
  record.metadata = info.metadata.value_or(Metadata{});
  record.served = info.served;
  return record;
}

// An open object and what belongs to exactly that file.
struct OpenObject {
  UniqueFd fd;
  ObjectInfo info;
};

// Looked at before it is opened: opening a FIFO or a device is not without effect.
std::optional<OpenObject> open_object(const BucketFolder& folder, int bucket,
                                      const std::string& key) {
  while (find_object(folder, bucket, {key})) {
    OpenObject object;
    object.fd = open_regular(bucket, key);
    if (!object.fd) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EINVAL)
        continue;
      throw_errno("open", folder.path_of(key), errno);
    }
    const base::FileStat stat = stat_of(object.fd.get(), key);
    const auto record = fitting(load_records(bucket, key), stat);
    // Replaced between the open and the look at its record: take the new one.
    if (!record && !is_linked(object.fd.get())) continue;
    object.info = info_of(key, stat, record);
    return object;
  }
  return std::nullopt;
}

class LocalStore final : public ObjectStore {
 public:
  LocalStore(const std::string& path, const std::string& bucket)
      : folder_(path, bucket), listings_(folder_), uploads_(folder_) {}

  const Capabilities& capabilities() const override { return capabilities_; }
  std::string describe() const override {
    return "local bucket '" + folder_.path() + "'";
  }
  std::optional<std::int64_t> clock_offset_ns() override { return clock_.offset_ns(); }
  MultipartStore* multipart() override { return &uploads_; }

  ListPage list(const ListRequest& request, const CallContext& context) override;
  std::optional<ObjectInfo> head(const ObjectKey& key,
                                 const CallContext& context) override;
  GetResult get(const GetRequest& request, ByteSink& sink,
                const CallContext& context) override;
  PutResult put(const PutRequest& request, ByteSource& source,
                const CallContext& context) override;
  DeleteResult remove(const DeleteRequest& request, const CallContext& context) override;
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest> requests,
                                        const CallContext& context) override;
  PutResult copy(const CopyRequest& request, const CallContext& context) override;
  BucketInfo describe_bucket(const CallContext& context) override;
  std::optional<BucketIdentity> identity(const CallContext& context) override;
  std::string give_identity(const CallContext& context) override;

 private:
  PutResult put_marker(int bucket, const PutRequest& request, ByteSource& source);
  PutResult copy_marker(int bucket, const CopyRequest& request);
  DeleteResult remove_one(int bucket, const DeleteRequest& request) const;

  BucketFolder folder_;
  FileSystemClock clock_{folder_};
  Listings listings_;
  LocalUploads uploads_;
  Capabilities capabilities_ = declared_capabilities();
};

ListPage LocalStore::list(const ListRequest& request, const CallContext& context) {
  context.throw_if_stopped();
  return listings_.page(request, context);
}

std::optional<ObjectInfo> LocalStore::head(const ObjectKey& key,
                                           const CallContext& context) {
  context.throw_if_stopped();
  const UniqueFd bucket = folder_.open();
  return bucket ? find_object(folder_, bucket.get(), key) : std::nullopt;
}

GetResult LocalStore::get(const GetRequest& request, ByteSink& sink,
                          const CallContext& context) {
  context.throw_if_stopped();
  GetResult result{Outcome::kNotFound, {}, 0};
  const UniqueFd bucket = folder_.open();
  if (!bucket || !why_unstorable(request.key.value).empty()) return result;
  std::optional<OpenObject> object;
  if (is_marker(request.key)) {
    if (auto info = find_marker(folder_, bucket.get(), request.key))
      object.emplace(UniqueFd(), *info);
  } else {
    object = open_object(folder_, bucket.get(), request.key.value);
  }
  if (!object) return result;
  result.info = object->info;
  result.outcome = check_condition(object->info, {request.if_match, false});
  if (result.outcome != Outcome::kOk || !object->fd) return result;
  result.body_bytes =
      deliver(object->fd.get(), clip(request.range, object->info.size), sink, context);
  return result;
}

PutResult LocalStore::put_marker(int bucket, const PutRequest& request,
                                 ByteSource& source) {
  if (source.size() != 0) {
    throw Error(ErrorCode::kUnsupported,
                "cannot store '" + base::printable(request.key.value) + "' in " +
                    describe() +
                    ": a key that ends in '/' is a directory here and holds no bytes");
  }
  return place_marker(folder_, bucket, request);
}

PutResult LocalStore::put(const PutRequest& request, ByteSource& source,
                          const CallContext& context) {
  context.throw_if_stopped();
  require_storable(request.key, describe());
  require_text(request.key.value, request.metadata, request.served);
  const UniqueFd bucket = folder_.create();
  if (is_marker(request.key)) return put_marker(bucket.get(), request, source);
  PutResult result;
  // Before the body: nobody waits for a transfer that is lost already.
  result.outcome =
      check_condition(find_object(folder_, bucket.get(), request.key), request.condition);
  if (result.outcome != Outcome::kOk) return result;
  TemporaryFile file(bucket.get());
  const Received received =
      receive(source, file.fd(),
              {request.md5, request.sha256, request.crc64nvme, request.crc32c}, context);
  Record record;
  record.md5 = received.md5;
  local::describe(record, request);
  context.throw_if_stopped();
  return place(folder_, bucket.get(),
               {request.key, file, std::move(record), request.condition});
}

DeleteResult LocalStore::remove_one(int bucket, const DeleteRequest& request) const {
  if (!why_unstorable(request.key.value).empty()) return {};
  return is_marker(request.key) ? remove_marker(folder_, bucket, request)
                                : remove_object(folder_, bucket, request);
}

DeleteResult LocalStore::remove(const DeleteRequest& request,
                                const CallContext& context) {
  context.throw_if_stopped();
  // An object that is not there is not there for a bucket that is not, and nothing is
  // made for it.
  if (!head(request.key, context)) return {};
  const UniqueFd bucket = folder_.create();
  DeleteResult result = remove_one(bucket.get(), request);
  if (result.outcome == Outcome::kOk) {
    sync_nearest_directory(folder_, bucket.get(), parent_of(request.key.value));
  }
  return result;
}

std::vector<DeleteResult> LocalStore::remove_many(std::span<const DeleteRequest> requests,
                                                  const CallContext& context) {
  context.throw_if_stopped();
  std::vector<DeleteResult> results(requests.size());
  if (!folder_.open()) return results;
  const UniqueFd bucket = folder_.create();
  std::set<std::string> parents;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    context.throw_if_stopped();
    try {
      results[i] = remove_one(bucket.get(), requests[i]);
      if (results[i].outcome == Outcome::kOk)
        parents.insert(parent_of(requests[i].key.value));
    } catch (const Error& error) {
      results[i].error = error;
    }
  }
  for (const std::string& parent : parents) {
    sync_nearest_directory(folder_, bucket.get(), parent);
  }
  return results;
}

PutResult LocalStore::copy_marker(int bucket, const CopyRequest& request) {
  PutResult result;
  const auto source = find_marker(folder_, bucket, request.source);
  result.outcome = source ? check_condition(source, {request.source_if_match, false})
                          : Outcome::kNotFound;
  if (result.outcome != Outcome::kOk) return result;
  PutRequest put;
  put.key = request.destination;
  put.condition = request.condition;
  put.content_type = source->content_type;
  put.storage_class = source->storage_class;
  put.metadata = source->metadata.value_or(Metadata{});
  put.served = source->served;
  return place_marker(folder_, bucket, put);
}

PutResult LocalStore::copy(const CopyRequest& request, const CallContext& context) {
  context.throw_if_stopped();
  require_storable(request.destination, describe());
  PutResult result;
  result.outcome = Outcome::kNotFound;
  if (!head(request.source, context)) return result;
  if (is_marker(request.source) != is_marker(request.destination)) {
    folder_.throw_nested(request.destination.value);
  }
  const UniqueFd bucket = folder_.create();
  if (is_marker(request.source)) return copy_marker(bucket.get(), request);
  const auto source = open_object(folder_, bucket.get(), request.source.value);
  if (!source) return result;
  result.outcome = check_condition(source->info, {request.source_if_match, false});
  if (result.outcome != Outcome::kOk) return result;
  TemporaryFile file(bucket.get());
  append_range(source->fd.get(), 0, source->info.size, file.fd(), request.source.value);
  const base::FileStat after = stat_of(source->fd.get(), request.source.value);
  if (after.mtime_ns != source->info.last_modified_ns ||
      after.size != source->info.size) {
    result.outcome = Outcome::kPreconditionFailed;
    return result;
  }
  return place(folder_, bucket.get(),
               {request.destination, file, record_of(source->info), request.condition});
}

BucketInfo LocalStore::describe_bucket(const CallContext& context) {
  context.throw_if_stopped();
  return {.exists = folder_.is_usable(), .region = "", .versioned = false};
}

std::optional<BucketIdentity> LocalStore::identity(const CallContext& context) {
  context.throw_if_stopped();
  return folder_.identity();
}

std::string LocalStore::give_identity(const CallContext& context) {
  context.throw_if_stopped();
  return folder_.give_identity();
}

}  // namespace
}  // namespace local

std::unique_ptr<ObjectStore> make_local_store(const StorageOptions& options) {
  if (options.path.empty()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "storage.path is missing: the provider 'local' needs the folder that holds its "
        "buckets");
  }
  const std::string bucket =
      options.bucket.empty() ? local::kDefaultBucket : options.bucket;
  if (bucket == "." || bucket == ".." || bucket.find('/') != std::string::npos) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "storage.bucket '" + bucket + "' cannot be a folder name below storage.path");
  }
  return std::make_unique<local::LocalStore>(options.path, bucket);
}

}  // namespace cloudsync::storage
