// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_records.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <span>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/time_range.h"
#include "cloudsync/error.h"
#include "hash/digest.h"
#include "storage/local/local_layout.h"
#include "storage/local/local_obstacles.h"

namespace cloudsync::storage::local {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
// mtime is set from the precise clock just before the move, ctime by the kernel's coarse
// one.
constexpr std::int64_t kPendingWindowNs = 10'000'000'000;

json to_json(const Record& record) {
  json result{{"ino", record.ino}, {"size", record.size}, {"mtime", record.mtime_ns}};
  if (record.ctime_ns) result["ctime"] = *record.ctime_ns;
  if (record.md5) result["md5"] = base::to_hex(*record.md5);
  if (!record.content_type.empty()) result["content_type"] = record.content_type;
  if (!record.storage_class.empty()) result["storage_class"] = record.storage_class;
  if (!record.metadata.empty()) result["metadata"] = record.metadata;
  if (record.served != ServedHeaders{}) result["served"] = served_json(record.served);
  if (!record.marker_token.empty()) result["marker"] = record.marker_token;
  if (!record.version.empty()) result["version"] = record.version;
  return result;
}

std::optional<Md5Digest> md5_from(const std::string& hex) {
  const auto bytes = base::from_hex(hex);
  if (!bytes || bytes->size() != Md5Digest{}.size()) return std::nullopt;
  Md5Digest digest{};
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

Record from_json(const json& value) {
  Record record;
  record.ino = value.at("ino").get<std::uint64_t>();
  record.size = value.at("size").get<std::uint64_t>();
  record.mtime_ns = value.at("mtime").get<std::int64_t>();
  if (value.contains("ctime")) record.ctime_ns = value.at("ctime").get<std::int64_t>();
  record.md5 = md5_from(value.value("md5", ""));
  record.content_type = value.value("content_type", "");
  record.storage_class = value.value("storage_class", "");
  record.metadata = value.value("metadata", Metadata{});
  record.served = served_from(value.value("served", json::object()));
  record.marker_token = value.value("marker", "");
  record.version = value.value("version", "");
  return record;
}

// A record that cannot be read is a record that does not fit: the file then is one of
// unknown origin, which is always safe.
std::vector<Record> parse(const std::string& text, const std::string& key) {
  std::vector<Record> records;
  const json document = json::parse(text, nullptr, false);
  try {
    if (!document.is_object() || document.value("format", 0) != kFormat) return records;
    if (document.value("key", "") != base::percent_encode(key, true)) return records;
    for (const json& value : document.at("versions")) records.push_back(from_json(value));
  } catch (const json::exception&) {
    records.clear();
  }
  return records;
}

void require_record_text(const std::string& key, const std::string& text) {
  if (base::is_valid_utf8(text)) return;
  throw Error(ErrorCode::kInvalidArgument,
              "the metadata of '" + base::printable(key) + "' is not UTF-8");
}

}  // namespace

bool Record::fits(const base::FileStat& stat) const {
  if (!marker_token.empty())
    return stat.kind == base::FileKind::kDirectory && (stat.ino == ino || stat.ino == 0);
  if ((stat.ino != ino && stat.ino != 0) || stat.size != size ||
      stat.mtime_ns != mtime_ns)
    return false;
  if (stat.ctime_ns == 0) return true;  // the file system keeps none
  if (ctime_ns) return stat.ctime_ns == *ctime_ns;
  const std::int64_t apart = base::time_difference(stat.ctime_ns, mtime_ns);
  return apart > -kPendingWindowNs && apart < kPendingWindowNs;
}

VersionToken token_of(const base::FileStat& stat) {
  const std::string facts = std::to_string(stat.ino) + ' ' + std::to_string(stat.size) +
                            ' ' + std::to_string(stat.mtime_ns) + ' ' +
                            std::to_string(stat.ctime_ns);
  const Sha256Digest digest = hash::Sha256::of(std::as_bytes(std::span(facts)));
  return {base::to_hex(std::span(digest).first(16))};
}

std::vector<Record> load_records(int bucket, const std::string& key) {
  const auto text = read_small_file(bucket, record_path(key));
  return text ? parse(*text, key) : std::vector<Record>{};
}

void save_records(int bucket, const std::string& key, const std::vector<Record>& records,
                  ToDisk to_disk) {
  json document{{"format", kFormat}, {"key", base::percent_encode(key, true)}};
  document["versions"] = json::array();
  for (const Record& record : records) document["versions"].push_back(to_json(record));
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  TemporaryFile file(bucket);
  write_all(file.fd(), std::as_bytes(std::span(text)), file.path());
  // Starts the write now, so that the sync of the object's directory takes it along on
  // journalling file systems; a record lost by a power cut costs metadata, never content.
  if (to_disk == ToDisk::kNow) sync_file_range(file.fd(), 0, 0, SYNC_FILE_RANGE_WRITE);
  const std::string target = record_path(key);
  int error = rename_at(bucket, file.path(), bucket, target, RenameFlag::kReplace);
  if (error == ENOENT) {
    make_directories(bucket, parent_of(target));
    error = rename_at(bucket, file.path(), bucket, target, RenameFlag::kReplace);
  }
  if (error != 0) throw_errno("write the record of", key, error);
  file.moved();
}

void remove_records(int bucket, const std::string& key) {
  unlink_beneath(bucket, record_path(key));
}

ObjectInfo info_of(const std::string& key, const base::FileStat& stat,
                   const std::optional<Record>& record) {
  ObjectInfo info;
  info.key = {key};
  info.size = stat.size;
  info.token = token_of(stat);
  info.last_modified_ns = stat.mtime_ns;
  info.tag_count = 0;
  info.metadata.emplace();
  if (!record) return info;
  info.md5 = record->md5;
  info.content_type = record->content_type;
  info.storage_class = record->storage_class;
  info.metadata = record->metadata;
  info.served = record->served;
  if (!record->version.empty()) info.token = {record->version};
  if (record->marker_token.empty()) return info;
  info.size = 0;
  info.token = {record->marker_token};
  info.last_modified_ns = record->mtime_ns;
  return info;
}

std::optional<Record> fitting(const std::vector<Record>& records,
                              const base::FileStat& stat) {
  for (const Record& record : records) {
    if (record.fits(stat)) return record;
  }
  return std::nullopt;
}

std::optional<Seen> look_up(int bucket, int dir, const std::string& key,
                            const std::string& where) {
  const std::string name = name_of(key);
  auto stat = stat_at(dir, name, key);
  while (stat && stat->kind == base::FileKind::kRegular) {
    const auto record = fitting(load_records(bucket, key), *stat);
    if (record) return Seen{*stat, record, info_of(key, *stat, record)};
    const auto again = stat_at(dir, name, key);
    if (again && again->same_version(*stat)) {
      return Seen{*stat, std::nullopt, info_of(key, *stat, std::nullopt)};
    }
    stat = again;
  }
  const std::string why = stat ? why_no_object(*stat) : "";
  if (!why.empty()) throw_obstacle("'" + base::printable(key) + "' " + why, where);
  return std::nullopt;
}

nlohmann::json served_json(const ServedHeaders& served) {
  return {{"cache_control", served.cache_control},
          {"content_disposition", served.content_disposition},
          {"content_language", served.content_language}};
}

ServedHeaders served_from(const nlohmann::json& value) {
  return {value.value("cache_control", ""), value.value("content_disposition", ""),
          value.value("content_language", "")};
}

void require_text(const std::string& key, const Metadata& metadata,
                  const ServedHeaders& served) {
  require_record_text(key, served.cache_control);
  require_record_text(key, served.content_disposition);
  require_record_text(key, served.content_language);
  for (const auto& [name, value] : metadata) {
    require_record_text(key, name);
    require_record_text(key, value);
  }
}

}  // namespace cloudsync::storage::local
