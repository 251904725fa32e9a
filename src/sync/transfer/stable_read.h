// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "cloudsync/cloud_sync.h"
#include "hash/digest.h"

namespace cloudsync::sync {

// The stability protocol: open, fstat (s0), read, fstat (s1), stat of the name (s2). Only
// when all three name the same version do the bytes that were read belong to one state of
// the file.
struct SourceFile {
  std::unique_ptr<base::ReadableFile> file;
  base::FileStat stat;  // s0
  std::string path;
  bool follow = false;
};

enum class OpenStatus { kOpened, kGone, kNotRegular };

// Opens for reading; kGone and kNotRegular are what a rescan would see as well. Throws
// Error when the file is there and cannot be read.
OpenStatus open_source(base::FileSystem& files, const std::string& path, bool follow,
                       SourceFile& source);
// True while s1 and s2 equal s0.
bool is_unchanged(base::FileSystem& files, const SourceFile& source);
// The stat that the name has now, through a link that stays inside the root when
// `follow`.
std::optional<base::FileStat> stat_now(base::FileSystem& files, const std::string& path,
                                       bool follow);
// Fills `out` from `offset`; false when the file ended before.
bool read_exactly(const base::ReadableFile& file, std::uint64_t offset, MutableBytes out);

// This thread's buffer of at least `size` bytes, kept for the next call. Whoever holds it
// must not run other tasks meanwhile.
MutableBytes thread_buffer(std::size_t size);

// The whole-content hashes that a base row holds.
class ContentHasher {
 public:
  explicit ContentHasher(ContentHash kind);
  void update(Bytes bytes);
  Md5Digest md5() { return md5_.finish(); }
  std::optional<Sha256Digest> sha256();

 private:
  hash::Md5 md5_;
  std::optional<hash::Sha256> sha256_;
};

struct ContentDigests {
  Md5Digest md5{};
  std::optional<Sha256Digest> sha256;
};
ContentDigests digests_of(Bytes bytes, ContentHash kind);

}  // namespace cloudsync::sync
