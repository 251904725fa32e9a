// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/stable_read.h"

#include <algorithm>
#include <bit>

#include "cloudsync/error.h"

namespace cloudsync::sync {
namespace {

constexpr std::size_t kSmallestBuffer = 64U << 10;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

std::optional<base::FileStat> stat_now(base::FileSystem& files, const std::string& path,
                                       bool follow) {
  const auto plain = files.stat(path);
  if (!follow || !plain || plain->kind != base::FileKind::kSymlink) return plain;
  return files.open_directory(parent_of(path))->stat_following(name_of(path));
}

OpenStatus open_source(base::FileSystem& files, const std::string& path, bool follow,
                       SourceFile& source) {
  try {
    source.file = files.open_read(path, follow);
  } catch (const Error&) {
    const auto now = stat_now(files, path, follow);
    if (!now) return OpenStatus::kGone;
    if (now->kind != base::FileKind::kRegular) return OpenStatus::kNotRegular;
    throw;
  }
  source.stat = source.file->stat();
  source.path = path;
  source.follow = follow;
  return OpenStatus::kOpened;
}

bool is_unchanged(base::FileSystem& files, const SourceFile& source) {
  if (!source.file->stat().same_version(source.stat)) return false;
  const auto named = stat_now(files, source.path, source.follow);
  return named && named->same_version(source.stat);
}

bool read_exactly(const base::ReadableFile& file, std::uint64_t offset,
                  MutableBytes out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const std::size_t n = file.read_at(offset + filled, out.subspan(filled));
    if (n == 0) return false;
    filled += n;
  }
  return true;
}

MutableBytes thread_buffer(std::size_t size) {
  thread_local std::unique_ptr<std::byte[]> buffer;
  thread_local std::size_t capacity = 0;
  if (size > capacity) {
    capacity = std::bit_ceil(std::max(size, kSmallestBuffer));
    buffer = std::make_unique_for_overwrite<std::byte[]>(capacity);
  }
  return {buffer.get(), size};
}

ContentHasher::ContentHasher(ContentHash kind) {
  if (kind == ContentHash::kSha256) sha256_.emplace();
}

void ContentHasher::update(Bytes bytes) {
  md5_.update(bytes);
  if (sha256_) sha256_->update(bytes);
}

std::optional<Sha256Digest> ContentHasher::sha256() {
  if (!sha256_) return std::nullopt;
  return sha256_->finish();
}

ContentDigests digests_of(Bytes bytes, ContentHash kind) {
  ContentDigests digests{.md5 = hash::Md5::of(bytes), .sha256 = std::nullopt};
  if (kind == ContentHash::kSha256) digests.sha256 = hash::Sha256::of(bytes);
  return digests;
}

}  // namespace cloudsync::sync
