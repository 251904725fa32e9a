// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "hash/digest.h"
#include "storage/content_check.h"
#include "storage/file_transfer.h"
#include "storage/local_file.h"

namespace cloudsync::storage {
namespace {

constexpr int kVersionTries = 3;  // of an object that is replaced while it is being read

class HashingSink final : public ByteSink {
 public:
  HashingSink(const ObjectStore& store, ByteSink& inner, const ProgressCallback* progress)
      : inner_(inner), progress_(progress) {
    if (may_tell_crc32c(store)) received_.crc32c = 0;
    if (may_tell_crc64nvme(store)) received_.crc64nvme = 0;
  }
  void write(Bytes bytes) override {
    md5_.update(bytes);
    if (received_.crc32c) received_.crc32c = hash::crc32c(bytes, *received_.crc32c);
    if (received_.crc64nvme)
      received_.crc64nvme = hash::crc64nvme(bytes, *received_.crc64nvme);
    inner_.write(bytes);
    if (progress_ != nullptr && *progress_) (*progress_)(bytes.size());
  }
  const ReceivedChecksums& finish() {
    received_.md5 = md5_.finish();
    return received_;
  }

 private:
  ByteSink& inner_;
  const ProgressCallback* progress_;
  hash::Md5 md5_;
  ReceivedChecksums received_;
};

std::string place_of(const ObjectStore& store, const ObjectKey& key) {
  return "'" + base::printable(key.value) + "' in " + store.describe();
}

void verify(const GetResult& result, const ReceivedChecksums& received,
            bool ignore_stored_md5, const std::string& place) {
  auto judgement = judge_content(result.info, received, ignore_stored_md5);
  if (result.body_bytes != result.info.size) {
    judgement.fault = std::to_string(result.body_bytes) + " bytes came instead of " +
                      std::to_string(result.info.size);
  }
  if (!judgement.warning.empty()) base::log().warn("{}: {}", place, judgement.warning);
  if (judgement.fault.empty()) return;
  throw Error(ErrorCode::kDataCorrupt,
              place + ": " + judgement.fault + "; the local file was left as it was");
}

std::int64_t mtime_of(const ObjectInfo& info) {
  if (info.metadata && info.metadata->contains("mtime")) {
    const std::string& text = info.metadata->at("mtime");
    if (const auto seconds = base::parse_decimal_seconds(text)) return *seconds;
    if (const auto time = base::parse_rfc3339(text)) return *time;
  }
  return info.last_modified_ns;
}

struct Fetch {
  ObjectStore& store;
  const ObjectKey& key;
  const std::string& local_path;
  bool ignore_stored_md5;
  const ProgressCallback& progress;
  const CallContext& context;
};

// Nothing when the object was replaced meanwhile. `again`: bytes came that were wrong.
std::optional<Md5Digest> fetch_once(const Fetch& fetch, bool again) {
  const std::string place = place_of(fetch.store, fetch.key);
  const auto info = fetch.store.head(fetch.key, fetch.context);
  if (!info) throw Error(ErrorCode::kNotFound, place + " does not exist");
  ReplacementFile file(fetch.local_path);
  HashingSink sink(fetch.store, file, again ? nullptr : &fetch.progress);
  GetRequest request;
  request.key = fetch.key;
  request.if_match = info->token;
  request.fresh_connection = again;
  const GetResult result = fetch.store.get(request, sink, fetch.context);
  if (result.outcome == Outcome::kArchived) {
    throw Error(ErrorCode::kArchived, place + " is archived; restore it first");
  }
  if (result.outcome != Outcome::kOk) return std::nullopt;
  const ReceivedChecksums received = sink.finish();
  verify(result, received, fetch.ignore_stored_md5, place);
  file.commit(mtime_of(result.info));
  return received.md5;
}

std::optional<Md5Digest> fetch_verified(const Fetch& fetch) {
  try {
    return fetch_once(fetch, false);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDataCorrupt) throw;
    base::log().info("{}; fetching it once more over a new connection", error.what());
  }
  return fetch_once(fetch, true);
}

}  // namespace

Md5Digest fetch_file(ObjectStore& store, const StorageOptions& options,
                     const ObjectKey& key, const std::string& local_path,
                     const ProgressCallback& progress, const CallContext& context) {
  const Fetch fetch{store, key, local_path, options.ignore_stored_md5, progress, context};
  for (int attempt = 1; attempt <= kVersionTries; ++attempt) {
    try {
      if (const auto md5 = fetch_verified(fetch)) return *md5;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kPreconditionFailed) {
        throw error.with_context("downloading to '" + local_path + "'");
      }
    }
  }
  throw Error(ErrorCode::kPreconditionFailed,
              place_of(store, key) + " is being replaced all the time; try again later");
}

}  // namespace cloudsync::storage
