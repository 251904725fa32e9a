// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_placing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "base/clock.h"
#include "cloudsync/error.h"

namespace cloudsync::storage::local {
namespace {

// Nanoseconds of its own for every put, whatever the kernel's tick: the token is made of
// it.
void stamp(int fd, const std::string& where) {
  const std::int64_t now = base::system_clock().now_ns();
  const timespec time{now / 1'000'000'000, now % 1'000'000'000};
  const timespec both[2] = {time, time};
  if (futimens(fd, both) != 0) throw_errno("set the time of", where, errno);
}

void fill_stat(Record& record, const base::FileStat& stat) {
  record.ino = stat.ino;
  record.size = stat.size;
  record.mtime_ns = stat.mtime_ns;
  record.ctime_ns.reset();
}

// Inode and times that a rename does not touch.
bool same_content(const base::FileStat& a, const base::FileStat& b) {
  return a.ino == b.ino && a.size == b.size && a.mtime_ns == b.mtime_ns;
}

// One name about to get a new file.
struct Placing {
  const BucketFolder& folder;
  int bucket;
  int parent;
  const std::string& key;
  TemporaryFile& file;
  std::optional<base::FileStat> observed;  // what the condition was checked against

  std::string name() const { return name_of(key); }
  int rename(RenameFlag flag) const {
    return rename_at(bucket, file.path(), parent, name(), flag);
  }
};

Outcome create_new(const Placing& placing) {
  int error = placing.rename(RenameFlag::kNoReplace);
  if (error == EINVAL || error == ENOSYS) {  // a file system without RENAME_NOREPLACE
    error = linkat(placing.bucket, placing.file.path().c_str(), placing.parent,
                   placing.name().c_str(), 0) == 0
                ? 0
                : errno;
    if (error == 0) unlinkat(placing.bucket, placing.file.path().c_str(), 0);
  }
  if (error == EEXIST) return Outcome::kPreconditionFailed;
  if (error != 0) throw_errno("write", placing.folder.path_of(placing.key), error);
  placing.file.moved();
  return Outcome::kOk;
}

Outcome replace_any(const Placing& placing) {
  const int error = placing.rename(RenameFlag::kReplace);
  if (error != 0) throw_errno("write", placing.folder.path_of(placing.key), error);
  placing.file.moved();
  return Outcome::kOk;
}

// After the exchange the old file lies under the temporary name, where nobody else can
// reach it: if it is not the one that was checked, it goes back.
Outcome replace_checked(const Placing& placing) {
  const int error = placing.rename(RenameFlag::kExchange);
  if (error == EINVAL || error == ENOSYS) return replace_any(placing);
  if (error == ENOENT) return Outcome::kPreconditionFailed;
  if (error != 0) throw_errno("write", placing.folder.path_of(placing.key), error);
  const auto old = stat_at(placing.bucket, placing.file.path(), placing.key);
  if (old && same_content(*old, *placing.observed)) return Outcome::kOk;
  placing.rename(RenameFlag::kExchange);
  return Outcome::kPreconditionFailed;
}

Outcome move_into_place(const Placing& placing, const Precondition& condition) {
  if (condition.if_absent) return create_new(placing);
  return condition.if_match ? replace_checked(placing) : replace_any(placing);
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
  const auto stat = stat_at(bucket, key, folder.path_of(key));
  if (stat && stat->kind == base::FileKind::kDirectory) folder.throw_nested(key);
}

PutResult place_locked(Placing& placing, Incoming& incoming) {
  const std::string& key = placing.key;
  const auto current = look_up(placing.bucket, placing.parent, key);
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
  save_records(placing.bucket, key, records);
  result.outcome = move_into_place(placing, incoming.condition);
  if (result.outcome != Outcome::kOk) return result;
  const base::FileStat placed = stat_of(incoming.file.fd(), key);
  record.ctime_ns = placed.ctime_ns;
  save_records(placing.bucket, key, {record});
  return result_of(info_of(key, placed, record));
}

// Moved aside first: an edit by somebody who does not know our locks is noticed and put
// back.
Outcome move_aside(const BucketFolder& folder, int bucket, int parent, const Seen& seen) {
  const std::string& key = seen.info.key.value;
  const std::string aside = temporary_path();
  const int error = rename_at(parent, name_of(key), bucket, aside, RenameFlag::kReplace);
  if (error == ENOENT) return Outcome::kNotFound;
  if (error != 0) throw_errno("remove", folder.path_of(key), error);
  const auto moved = stat_at(bucket, aside, folder.path_of(key));
  const bool expected = moved && same_content(*moved, seen.stat);
  if (expected) {
    unlinkat(bucket, aside.c_str(), 0);
  } else {
    // When the name is taken again already, the edited file stays aside for a day.
    rename_at(bucket, aside, parent, name_of(key), RenameFlag::kNoReplace);
  }
  return expected ? Outcome::kOk : Outcome::kPreconditionFailed;
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
  stamp(incoming.file.fd(), folder.path_of(key));
  sync_file(incoming.file.fd(), folder.path_of(key));
  PutResult result;
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
    const auto current = look_up(bucket, parent.get(), key);
    if (!current) return {};
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
    if (find_marker(bucket, {path + "/"})) return;
    const UniqueFd parent = folder.open_parent(bucket, path);
    if (!parent || unlinkat(parent.get(), name_of(path).c_str(), AT_REMOVEDIR) != 0)
      return;
    path = parent_of(path);
  }
}

std::optional<ObjectInfo> find_object(const BucketFolder& folder, int bucket,
                                      const ObjectKey& key) {
  if (!why_unstorable(key.value).empty()) return std::nullopt;
  if (is_marker(key)) return find_marker(bucket, key);
  const UniqueFd parent = folder.open_parent(bucket, key.value);
  return parent ? info_in(look_up(bucket, parent.get(), key.value)) : std::nullopt;
}

}  // namespace cloudsync::storage::local
