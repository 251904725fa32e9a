// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_aside.h"

#include <fcntl.h>

#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "base/time_format.h"
#include "cloudsync/error.h"
#include "storage/local/local_body.h"
#include "storage/local/local_records.h"

namespace cloudsync::storage::local {
namespace {

using nlohmann::json;

constexpr const char* kNote = ".json";
constexpr const char* kOld = ".old";

std::string aside_folder() { return std::string(kStoreFolder) + "/aside"; }

constexpr std::int64_t kHourNs = 3'600'000'000'000;

struct Note {
  std::string key;
  std::uint64_t body = 0;
  // The version that was to go; no inode = not told.
  base::FileStat seen;
};

std::optional<Note> read_note(int bucket, const std::string& path) {
  const json document =
      json::parse(read_small_file(bucket, path).value_or(""), nullptr, false);
  try {
    std::string key = base::percent_decode(document.at("key").get<std::string>());
    if (!why_unstorable(key).empty()) return std::nullopt;
    Note note{std::move(key), document.at("body").get<std::uint64_t>(), {}};
    if (const auto seen = document.find("seen"); seen != document.end()) {
      note.seen.ino = seen->at("ino").get<std::uint64_t>();
      note.seen.size = seen->at("size").get<std::uint64_t>();
      note.seen.mtime_ns = seen->at("mtime_ns").get<std::int64_t>();
    }
    return note;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

void write_note(int bucket, const std::string& path, const Note& note) {
  json document{{"key", base::percent_encode(note.key, true)}, {"body", note.body}};
  if (note.seen.ino != 0) {
    document["seen"] = {{"ino", note.seen.ino},
                        {"size", note.seen.size},
                        {"mtime_ns", note.seen.mtime_ns}};
  }
  const std::string text = document.dump();
  TemporaryFile file(bucket);
  write_all(file.fd(), std::as_bytes(std::span(text)), file.path());
  file.move_to(path);
  file.moved();
}

bool is_same_version(const base::FileStat& a, const base::FileStat& b) {
  return a.ino != 0 && a.ino == b.ino && a.size == b.size && a.mtime_ns == b.mtime_ns;
}

// One file that a dead process left. Its own new body was never acknowledged; a second
// name of an object that still has its own is no loss either, nor is the version that was
// to go once the new body has its name.
void recover(const BucketFolder& folder, int bucket, const std::string& path,
             const Note& note) {
  const auto stat = stat_beneath(bucket, path);
  if (!stat) return;
  const auto named = stat_beneath(bucket, note.key);
  const bool has_name = named && named->ino == stat->ino && named->dev == stat->dev;
  const bool replaced = named && note.body != 0 && named->ino == note.body &&
                        is_same_version(*stat, note.seen);
  const bool can_tell = stat->ino != 0;
  if (can_tell && (stat->ino == note.body || has_name || replaced)) {
    unlink_beneath(bucket, path);
  } else {
    put_back(folder, bucket, path, note.key);
  }
}

void recover_noted(const BucketFolder& folder, int bucket, const std::string& note_path) {
  const auto key = read_note(bucket, note_path);
  if (!key) return;
  const NameLock lock(bucket, key->key);
  // Its owner may have come to its end while we waited.
  const auto note = read_note(bucket, note_path);
  if (!note) return;
  const std::string path = note_path.substr(0, note_path.rfind('.'));
  recover(folder, bucket, path, *note);
  recover(folder, bucket, path + kOld, *note);
  if (!stat_beneath(bucket, path) && !stat_beneath(bucket, path + kOld))
    unlink_beneath(bucket, note_path);
}

// A power cut may leave a file whose note is gone or torn. One that is younger may be on
// its way just now.
void keep_nameless(const BucketFolder& folder, int bucket, const std::string& path) {
  const auto stat = stat_beneath(bucket, path);
  const std::string note = path.substr(0, path.rfind(kOld)) + kNote;
  if (!stat || stat->kind != base::FileKind::kRegular || read_note(bucket, note) ||
      stat->ctime_ns > base::system_clock().now_ns() - kHourNs)
    return;
  keep_aside(folder, bucket, path, path.substr(aside_folder().size() + 1));
}

}  // namespace

Aside::Aside(const BucketFolder& folder, int bucket, const std::string& key,
             std::uint64_t body, const std::optional<base::FileStat>& seen)
    : bucket_(bucket),
      path_(aside_folder() + "/" + base::random_hex_id(base::system_random())) {
  if (!open_beneath(bucket, aside_folder(), O_PATH | O_DIRECTORY)) {
    if (const int error = make_directories(bucket, aside_folder()))
      throw_errno("make", folder.path_of(aside_folder()), error);
  }
  write_note(bucket, path_ + kNote, {key, body, seen.value_or(base::FileStat{})});
}

Aside::~Aside() {
  try {
    if (stat_beneath(bucket_, path_) || stat_beneath(bucket_, old_path())) return;
    unlink_beneath(bucket_, path_ + kNote);
  } catch (const Error&) {
    return;  // the next opening of the store looks after it
  }
}

void keep_aside(const BucketFolder& folder, int bucket, const std::string& path,
                const std::string& key) {
  const std::string place = std::string(kStoreFolder) + "/kept/" +
                            base::format_compact(base::system_clock().now_ns()) + "-" +
                            base::random_hex_id(base::system_random()).substr(0, 8) +
                            "/" + key;
  int error = make_directories(bucket, parent_of(place));
  if (error == 0) error = rename_at(bucket, path, bucket, place, RenameFlag::kReplace);
  base::log().warn(
      "'{}' in the local bucket '{}' was written by another program while it was being "
      "replaced or removed; that version is kept as '{}'",
      base::printable(key), folder.path(), folder.path_of(error == 0 ? place : path));
}

void renew_record(int bucket, const std::string& key) {
  const UniqueFd file = open_regular(bucket, key);
  if (!file) return;
  const base::FileStat stat = stat_of(file.get(), key);
  for (Record record : load_records(bucket, key)) {
    if ((record.ino != stat.ino && stat.ino != 0) || record.size != stat.size ||
        record.mtime_ns != stat.mtime_ns || !record.md5)
      continue;
    if (md5_of(file.get(), {}) != *record.md5) return;
    record.ctime_ns = stat.ctime_ns;
    return save_records(bucket, key, {record});
  }
}

void put_back(const BucketFolder& folder, int bucket, const std::string& path,
              const std::string& key) {
  int error = make_directories(bucket, parent_of(key));
  if (error == 0) error = move_to_free_name(bucket, path, bucket, key);
  if (error != 0) return keep_aside(folder, bucket, path, key);
  renew_record(bucket, key);
}

void recover_aside(const BucketFolder& folder, int bucket) {
  for (const std::string& name : names_in(bucket, aside_folder())) {
    const std::string path = aside_folder() + "/" + name;
    try {
      name.ends_with(kNote) ? recover_noted(folder, bucket, path)
                            : keep_nameless(folder, bucket, path);
    } catch (const Error& error) {
      base::log().warn("what a killed run left in '{}' could not be put back: {}",
                       folder.path_of(aside_folder()), error.what());
    }
  }
}

}  // namespace cloudsync::storage::local
