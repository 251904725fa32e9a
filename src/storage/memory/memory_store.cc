// SPDX-License-Identifier: Apache-2.0
#include "storage/memory/memory_store.h"

#include <algorithm>
#include <utility>

#include "hash/digest.h"
#include "storage/memory/memory_impl.h"

namespace cloudsync::storage {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

// Where the body starts and ends; an offset behind the end is an empty body.
std::pair<std::uint64_t, std::uint64_t> clip(const std::optional<ByteRange>& range,
                                             std::uint64_t size) {
  if (!range) return {0, size};
  const std::uint64_t begin = std::min(range->offset, size);
  return {begin, begin + std::min(range->length, size - begin)};
}

struct Body {
  const std::string& content;
  std::uint64_t begin;
  std::uint64_t end;
  std::optional<std::uint64_t> break_after;
};

std::uint64_t deliver(const Body& body, ByteSink& sink, const CallContext& context) {
  std::uint64_t at = body.begin;
  const std::uint64_t stop_at =
      body.break_after ? std::min(body.end, body.begin + *body.break_after) : body.end;
  while (at < stop_at) {
    context.throw_if_stopped();
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, stop_at - at));
    sink.write(std::as_bytes(std::span(body.content.data() + at, n)));
    at += n;
  }
  if (body.break_after) {
    throw Error(ErrorCode::kUnavailable, "the body from memory://bucket ended early");
  }
  return at - body.begin;
}

}  // namespace

void MemoryStore::Impl::require_condition(bool present, const std::string& what) const {
  if (present || !options.require_preconditions) return;
  throw Error(ErrorCode::kInternal, "blind write (invariant I5): " + what);
}

