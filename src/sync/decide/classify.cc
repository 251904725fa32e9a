// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/classify.h"

#include "storage/object_metadata.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// A provisional r_mtime is the Date of the answer to our own write.
constexpr std::uint64_t kProvisionalSlack = 5ULL * kSecond;
constexpr std::uint64_t kTieWindow = 2ULL * kSecond;
constexpr std::uint64_t kMaxClockOffset = 300ULL * kSecond;

// Times come from other people's metadata, so that the whole range of the type can occur.
std::uint64_t distance(std::int64_t a, std::int64_t b) {
  const auto x = static_cast<std::uint64_t>(a);
  const auto y = static_cast<std::uint64_t>(b);
  return a > b ? x - y : y - x;
}

std::int64_t floor_second(std::int64_t time_ns) {
  const std::int64_t seconds = time_ns / kSecond;
  return time_ns % kSecond < 0 ? seconds - 1 : seconds;
}

// The same instant may come with milliseconds in a listing and in whole seconds in a
// header.
bool same_server_time(std::int64_t a, std::int64_t b) {
  if (a == b) return true;
  const bool whole = a % kSecond == 0 || b % kSecond == 0;
  return whole && floor_second(a) == floor_second(b);
}

bool same_local_stat(const base::FileStat& stat, const BaseRow& base,
                     const base::KeptNumbers& kept) {
  return kept.same_mtime(stat.mtime_ns, base.l_mtime) &&
         kept.same_change_time(stat.ctime_ns, base.l_ctime) &&
         kept.same_inode(stat.ino, base.l_ino);
}

LocalLook look_at_file(const LocalEntry& local, const BaseRow& base,
                       const ClassifyOptions& options) {
  // A link's size is the length of its target, which the base does not keep.
  const bool sized = local.kind == EntryKind::kFile;
  if (sized && local.stat.size != base.size) return LocalLook::kModified;
  if (options.checksum || (base.flags & kBaseRacy) != 0) return LocalLook::kSuspect;
  return same_local_stat(local.stat, base, options.kept) ? LocalLook::kUnchanged
                                                         : LocalLook::kSuspect;
}

// With the base's token. An S3 ETag is a function of the content, so the same bytes
// written again carry it too: only the time tells.
RemoteLook look_at_same_token(const storage::ObjectInfo& info, const BaseRow& base) {
  const bool provisional = (base.flags & kBaseProvisional) != 0;
  const bool same_time =
      provisional ? distance(info.last_modified_ns, base.r_mtime) <= kProvisionalSlack
                  : same_server_time(info.last_modified_ns, base.r_mtime);
  if (same_time) return RemoteLook::kUnchanged;
  // SHA-256 is kept where writers are not trusted; an ETag that may be an MD5 proves
  // nothing there.
  return base.sha256 ? RemoteLook::kModified : RemoteLook::kTouched;
}

// Whether the content is the base's, as far as hashes that came with the object can tell.
std::optional<bool> content_equals_base(const storage::ObjectInfo& info,
                                        const BaseRow& base) {
  if (info.size != base.size) return false;
  // A CRC alone never proves equality, but it disproves it.
  if (info.crc32c && base.crc32c && *info.crc32c != *base.crc32c) return false;
  const std::optional<Md5Digest> md5 = storage::told_md5(info);
  if (md5 && *md5 != base.md5) return false;
  if (base.sha256) return std::nullopt;
  if (md5 || (info.md5_candidate && *info.md5_candidate == base.md5)) return true;
  return std::nullopt;
}

RemoteLook look_at_other_token(const storage::ObjectInfo& info, const BaseRow& base,
                               bool from_head) {
  const std::optional<bool> equal = content_equals_base(info, base);
  if (equal) return *equal ? RemoteLook::kTouched : RemoteLook::kModified;
  // A listing that carried metadata has already said what a HEAD would say.
  const bool head_may_tell = !from_head && !info.metadata && !base.sha256;
  return head_may_tell ? RemoteLook::kSuspect : RemoteLook::kModified;
}

}  // namespace

LocalLook look_at_local(const std::optional<LocalEntry>& local,
                        const std::optional<BaseRow>& base,
                        const ClassifyOptions& options) {
  if (!base) return local ? LocalLook::kCreated : LocalLook::kAbsent;
  if (!local) return LocalLook::kDeleted;
  if (local->kind != base->kind) return LocalLook::kModified;
  if (local->kind == EntryKind::kDirectory) return LocalLook::kUnchanged;
  return look_at_file(*local, *base, options);
}

Change local_change_by_hash(const LocalEntry& local, const BaseRow& base,
                            const Md5Digest& md5,
                            const std::optional<Sha256Digest>& sha256) {
  if (local.kind != base.kind || md5 != base.md5) return Change::kModified;
  if (base.sha256 && sha256 && *base.sha256 != *sha256) return Change::kModified;
  return local.stat.mtime_ns == base.l_mtime ? Change::kUnchanged : Change::kTouched;
}

bool is_same_version(const storage::ObjectInfo& object, const BaseRow& base) {
  return object.token.value == base.r_token && object.size == base.size &&
         look_at_same_token(object, base) == RemoteLook::kUnchanged;
}

RemoteLook look_at_remote(const std::optional<RemoteEntry>& remote,
                          const std::optional<BaseRow>& base, bool from_head) {
  if (!base) return remote ? RemoteLook::kCreated : RemoteLook::kAbsent;
  if (!remote) return RemoteLook::kDeleted;
  const storage::ObjectInfo& info = remote->info;
  if (info.token.value == base->r_token && info.size == base->size) {
    return look_at_same_token(info, *base);
  }
  return look_at_other_token(info, *base, from_head);
}

bool settles_provisional(const RemoteEntry& remote, const BaseRow& base) {
  return (base.flags & kBaseProvisional) != 0 &&
         remote.info.token.value == base.r_token &&
         distance(remote.info.last_modified_ns, base.r_mtime) <= kProvisionalSlack;
}

Newer newer_side(std::int64_t local_mtime_ns, std::int64_t remote_time_ns,
                 bool remote_is_metadata, std::int64_t server_offset_ns,
                 std::int64_t now_ns) {
  if (distance(server_offset_ns, 0) > kMaxClockOffset) return Newer::kTie;
  std::int64_t remote_ns = remote_time_ns;
  // Metadata was written by a client's clock; only LastModified is the server's.
  if (!remote_is_metadata &&
      __builtin_sub_overflow(remote_time_ns, server_offset_ns, &remote_ns)) {
    return Newer::kTie;
  }
  const std::int64_t latest = local_mtime_ns > remote_ns ? local_mtime_ns : remote_ns;
  // Measured offsets are good to a second or two, so that "future" needs the same slack
  // as a tie.
  if (latest > now_ns && distance(latest, now_ns) > kTieWindow) return Newer::kTie;
  if (distance(local_mtime_ns, remote_ns) <= kTieWindow) return Newer::kTie;
  return local_mtime_ns > remote_ns ? Newer::kLocal : Newer::kRemote;
}

}  // namespace cloudsync::sync
