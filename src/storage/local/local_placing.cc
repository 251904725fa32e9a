// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_placing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/random.h"
#include "cloudsync/error.h"
#include "storage/local/local_aside.h"
#include "storage/local/local_clock.h"
#include "storage/local/local_replacing.h"

namespace cloudsync::storage::local {
namespace {

void fill_stat(Record& record, const base::FileStat& stat) {
  record.ino = stat.ino;
  record.size = stat.size;
  record.mtime_ns = stat.mtime_ns;
  record.ctime_ns.reset();
  record.version = stat.ino == 0 ? base::random_hex_id(base::system_random()) : "";
}

std::optional<ObjectInfo> info_in(const std::optional<Seen>& seen) {
  return seen ? std::optional(seen->info) : std::nullopt;
}

PutResult result_of(const ObjectInfo& info) {
  PutResult result;
  result.token = info.token;
  result.last_modified_ns = info.last_modified_ns;
  result.last_modified_exact = true;
  result.md5 = info.md5;
  return result;
}

// A directory that holds nothing is not in the way of an object.
void clear_the_way(const BucketFolder& folder, int bucket, const std::string& key) {
  remove_empty_directories(folder, bucket, key);
  const auto stat = stat_beneath(bucket, key);
  if (stat && stat->kind == base::FileKind::kDirectory) folder.throw_nested(key);
}

PutResult place_locked(Placing& placing, Incoming& incoming) {
  const std::string& key = placing.key;
  const auto current =
      look_up(placing.bucket, placing.parent, key, placing.folder.path());
  PutResult result;
  result.outcome = check_condition(info_in(current), incoming.condition);
  if (result.outcome != Outcome::kOk) return result;
  Record& record = incoming.record;
  fill_stat(record, stat_of(incoming.file.fd(), key));
  std::vector<Record> records{record};
  if (current) {
    placing.observed = current->stat;
    if (current->record) records.push_back(*current->record);
  }
  save_records(placing.bucket, key, records, ToDisk::kLater);
  result.outcome = move_into_place(placing, incoming.condition);
  if (result.outcome != Outcome::kOk) return result;
  if (!current) require_own_spelling(placing);
  const base::FileStat placed = stat_of(incoming.file.fd(), key);
  record.ctime_ns = placed.ctime_ns;
  save_records(placing.bucket, key, {record});
  return result_of(info_of(key, placed, record));
}

// Moved aside first: an edit by somebody who does not know our locks is noticed and put
// back.
Outcome move_aside(const BucketFolder& folder, int bucket, int parent, const Seen& seen) {
  const std::string& key = seen.info.key.value;
  const Aside aside(folder, bucket, key, 0);
  const int error =
      rename_at(parent, name_of(key), bucket, aside.path(), RenameFlag::kReplace);
  if (error == ENOENT) return Outcome::kNotFound;
  if (error != 0) throw_errno("remove", folder.path_of(key), error);
  const auto moved = stat_beneath(bucket, aside.path());
  if (moved && same_content(*moved, seen.stat) && !is_written_to(bucket, aside.path())) {
    unlink_beneath(bucket, aside.path());
    return Outcome::kOk;
  }
  put_back(folder, bucket, aside.path(), key);
  return Outcome::kPreconditionFailed;
}

}  // namespace

Outcome check_condition(const std::optional<ObjectInfo>& current,
                        const Precondition& condition) {
  if (condition.if_absent && current) return Outcome::kPreconditionFailed;
  if (!condition.if_match) return Outcome::kOk;
  const bool matches = current && current->token == *condition.if_match;
  return matches ? Outcome::kOk : Outcome::kPreconditionFailed;
}

PutResult place(const BucketFolder& folder, int bucket, Incoming incoming) {
  const std::string& key = incoming.key.value;
  stamp_now(incoming.file.fd(), folder.path_of(key));
  sync_file(incoming.file.fd(), folder.path_of(key));
  incoming.file.seal();
  PutResult result;
  folder.require_spelling(bucket, key);
  // The parent may be removed as emptied between opening it and moving the file there.
  for (int attempt = 0;; ++attempt) {
    const UniqueFd parent = folder.create_parent(bucket, key);
    const auto there = stat_at(parent.get(), name_of(key), folder.path_of(key));
    if (there && there->kind == base::FileKind::kDirectory) {
      clear_the_way(folder, bucket, key);
      continue;
    }
    try {
      const NameLock lock(bucket, key);
      Placing placing{folder, bucket, parent.get(), key, incoming.file, {}};
      result = place_locked(placing, incoming);
    } catch (const Error&) {
      if (attempt == 100 || is_linked(parent.get())) throw;
      continue;
    }
    if (result.outcome == Outcome::kOk)
      sync_file(parent.get(), folder.path_of(parent_of(key)));
    return result;
  }
}

DeleteResult remove_object(const BucketFolder& folder, int bucket,
                           const DeleteRequest& request) {
  const std::string& key = request.key.value;
  const UniqueFd parent = folder.open_parent(bucket, key);
  if (!parent) return {};
  {
    const NameLock lock(bucket, key);
    const auto current = look_up(bucket, parent.get(), key, folder.path());
    if (!current) return {};
    folder.require_spelling(bucket, key);
    DeleteResult result{check_condition(info_in(current), {request.if_match, false}), {}};
    if (result.outcome != Outcome::kOk) return result;
    result.outcome = move_aside(folder, bucket, parent.get(), *current);
    if (result.outcome == Outcome::kNotFound) return {};
    if (result.outcome != Outcome::kOk) return result;
    remove_records(bucket, key);
  }
  remove_empty_directories(folder, bucket, parent_of(key));
  return {};
}

void sync_nearest_directory(const BucketFolder& folder, int bucket, std::string path) {
  UniqueFd fd;
  while (!fd && !path.empty()) {
    fd = folder.open_parent(bucket, path + "/x");
    if (!fd) path = parent_of(path);
  }
  sync_file(fd ? fd.get() : bucket, folder.path_of(path));
}

void remove_empty_directories(const BucketFolder& folder, int bucket, std::string path) {
  while (!path.empty()) {
    const NameLock lock(bucket, path + "/");
    if (find_marker(folder, bucket, {path + "/"})) return;
    const UniqueFd parent = folder.open_parent(bucket, path);
    if (!parent || unlinkat(parent.get(), name_of(path).c_str(), AT_REMOVEDIR) != 0)
      return;
    path = parent_of(path);
  }
}

std::optional<ObjectInfo> find_object(const BucketFolder& folder, int bucket,
                                      const ObjectKey& key) {
  if (!why_unstorable(key.value).empty()) return std::nullopt;
  std::optional<ObjectInfo> found;
  if (is_marker(key)) {
    found = find_marker(folder, bucket, key);
  } else if (const UniqueFd parent = folder.open_parent(bucket, key.value)) {
    found = info_in(look_up(bucket, parent.get(), key.value, folder.path()));
  }
  if (found) folder.require_spelling(bucket, key.value);
  return found;
}

}  // namespace cloudsync::storage::local