MemoryStore::MemoryStore() : MemoryStore(Options()) {}
MemoryStore::MemoryStore(Options options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
MemoryStore::~MemoryStore() = default;

void MemoryStore::set_fault(Fault fault) { impl_->faults.set(std::move(fault)); }

void MemoryStore::break_next_body_after(std::uint64_t bytes) {
  const std::lock_guard lock(impl_->bucket.mutex);
  impl_->break_after = bytes;
}

std::uint64_t MemoryStore::operations(const std::string& name) const {
  return impl_->faults.count(name);
}

VersionToken MemoryStore::put_directly(const std::string& key, const std::string& content,
                                       const Metadata& metadata) {
  const std::lock_guard lock(impl_->bucket.mutex);
  memory::NewObject object;
  object.key = key;
  object.content = content;
  object.metadata = metadata;
  return impl_->bucket.store(std::move(object)).token;
}

void MemoryStore::remove_directly(const std::string& key) {
  const std::lock_guard lock(impl_->bucket.mutex);
  impl_->bucket.erase(key);
}

std::optional<std::string> MemoryStore::content(const std::string& key) const {
  const std::lock_guard lock(impl_->bucket.mutex);
  const auto* object = impl_->bucket.find(key);
  if (!object) return std::nullopt;
  return *object->content;
}

void MemoryStore::archive(const std::string& key) {
  const std::lock_guard lock(impl_->bucket.mutex);
  impl_->bucket.archive(key);
}

const Capabilities& MemoryStore::capabilities() const {
  return impl_->options.capabilities;
}
std::string MemoryStore::describe() const { return "memory://bucket"; }
MultipartStore* MemoryStore::multipart() { return &impl_->uploads; }

ListPage MemoryStore::list(const ListRequest& request, const CallContext& context) {
  context.throw_if_stopped();
  impl_->faults.before("list", request.prefix);
  ListPage page;
  {
    const std::lock_guard lock(impl_->bucket.mutex);
    page = impl_->bucket.list(request);
  }
  impl_->faults.after("list", request.prefix);
  return page;
}

std::optional<ObjectInfo> MemoryStore::head(const ObjectKey& key,
                                            const CallContext& context) {
  context.throw_if_stopped();
  impl_->faults.before("head", key.value);
  std::optional<ObjectInfo> info;
  {
    const std::lock_guard lock(impl_->bucket.mutex);
    if (const auto* object = impl_->bucket.find(key.value)) info = object->info;
  }
  impl_->faults.after("head", key.value);
  return info;
}

Tags MemoryStore::tags(const ObjectKey& key, const CallContext& context) {
  context.throw_if_stopped();
  impl_->faults.before("tags", key.value);
  const std::lock_guard lock(impl_->bucket.mutex);
  const auto* found = impl_->bucket.find(key.value);
  return found ? found->tags : Tags{};
}

GetResult MemoryStore::get(const GetRequest& request, ByteSink& sink,
                           const CallContext& context) {
  context.throw_if_stopped();
  impl_->faults.before("get", request.key.value);
  GetResult result;
  memory::StoredObject object;
  std::optional<std::uint64_t> break_after;
  {
    const std::lock_guard lock(impl_->bucket.mutex);
    const auto* found =
        request.version_id.empty()
            ? impl_->bucket.find(request.key.value)
            : impl_->bucket.find_version(request.key.value, request.version_id);
    if (!found) return {Outcome::kNotFound, {}, 0};
    object = *found;
    break_after = std::exchange(impl_->break_after, std::nullopt);
  }
  result.info = object.info;
  if (impl_->options.silent_get) result.info.metadata.reset();
  if (request.if_match && object.info.token != *request.if_match) {
    result.outcome = Outcome::kPreconditionFailed;
  } else if (object.info.archived) {
    result.outcome = Outcome::kArchived;
  } else {
    const auto [begin, end] = clip(request.range, object.content->size());
    result.body_bytes =
        deliver({*object.content, begin, end, break_after}, sink, context);
  }
  impl_->faults.after("get", request.key.value);
  return result;
}

PutResult MemoryStore::put(const PutRequest& request, ByteSource& source,
                           const CallContext& context) {
  context.throw_if_stopped();
  const std::string& key = request.key.value;
  impl_->require_condition(request.condition.any(), "put of " + key);
  impl_->faults.before("put", key);
  memory::NewObject object;
  object.key = key;
  object.content = read_checked(
      source, {request.md5, request.sha256, request.crc64nvme, request.crc32c}, context);
  object.metadata = request.metadata;
  object.served = request.served;
  object.tags = request.tags;
  object.content_type = request.content_type;
  object.storage_class = request.storage_class;
  object.crc64nvme = request.crc64nvme;
  PutResult result;
  {
    const std::lock_guard lock(impl_->bucket.mutex);
    if (capabilities().conditional_put) {
      result.outcome = impl_->bucket.check(request.condition, key);
    }
    if (result.outcome == Outcome::kOk) {
      impl_->bucket.require_unnested(key);
      result = impl_->bucket.store(std::move(object));
    }
  }
  impl_->faults.after("put", key);
  return result;
}

DeleteResult MemoryStore::remove(const DeleteRequest& request,
                                 const CallContext& context) {
  context.throw_if_stopped();
  const std::string& key = request.key.value;
  impl_->require_condition(request.if_match.has_value(), "remove of " + key);
  impl_->faults.before("remove", key);
  DeleteResult result;
  {
    const std::lock_guard lock(impl_->bucket.mutex);
    if (impl_->bucket.find(key) && capabilities().conditional_delete) {
      result.outcome = impl_->bucket.check({request.if_match, false}, key);
    }
    if (result.outcome == Outcome::kOk) impl_->bucket.erase(key);
  }
  impl_->faults.after("remove", key);
  return result;
}

std::vector<DeleteResult> MemoryStore::remove_many(
    std::span<const DeleteRequest> requests, const CallContext& context) {
  context.throw_if_stopped();
  impl_->faults.before("remove_many", "");
  std::vector<DeleteResult> results;
  for (const DeleteRequest& request : requests) {
    const std::string& key = request.key.value;
    impl_->require_condition(request.if_match.has_value(), "remove of " + key);
    DeleteResult result;
    try {
      impl_->faults.step("remove_many_key", key);
      const std::lock_guard lock(impl_->bucket.mutex);
      if (impl_->bucket.find(key) && capabilities().conditional_batch_delete) {
        result.outcome = impl_->bucket.check({request.if_match, false}, key);
      }
      if (result.outcome == Outcome::kOk) impl_->bucket.erase(key);
    } catch (const Error& error) {
      result.error = error;
    }
    results.push_back(std::move(result));
  }
  impl_->faults.after("remove_many", "");
  return results;
}

PutResult MemoryStore::copy(const CopyRequest& request, const CallContext& context) {
  context.throw_if_stopped();
  impl_->faults.before("copy", request.source.value);
  PutResult result;
  {
    const std::lock_guard lock(impl_->bucket.mutex);
    memory::MemoryBucket& bucket = impl_->bucket;
    const auto* source = bucket.find(request.source.value);
    if (!source)
      return {.outcome = Outcome::kNotFound, .token = {}, .version_id = {}, .md5 = {}};
    if (source->info.archived) result.outcome = Outcome::kArchived;
    if (capabilities().conditional_copy_source && request.source_if_match &&
        source->info.token != *request.source_if_match) {
      result.outcome = Outcome::kPreconditionFailed;
    }
    if (result.outcome == Outcome::kOk && capabilities().conditional_copy_destination) {
      result.outcome = bucket.check(request.condition, request.destination.value);
    }
    if (result.outcome == Outcome::kOk) {
      bucket.require_unnested(request.destination.value);
      memory::NewObject object;
      object.key = request.destination.value;
      object.content = *source->content;
      object.metadata = source->info.metadata.value_or(Metadata{});
      object.served = source->info.served;
      object.tags = source->tags;
      object.content_type = source->info.content_type;
      object.storage_class = source->info.storage_class;
      object.crc64nvme = source->info.crc64nvme;
      result = bucket.store(std::move(object));
    }
  }
  impl_->faults.after("copy", request.source.value);
  return result;
}

BucketInfo MemoryStore::describe_bucket(const CallContext& context) {
  context.throw_if_stopped();
  impl_->faults.before("describe_bucket", "");
  impl_->faults.after("describe_bucket", "");
  return {.exists = true, .region = "", .versioned = impl_->options.versioned};
}

}  // namespace cloudsync::storage
