// SPDX-License-Identifier: Apache-2.0
#include "storage/memory/memory_bucket.h"

#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/key_order.h"
#include "hash/digest.h"

namespace cloudsync::storage::memory {
namespace {

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

int component_rank(char c) { return c == '/' ? -1 : static_cast<unsigned char>(c); }

bool component_less(const std::string& a, const std::string& b) {
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(),
      [](char x, char y) { return component_rank(x) < component_rank(y); });
}

std::string common_prefix_of(const std::string& key, const ListRequest& request) {
  if (request.delimiter.empty()) return "";
  const auto end = key.find(request.delimiter, request.prefix.size());
  return end == std::string::npos ? "" : key.substr(0, end + request.delimiter.size());
}

// Page tokens are the last name given and whether it stood for a whole prefix.
constexpr char kAfterKey = 'k';
constexpr char kAfterPrefix = 'p';

bool passed(const std::string& key, const std::string& page_token) {
  return !page_token.empty() && page_token.front() == kAfterPrefix &&
         key.starts_with(page_token.substr(1));
}

}  // namespace

bool KeyLess::operator()(const std::string& a, const std::string& b) const {
  switch (order) {
    case KeyOrder::kUtf16:
      return base::compare_utf16(a, b) < 0;
    case KeyOrder::kComponent:
      return component_less(a, b);
    case KeyOrder::kNone:
      return b < a;
    case KeyOrder::kUtf8:
      break;
  }
  return a < b;
}

MemoryBucket::MemoryBucket(const MemoryStore::Options& options)
    : options_(options), objects_(KeyLess{options.capabilities.list_order}) {}

std::int64_t MemoryBucket::now_ns() const {
  return options_.clock ? options_.clock->now_ns() : base::system_clock().now_ns();
}

const StoredObject* MemoryBucket::find(const std::string& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second;
}

const StoredObject* MemoryBucket::find_version(const std::string& key,
                                               const std::string& version) const {
  const auto found = versions_.find({key, version});
  return found == versions_.end() ? nullptr : &found->second;
}

VersionToken MemoryBucket::next_token(const NewObject& object, const Md5Digest& md5) {
  ++counter_;
  if (!options_.content_tokens) return {"t" + std::to_string(counter_)};
  return {object.composite_token.value_or(base::to_hex(md5))};
}

PutResult MemoryBucket::store(NewObject object) {
  const Md5Digest md5 = hash::Md5::of(bytes_of(object.content));
  StoredObject stored;
  ObjectInfo& info = stored.info;
  info.key = {object.key};
  info.size = object.content.size();
  info.token = next_token(object, md5);
  if (options_.versioned) info.version_id = "v" + std::to_string(counter_);
  info.last_modified_ns = now_ns();
  if (!object.composite_token) info.md5 = md5;
  info.crc64nvme = object.crc64nvme;
  info.storage_class = object.storage_class;
  info.content_type = object.content_type;
  info.metadata = std::move(object.metadata);
  info.served = std::move(object.served);
  info.tag_count = object.tags.size();
  stored.tags = std::move(object.tags);
  stored.content = std::make_shared<const std::string>(std::move(object.content));
  PutResult result;
  result.token = info.token;
  result.version_id = info.version_id;
  result.last_modified_ns = info.last_modified_ns;
  result.last_modified_exact = true;
  result.md5 = info.md5;
  if (options_.versioned) versions_[{object.key, info.version_id}] = stored;
  objects_[object.key] = std::move(stored);
  return result;
}

void MemoryBucket::archive(const std::string& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return;
  found->second.info.archived = true;
  found->second.info.storage_class = "GLACIER";
}

Outcome MemoryBucket::check(const Precondition& condition, const std::string& key) const {
  const StoredObject* current = find(key);
  if (condition.if_absent && current) return Outcome::kPreconditionFailed;
  if (condition.if_match && (!current || current->info.token != *condition.if_match)) {
    return Outcome::kPreconditionFailed;
  }
  return Outcome::kOk;
}

void MemoryBucket::require_unnested(const std::string& key) const {
  if (options_.capabilities.nested_keys) return;
  const auto refuse = [&](const std::string& other) {
    throw Error(ErrorCode::kUnsupported,
                "cannot store '" + key + "' beside '" + other + "' in memory://bucket");
  };
  for (auto slash = key.find('/'); slash != std::string::npos;
       slash = key.find('/', slash + 1)) {
    if (find(key.substr(0, slash))) refuse(key.substr(0, slash));
  }
  for (const auto& [other, object] : objects_) {
    if (other.starts_with(key + "/")) refuse(other);
  }
}

MemoryBucket::Objects::const_iterator MemoryBucket::first_of(
    const ListRequest& request) const {
  std::string after = options_.capabilities.start_after ? request.start_after : "";
  if (!request.page_token.empty()) {
    const std::string marker = request.page_token.substr(1);
    if (after.empty() || objects_.key_comp()(after, marker)) after = marker;
  }
  auto it = after.empty() ? objects_.begin() : objects_.upper_bound(after);
  if (options_.capabilities.list_order == KeyOrder::kUtf8 && after < request.prefix) {
    it = objects_.lower_bound(request.prefix);
  }
  return it;
}

ObjectInfo MemoryBucket::listed(const StoredObject& object) const {
  ObjectInfo info = object.info;
  info.crc64nvme.reset();
  if (!options_.capabilities.metadata_in_listing) {
    info.content_type.clear();
    info.served = {};
    info.tag_count.reset();
    info.metadata.reset();
  }
  if (options_.content_tokens) {
    info.md5_candidate = info.md5;
    info.md5.reset();
  }
  return info;
}

ListPage MemoryBucket::list(const ListRequest& request) const {
  ListPage page;
  const std::uint32_t limit =
      std::max(1U, std::min(options_.page_size, request.max_keys));
  std::string last;
  std::uint32_t count = 0;
  for (auto it = first_of(request); it != objects_.end(); ++it) {
    const std::string& key = it->first;
    if (!key.starts_with(request.prefix)) {
      if (options_.capabilities.list_order == KeyOrder::kUtf8) break;
      continue;
    }
    if (passed(key, request.page_token) || passed(key, last)) continue;
    if (count++ == limit) {
      page.next_page_token = last;
      break;
    }
    if (const std::string group = common_prefix_of(key, request); !group.empty()) {
      page.common_prefixes.push_back(group);
      last = kAfterPrefix + group;
      continue;
    }
    page.objects.push_back(listed(it->second));
    last = kAfterKey + key;
  }
  return page;
}

}  // namespace cloudsync::storage::memory
