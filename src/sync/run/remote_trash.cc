// SPDX-License-Identifier: Apache-2.0
#include "sync/run/remote_trash.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "base/time_format.h"

namespace cloudsync::sync {

namespace {

constexpr char kTrash[] = ".cloudsync/trash/";
constexpr std::uint64_t kCopyPart = 1ULL << 30;
constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

std::optional<std::int64_t> run_name_time(const std::string& run_name) {
  // 20261123T180000Z-...
  if (run_name.size() < 16 || run_name[8] != 'T' || run_name[15] != 'Z')
    return std::nullopt;
  const std::string rfc = run_name.substr(0, 4) + "-" + run_name.substr(4, 2) + "-" +
                          run_name.substr(6, 2) + "T" + run_name.substr(9, 2) + ":" +
                          run_name.substr(11, 2) + ":" + run_name.substr(13, 2) + "Z";
  return base::parse_rfc3339(rfc);
}

std::optional<std::string> RemoteTrash::secure(const std::string& key,
                                               const storage::ObjectInfo& version) {
  if (!context_.settings.engine.trash) return "";
  if (context_.writable.versioned(context_.call)) return "version " + version.version_id;
  const std::string destination =
      context_.prefix() + kTrash + context_.run_name + "/" + key;
  // The name belongs to this run alone; a version secured under it before was replaced by
  // somebody who saw it.
  if (!copy_version(version, destination, false)) return std::nullopt;
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
              base::printable(version.key.value) + " in " + store.describe() +
                  " is archived and cannot be copied to the trash; restore it first, or "
                  "go without the trash (trash: false)");
}

storage::PutResult RemoteTrash::copy_in_parts(const storage::ObjectInfo& version,
                                              const storage::ObjectKey& destination,
                                              bool if_free) {
  auto& multipart = *context_.writable.get(context_.call).multipart();
  storage::BeginUploadRequest begin;
  begin.key = destination;
  begin.condition.if_absent = if_free;
  begin.size = version.size;
  begin.part_size = kCopyPart;
  begin.storage_class = version.storage_class;
  if (version.metadata) begin.metadata = *version.metadata;
  storage::CompleteRequest complete;
  complete.key = destination;
  complete.upload = multipart.begin_upload(begin, context_.call);
  complete.size = version.size;
  complete.condition.if_absent = if_free;
  complete.md5 = version.md5;
  complete.content_type = version.content_type;
  complete.storage_class = begin.storage_class;
  complete.metadata = begin.metadata;
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
    return multipart.complete_upload(complete, context_.call);
  } catch (const Error&) {
    multipart.abort_upload(destination, complete.upload, context_.call);
    throw;
  }
}

std::uint64_t RemoteTrash::purge() {
  const std::int64_t now_s = context_.clock.now_ns() / kSecond;
  const std::int64_t retention = context_.settings.engine.trash_retention_seconds;
  if (retention >= now_s) return 0;  // in nanoseconds it might not fit either
  const std::int64_t oldest = (now_s - retention) * kSecond;
  storage::ListRequest runs;
  runs.prefix = context_.prefix() + kTrash;
  runs.delimiter = "/";
  std::uint64_t removed = 0;
  do {
    const auto page = context_.store.list(runs, context_.call);
    for (const auto& run_prefix : page.common_prefixes) {
      const auto time = run_name_time(run_prefix.substr(runs.prefix.size()));
      if (time && *time <= oldest) removed += remove_below(run_prefix);
    }
    runs.page_token = page.next_page_token;
  } while (!runs.page_token.empty());
  return removed;
}

// The names belong to one run of long ago, so that nobody else can have written there
// since.
std::uint64_t RemoteTrash::remove_below(const std::string& run_prefix) {
  storage::ListRequest objects;
  objects.prefix = run_prefix;
  std::uint64_t removed = 0;
  do {
    const auto page = context_.store.list(objects, context_.call);
    std::vector<storage::DeleteRequest> requests;
    for (const auto& info : page.objects) requests.push_back({info.key, std::nullopt});
    if (!requests.empty()) {
      context_.writable.get(context_.call).remove_many(requests, context_.call);
    }
    removed += requests.size();
    objects.page_token = page.next_page_token;
  } while (!objects.page_token.empty());
  return removed;
}

}  // namespace cloudsync::sync
