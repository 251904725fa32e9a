// SPDX-License-Identifier: Apache-2.0
#include "sync/run/remote_trash.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/log.h"
#include "storage/listed_pages.h"
#include "sync/place/run_name.h"

namespace cloudsync::sync {

namespace {

constexpr char kTrash[] = ".cloudsync/trash/";
constexpr std::uint64_t kCopyPart = 1ULL << 30;
constexpr std::int64_t kSecond = 1'000'000'000;

// All that a copy shares with its source beside the bytes.
template <class Request>
void describe_copy(const storage::ObjectInfo& source, const storage::Tags& tags,
                   Request& request) {
  request.content_type = source.content_type;
  request.storage_class = source.storage_class;
  request.served = source.served;
  request.metadata = source.metadata.value_or(Metadata{});
  request.tags = tags;
}

}  // namespace

std::optional<std::string> RemoteTrash::secure(const std::string& key,
                                               const storage::ObjectInfo& version) {
  const auto& engine = context_.settings.engine;
  if (!engine.trash) return "";
  if (context_.writable.keeps_deleted(engine.trash_retention_seconds, context_.call))
    return "version " + version.version_id;
  const std::string destination =
      context_.prefix() + kTrash + context_.run_name + "/" + key;
  try {
    // The name belongs to this run alone; a version secured under it before was replaced
    // by somebody who saw it.
    if (!copy_version(version, destination, false)) return std::nullopt;
  } catch (const Error& error) {
    const bool final = error.code() == ErrorCode::kPermissionDenied ||
                       error.code() == ErrorCode::kUnsupported ||
                       error.code() == ErrorCode::kInvalidArgument;
    if (!final) throw;
    throw Error(error.code(),
                fmt::format("it cannot be copied to the bucket's trash ({} bytes) and "
                            "was left as it is: {}; allow reading it and writing below "
                            "'{}', or go without the trash (trash: false)",
                            version.size, error.what(),
                            base::printable(context_.prefix() + kTrash)),
                error.detail());
  }
  return destination;
}

bool RemoteTrash::copy_version(const storage::ObjectInfo& version,
                               const std::string& destination, bool if_free) {
  auto& store = context_.writable.get(context_.call);
  const auto& capabilities = store.capabilities();
  if (version.size > capabilities.max_single_copy && capabilities.part_copies &&
      store.multipart() != nullptr) {
    return copy_in_parts(version, {destination}, if_free).outcome ==
           storage::Outcome::kOk;
  }
  storage::CopyRequest request;
  request.source = version.key;
  request.source_if_match = version.token;
  request.destination = {destination};
  request.condition.if_absent = if_free;
  request.size = version.size;
  const auto outcome = store.copy(request, context_.call).outcome;
  if (outcome != storage::Outcome::kArchived) return outcome == storage::Outcome::kOk;
  throw Error(ErrorCode::kArchived,
              base::printable(version.key.value) + " in " + store.describe() + " (" +
                  std::to_string(version.size) +
                  " bytes) is archived and cannot be copied to the bucket's trash, so "
                  "it was left as it is; restore it first, or go without the trash "
                  "(trash: false)");
}

// A copy without its tags is better than none.
storage::Tags RemoteTrash::tags_to_copy(const storage::ObjectInfo& version) {
  if (version.tag_count == 0) return {};
  try {
    return context_.store.tags(version.key, context_.call);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled || error.retryable()) throw;
    return {};
  }
}

