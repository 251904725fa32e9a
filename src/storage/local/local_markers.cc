// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/clock.h"
#include "base/random.h"
#include "cloudsync/error.h"
#include "hash/digest.h"
#include "storage/local/local_obstacles.h"
#include "storage/local/local_placing.h"

namespace cloudsync::storage::local {
namespace {

std::string directory_of(const ObjectKey& key) {
  return key.value.substr(0, key.value.size() - 1);
}

std::optional<base::FileStat> stat_directory(const BucketFolder& folder, int bucket,
                                             const ObjectKey& key) {
  const UniqueFd fd = open_beneath(bucket, directory_of(key), O_PATH | O_DIRECTORY);
  if (fd) return stat_of(fd.get(), key.value);
  const int error = errno;
  if (error != ENOENT && error != ENOTDIR && error != ELOOP && error != ENAMETOOLONG)
    throw_errno("look at", folder.path_of(key.value), error);
  refuse_obstacle(folder, bucket, directory_of(key));
  return std::nullopt;
}

UniqueFd make_directory(const BucketFolder& folder, int bucket, const ObjectKey& key) {
  UniqueFd parent = folder.create_parent(bucket, directory_of(key));
  const std::string name = name_of(directory_of(key));
  if (mkdirat(parent.get(), name.c_str(), 0777) != 0 && errno != EEXIST) {
    throw_errno("make", folder.path_of(key.value), errno);
  }
  return parent;
}

Record marker_record(const PutRequest& request, const base::FileStat& directory) {
  Record record;
  record.ino = directory.ino;
  record.mtime_ns = base::system_clock().now_ns();
  record.md5 = hash::Md5::of({});
  describe(record, request);
  record.marker_token = base::random_hex_id(base::system_random());
  return record;
}

}  // namespace

std::optional<ObjectInfo> find_marker(const BucketFolder& folder, int bucket,
                                      const ObjectKey& key) {
  const auto stat = stat_directory(folder, bucket, key);
  if (!stat) return std::nullopt;
  const auto record = fitting(load_records(bucket, key.value), *stat);
  return record ? std::optional(info_of(key.value, *stat, record)) : std::nullopt;
}

PutResult place_marker(const BucketFolder& folder, int bucket,
                       const PutRequest& request) {
  const NameLock lock(bucket, request.key.value);
  PutResult result;
  result.outcome =
      check_condition(find_marker(folder, bucket, request.key), request.condition);
  if (result.outcome != Outcome::kOk) return result;
  folder.require_spelling(bucket, request.key.value);
  const UniqueFd parent = make_directory(folder, bucket, request.key);
  folder.require_spelling(bucket, request.key.value);
  const auto stat = stat_directory(folder, bucket, request.key);
  if (!stat) folder.throw_nested(request.key.value);
  const Record record = marker_record(request, *stat);
  save_records(bucket, request.key.value, {record});
  sync_file(parent.get(), folder.path_of(request.key.value));
  result.token = {record.marker_token};
  result.last_modified_ns = record.mtime_ns;
  result.last_modified_exact = true;
  result.md5 = record.md5;
  return result;
}

DeleteResult remove_marker(const BucketFolder& folder, int bucket,
                           const DeleteRequest& request) {
  {
    const NameLock lock(bucket, request.key.value);
    const auto current = find_marker(folder, bucket, request.key);
    if (!current) return {};
    if (check_condition(current, {request.if_match, false}) != Outcome::kOk) {
      return {Outcome::kPreconditionFailed, {}};
    }
    remove_records(bucket, request.key.value);
  }
  remove_empty_directories(folder, bucket, directory_of(request.key));
  return {};
}

}  // namespace cloudsync::storage::local
