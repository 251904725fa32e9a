// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/conflict_name.h"

#include <algorithm>
#include <cstddef>

#include "base/encoding.h"
#include "base/time_format.h"

namespace cloudsync::sync {
namespace {

constexpr std::string_view kTag = ".cloudsync-conflict-";
constexpr std::size_t kMaxComponent = 255;
constexpr std::size_t kMaxKey = 1024;
constexpr std::size_t kMaxReplica = 40;
// A longer "extension" is no extension but a name with a dot in it.
constexpr std::size_t kMaxExtension = 32;
// What must stay of the stem, so that a copy is still recognised by its owner.
constexpr std::size_t kMinStem = 8;

struct NameParts {
  std::string_view directory;  // with its '/', or ""
  std::string_view stem;
  std::string_view extension;  // with its '.', or ""
};

NameParts split(std::string_view key) {
  NameParts parts;
  const std::size_t slash = key.rfind('/');
  if (slash != std::string_view::npos) parts.directory = key.substr(0, slash + 1);
  const std::string_view name = key.substr(parts.directory.size());
  const std::size_t dot = name.rfind('.');
  const bool dot_file = name.starts_with('.');
  if (dot_file || dot == std::string_view::npos || dot + 1 == name.size() ||
      name.size() - dot > kMaxExtension) {
    parts.stem = name;
    return parts;
  }
  parts.stem = name.substr(0, dot);
  parts.extension = name.substr(dot);
  return parts;
}

std::string_view cut_on_boundary(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

// A replica name comes from a host name or the like: only what is safe in every file
// system stays.
std::string safe_replica(std::string_view replica) {
  std::string safe(replica.substr(0, kMaxReplica));
  for (char& c : safe) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!keep) c = '-';
  }
  return safe;
}

std::string timestamp(std::int64_t time_ns) {
  const std::string compact = base::format_compact(time_ns);  // 20261123T180000Z
  return compact.substr(0, 8) + "-" + compact.substr(9, 6);
}

std::string_view parent(std::string_view directory) {
  directory.remove_suffix(1);
  const std::size_t slash = directory.rfind('/');
  return slash == std::string_view::npos ? "" : directory.substr(0, slash + 1);
}

// Where the key's limit leaves no room for the name, the copy moves to the nearest folder
// above.
std::string_view directory_with_room(const NameParts& parts, std::size_t fixed) {
  const std::size_t wanted = fixed + std::min(parts.stem.size(), kMinStem);
  std::string_view directory = parts.directory;
  while (!directory.empty() && directory.size() + wanted > kMaxKey) {
    directory = parent(directory);
  }
  return directory;
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

bool is_timestamp(std::string_view text) {
  return text.size() == 16 && all_digits(text.substr(0, 8)) && text[8] == '-' &&
         all_digits(text.substr(9, 6)) && text[15] == '-';
}

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

// After the hash: nothing, an attempt ("-2"), an extension, or the tag of a copy of this
// copy.
bool is_name_end(std::string_view text) {
  if (text.starts_with('-')) {
    const std::size_t end = std::min(text.find('.'), text.size());
    if (end < 2 || !all_digits(text.substr(1, end - 1))) return false;
    text.remove_prefix(end);
  }
  return text.empty() || text.front() == '.';
}

bool has_hash(std::string_view text) {
  for (std::size_t dash = text.find('-'); dash != std::string_view::npos;
       dash = text.find('-', dash + 1)) {
    const std::string_view rest = text.substr(dash + 1);
    if (rest.size() >= 8 && is_lower_hex(rest.substr(0, 8)) &&
        is_name_end(rest.substr(8))) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string conflict_name(std::string_view key, std::int64_t loser_mtime_ns,
                          std::string_view replica, const Md5Digest& loser_md5,
                          int attempt) {
  const NameParts parts = split(key);
  std::string tag(kTag);
  tag += timestamp(loser_mtime_ns);
  tag +=
      "-" + safe_replica(replica) + "-" + base::to_hex(std::span(loser_md5).first<4>());
  if (attempt > 1) tag += "-" + std::to_string(attempt);

  const std::size_t fixed = tag.size() + parts.extension.size();
  const std::string_view directory = directory_with_room(parts, fixed);
  const std::size_t room = std::min(kMaxComponent, kMaxKey - directory.size()) - fixed;
  std::string name(directory);
  name += cut_on_boundary(parts.stem, room);
  name += tag;
  name += parts.extension;
  return name;
}

bool is_conflict_name(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  const std::string_view name =
      slash == std::string_view::npos ? key : key.substr(slash + 1);
  for (std::size_t at = name.find(kTag); at != std::string_view::npos;
       at = name.find(kTag, at + 1)) {
    const std::string_view rest = name.substr(at + kTag.size());
    if (rest.size() > 16 && is_timestamp(rest.substr(0, 16)) &&
        has_hash(rest.substr(15))) {
      return true;
    }
  }
  return false;
}

}  // namespace cloudsync::sync
