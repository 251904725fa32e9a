// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/hash_file.h"

#include <algorithm>

#include "sync/transfer/transfer.h"

namespace cloudsync::sync {
namespace {

// Of each thread; there may be hundreds.
constexpr std::uint64_t kReadBytes = 256U << 10;

}  // namespace

std::optional<ContentDigests> hash_source(base::FileSystem& files,
                                          const SourceFile& source,
                                          ContentHash content_hash,
                                          const CallContext& context) {
  const std::uint64_t size = source.stat.size;
  const MutableBytes buffer = thread_buffer(std::min(size, kReadBytes));
  ContentHasher hasher(content_hash);
  for (std::uint64_t offset = 0; offset < size; offset += buffer.size()) {
    context.throw_if_stopped();
    const auto block =
        buffer.first(std::min<std::uint64_t>(buffer.size(), size - offset));
    if (!read_exactly(*source.file, offset, block)) return std::nullopt;
    hasher.update(block);
  }
  if (!is_unchanged(files, source)) return std::nullopt;
  return ContentDigests{.md5 = hasher.md5(), .sha256 = hasher.sha256()};
}

std::optional<HashedFile> hash_local_file(base::FileSystem& files, const std::string& key,
                                          bool follow, ContentHash content_hash,
                                          const CallContext& context) {
  SourceFile source;
  if (open_source(files, key, follow, source) != OpenStatus::kOpened) return std::nullopt;
  const auto digests = hash_source(files, source, content_hash, context);
  if (!digests) return std::nullopt;
  return HashedFile{.stat = source.stat, .md5 = digests->md5, .sha256 = digests->sha256};
}

}  // namespace cloudsync::sync