storage::PutResult RemoteTrash::copy_in_parts(const storage::ObjectInfo& seen,
                                              const storage::ObjectKey& destination,
                                              bool if_free) {
  // A listing or a planned deletion does not know what the copy has to carry.
  const auto now = seen.metadata ? seen
                                 : context_.writable.get(context_.call)
                                       .head(seen.key, context_.call)
                                       .value_or(storage::ObjectInfo{});
  if (now.token != seen.token) {
    storage::PutResult changed;
    changed.outcome = storage::Outcome::kPreconditionFailed;
    return changed;
  }
  const storage::ObjectInfo& version = now;
  const auto tags = tags_to_copy(version);
  auto& multipart = *context_.writable.get(context_.call).multipart();
  storage::BeginUploadRequest begin;
  begin.key = destination;
  begin.condition.if_absent = if_free;
  begin.size = version.size;
  begin.part_size = kCopyPart;
  describe_copy(version, tags, begin);
  storage::CompleteRequest complete;
  complete.key = destination;
  complete.upload = multipart.begin_upload(begin, context_.call);
  complete.size = version.size;
  complete.condition.if_absent = if_free;
  complete.md5 = version.md5 ? version.md5 : version.stored_md5;
  describe_copy(version, tags, complete);
  try {
    for (std::uint64_t offset = 0; offset < version.size; offset += kCopyPart) {
      storage::CopyPartRequest part;
      part.key = destination;
      part.upload = complete.upload;
      part.number = static_cast<std::uint32_t>(offset / kCopyPart) + 1;
      part.source = version.key;
      part.source_if_match = version.token;
      part.range = {offset, std::min(kCopyPart, version.size - offset)};
      complete.parts.push_back(multipart.copy_part(part, context_.call));
    }
    auto result = multipart.complete_upload(complete, context_.call);
    // The parts would cost money until somebody aborts them.
    if (result.outcome != storage::Outcome::kOk) abort_copy(destination, complete.upload);
    return result;
  } catch (const Error&) {
    abort_copy(destination, complete.upload);
    throw;
  }
}

// What the caller is told is why the copy failed, not why its rest stays.
void RemoteTrash::abort_copy(const storage::ObjectKey& destination,
                             const storage::UploadId& upload) {
  try {
    context_.writable.get(context_.call)
        .multipart()
        ->abort_upload(destination, upload, context_.call);
  } catch (const Error& error) {
    base::log().info("{}", error.what());
  }
}

std::uint64_t RemoteTrash::purge() {
  const std::int64_t retention = context_.settings.engine.trash_retention_seconds;
  const auto now_ns = context_.store_clock.server_now_ns();
  // In nanoseconds it might not fit either.
  if (!now_ns || retention >= *now_ns / kSecond) return 0;
  const std::int64_t oldest_ns = *now_ns - retention * kSecond;
  storage::ListRequest request;
  request.prefix = context_.prefix() + kTrash;
  request.delimiter = "/";
  const std::size_t name_at = request.prefix.size();
  storage::ListedPages pages(context_.store, std::move(request));
  Purge purge;
  for (storage::ListPage page; pages.next(page, context_.call);) {
    for (const auto& run_prefix : page.common_prefixes) {
      if (!run_prefix.ends_with('/')) continue;
      const auto name = run_prefix.substr(name_at, run_prefix.size() - name_at - 1);
      if (is_purgeable(name, oldest_ns)) remove_below(run_prefix, oldest_ns, purge);
    }
  }
  if (purge.refused > 0) {
    context_.report.notice(fmt::format(
        "{} old objects of the bucket's trash could not be deleted and stay below '{}': "
        "{}; allow deleting there, or let a rule of the bucket expire them",
        purge.refused, base::printable(context_.prefix() + kTrash), purge.words));
  }
  return purge.removed;
}

// The time in the name only spares a look at young ones: it was some machine's clock.
bool RemoteTrash::is_purgeable(const std::string& run_name,
                               std::int64_t oldest_ns) const {
  const auto run = parse_run_name(run_name);
  if (!run || run_name == context_.run_name || run->time_ns > oldest_ns) return false;
  return run->replica.empty() || run->replica == replica_name(context_.pair.uuid);
}

// The names belong to one run of long ago, so that nobody else can have written there
// since.
void RemoteTrash::remove_below(const std::string& run_prefix, std::int64_t oldest_ns,
                               Purge& purge) {
  storage::ListRequest request;
  request.prefix = run_prefix;
  storage::ListedPages pages(context_.store, std::move(request));
  for (storage::ListPage page; pages.next(page, context_.call);) {
    std::vector<storage::DeleteRequest> requests;
    for (const auto& info : page.objects) {
      if (info.last_modified_ns <= oldest_ns)
        requests.push_back({info.key, std::nullopt});
    }
    if (requests.empty()) continue;
    const auto results =
        context_.writable.get(context_.call).remove_many(requests, context_.call);
    for (const auto& result : results) {
      if (!result.error && result.outcome == storage::Outcome::kOk) {
        ++purge.removed;
      } else if (purge.refused++ == 0) {
        purge.words = result.error ? result.error->what() : "they changed";
      }
    }
  }
}

}  // namespace cloudsync::sync
