// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/file_system.h"
#include "storage/object_store.h"

namespace cloudsync::storage::local {

// What the store knows about one file beside its bytes. It holds only as long as the
// file's stat is the one that is kept here.
struct Record {
  std::uint64_t ino = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  // Nothing: written before the file was moved to its name, which sets the ctime. Such a
  // record fits a file whose ctime is near its mtime, so that a crash in between loses no
  // metadata.
  std::optional<std::int64_t> ctime_ns;
  std::optional<Md5Digest> md5;
  std::string content_type;
  std::string storage_class;
  Metadata metadata;
  ServedHeaders served;
  std::string marker_token;  // directory markers only: a directory's times say nothing
  // The token of an object on a file system that keeps no inodes: size and a time that
  // may be coarse do not tell two puts apart.
  std::string version;

  bool fits(const base::FileStat& stat) const;
};

// Made of inode, mtime, ctime and size, so that it needs no record, is the same for every
// reader and changes with every put (a new inode with a new mtime) and every edit beside
// us.
VersionToken token_of(const base::FileStat& stat);

std::vector<Record> load_records(int bucket, const std::string& key);
// Replaces the key's record file atomically. More than one while a file is being
// replaced: the reader takes the one that fits what it sees. kLater: another follows at
// once, which is on its way to the disk before this one would be missed.
enum class ToDisk { kNow, kLater };
void save_records(int bucket, const std::string& key, const std::vector<Record>& records,
                  ToDisk to_disk = ToDisk::kNow);
void remove_records(int bucket, const std::string& key);

// What the object looks like from outside. `record` nothing: a file that somebody else
// put there.
ObjectInfo info_of(const std::string& key, const base::FileStat& stat,
                   const std::optional<Record>& record);
std::optional<Record> fitting(const std::vector<Record>& records,
                              const base::FileStat& stat);

// Stat and record of a name in `dir` as they belong together, also while it is being
// replaced. Throws kAlreadyExists for what is no object; `where` is the bucket's folder.
struct Seen {
  base::FileStat stat;
  std::optional<Record> record;
  ObjectInfo info;
};
std::optional<Seen> look_up(int bucket, int dir, const std::string& key,
                            const std::string& where);

// What the writer says of an object beside its bytes.
template <class Request>
void describe(Record& record, const Request& request) {
  record.content_type = request.content_type;
  record.storage_class = request.storage_class;
  record.metadata = request.metadata;
  record.served = request.served;
}

// Metadata and served headers must be text for the record. Throws kInvalidArgument.
void require_text(const std::string& key, const Metadata& metadata,
                  const ServedHeaders& served);

nlohmann::json served_json(const ServedHeaders& served);
// Of what served_json() made; throws json::exception.
ServedHeaders served_from(const nlohmann::json& value);

}  // namespace cloudsync::storage::local
