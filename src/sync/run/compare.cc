// SPDX-License-Identifier: Apache-2.0
#include "sync/run/compare.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/encoding.h"
#include "hash/digest.h"
#include "storage/object_metadata.h"
#include "sync/decide/classify.h"
#include "sync/run/observe.h"
#include "sync/transfer/stable_read.h"

namespace cloudsync::sync {

namespace {

constexpr std::uint64_t kMostReadToCompare = 256ULL << 20;
constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::uint64_t kMiB = 1ULL << 20;

class HashingSink final : public ByteSink {
 public:
  explicit HashingSink(ContentHash kind) : hasher_(kind) {}
  void write(Bytes bytes) override { hasher_.update(bytes); }
  bool found(const ContentDigests& wanted) {
    return hasher_.md5() == wanted.md5 && hasher_.sha256() == wanted.sha256;
  }

 private:
  ContentHasher hasher_;
};

Content from_equality(bool equal) {
  return equal ? Content::kEqual : Content::kDifferent;
}

// Decides by hashes that the object's description carries; kUnknown when it has none.
Content compare_hashes(const storage::ObjectInfo& info, const Md5Digest& local) {
  if (const auto md5 = storage::told_md5(info)) return from_equality(*md5 == local);
  if (info.md5_candidate && *info.md5_candidate == local) return Content::kEqual;
  return Content::kUnknown;
}

struct MultipartEtag {
  std::string md5_hex;
  std::uint64_t parts = 0;
};

std::optional<MultipartEtag> parse_multipart_etag(const std::string& token) {
  const auto dash = token.find('-');
  if (dash != 32) return std::nullopt;
  MultipartEtag result{token.substr(0, dash), 0};
  const char* end = token.data() + token.size();
  const auto [rest, error] = std::from_chars(token.data() + dash + 1, end, result.parts);
  if (error != std::errc() || rest != end || result.parts == 0) return std::nullopt;
  return result;
}

// Part sizes that tools use and that cut `size` into exactly `parts` parts.
std::vector<std::uint64_t> plausible_part_sizes(std::uint64_t size, std::uint64_t parts,
                                                std::uint64_t own) {
  std::vector<std::uint64_t> candidates = {own};
  for (const std::uint64_t mib : {5, 8, 10, 15, 16, 25, 32, 50, 64, 100, 128, 256, 512}) {
    candidates.push_back(mib * kMiB);
  }
  const std::uint64_t least = (size + parts - 1) / parts;
  candidates.push_back((least + kMiB - 1) / kMiB * kMiB);
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  std::erase_if(candidates, [&](std::uint64_t part) {
    return part == 0 || (size + part - 1) / part != parts;
  });
  return candidates;
}

std::string multipart_md5_hex(const base::ReadableFile& file, std::uint64_t size,
                              std::uint64_t part_size) {
  std::vector<std::byte> buffer(kReadBytes);
  hash::Md5 outer;
  for (std::uint64_t begin = 0; begin < size; begin += part_size) {
    const std::uint64_t end = std::min(size, begin + part_size);
    hash::Md5 inner;
    for (std::uint64_t at = begin; at < end;) {
      const auto want =
          static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, end - at));
      const std::size_t n = file.read_at(at, MutableBytes(buffer).first(want));
      if (n == 0) return "";  // truncated meanwhile: equals nothing
      inner.update(Bytes(buffer).first(n));
      at += n;
    }
    const auto digest = inner.finish();
    outer.update(std::as_bytes(std::span(digest)));
  }
  return base::to_hex(outer.finish());
}

bool equals_by_parts(const RunContext& context, const Observed& observed) {
  const auto& info = observed.item.remote->info;
  const auto etag = parse_multipart_etag(info.token.value);
  if (!etag) return false;
  const auto file = context.files.open_read(observed.item.key, context.follow_links());
  for (const auto part : plausible_part_sizes(info.size, etag->parts,
                                              context.settings.transfer.chunk_size)) {
    context.call.throw_if_stopped();
    if (multipart_md5_hex(*file, info.size, part) == etag->md5_hex) return true;
  }
  return false;
}

// A preserved symlink equals the zero-byte object that names the same target.
Content compare_link(const RunContext& context, Observed& observed) {
  if (!head_once(context, observed)) return Content::kDifferent;
  const auto& metadata = observed.item.remote->info.metadata;
  if (!metadata) return Content::kDifferent;
  return from_equality(storage::symlink_target(*metadata) ==
                       observed.item.local->link_target);
}

Content compare_bytes(const RunContext& context, const Observed& observed) {
  const auto& info = observed.item.remote->info;
  // Where writers are not trusted nothing but the bytes can say that they are equal.
  const bool trusted = context.settings.transfer.content_hash == ContentHash::kMd5;
  if (info.archived || (trusted && info.size > kMostReadToCompare))
    return Content::kDifferent;
  const auto& hashed = *observed.hashed;
  return from_equality(bytes_are(context, info, {hashed.md5, hashed.sha256}));
}

}  // namespace

bool bytes_are(const RunContext& context, const storage::ObjectInfo& info,
               const ContentDigests& wanted) {
  HashingSink sink(wanted.sha256 ? ContentHash::kSha256 : ContentHash::kMd5);
  storage::GetRequest request;
  request.key = info.key;
  request.if_match = info.token;
  const auto result = context.store.get(request, sink, context.call);
  return result.outcome == storage::Outcome::kOk && sink.found(wanted);
}

Content compare_by_listing(const MergedItem& item) {
  if (item.local->kind == EntryKind::kDirectory) return Content::kEqual;
  if (item.local->kind == EntryKind::kSymlink) return Content::kUnknown;
  if (item.local->stat.size != item.remote->info.size) return Content::kDifferent;
  return Content::kUnknown;
}

Content compare_by_reading(const RunContext& context, Observed& observed) {
  if (observed.item.local->kind == EntryKind::kSymlink)
    return compare_link(context, observed);
  auto& info = observed.item.remote->info;
  const auto& local = observed.hashed->md5;
  if (observed.hashed->stat.size != info.size) return Content::kDifferent;
  if (context.settings.transfer.content_hash == ContentHash::kSha256)
    return compare_bytes(context, observed);
  if (const auto known = compare_hashes(info, local); known != Content::kUnknown)
    return known;
  if (equals_by_parts(context, observed)) return Content::kEqual;
  if (!observed.headed && head_once(context, observed)) {
    if (const auto known = compare_hashes(info, local); known != Content::kUnknown)
      return known;
  }
  return compare_bytes(context, observed);
}

}  // namespace cloudsync::sync
