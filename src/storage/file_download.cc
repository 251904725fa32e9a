// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "base/time_format.h"
#include "hash/digest.h"
#include "storage/file_transfer.h"
#include "storage/local_file.h"

namespace cloudsync::storage {
namespace {

constexpr int kVersionTries = 3;  // of an object that is replaced while it is being read

class HashingSink final : public ByteSink {
 public:
  HashingSink(ByteSink& inner, const ProgressCallback& progress)
      : inner_(inner), progress_(progress) {}
  void write(Bytes bytes) override {
    md5_.update(bytes);
    inner_.write(bytes);
    if (progress_) progress_(bytes.size());
  }
  Md5Digest finish() { return md5_.finish(); }

 private:
  ByteSink& inner_;
  const ProgressCallback& progress_;
  hash::Md5 md5_;
};

std::string place_of(const ObjectStore& store, const ObjectKey& key) {
  return "'" + base::printable(key.value) + "' in " + store.describe();
}

// The whole MD5 that the writer left where the server cannot know it (multipart).
std::optional<std::vector<std::uint8_t>> written_md5(const ObjectInfo& info) {
  if (!info.metadata || !info.metadata->contains("md5chksum")) return std::nullopt;
  return base::from_base64(info.metadata->at("md5chksum"));
}

void verify(const GetResult& result, const Md5Digest& md5, const std::string& place) {
  const auto written = written_md5(result.info);
  const bool same_length = result.body_bytes == result.info.size;
  const bool same_md5 = !result.info.md5 || *result.info.md5 == md5;
  const bool same_written =
      !written || std::equal(written->begin(), written->end(), md5.begin(), md5.end());
  if (same_length && same_md5 && same_written) return;
  throw Error(ErrorCode::kDataCorrupt,
              "the bytes received for " + place +
                  " do not match its length or checksum; the local file "
                  "was left as it was");
}

std::int64_t mtime_of(const ObjectInfo& info) {
  if (info.metadata && info.metadata->contains("mtime")) {
    const std::string& text = info.metadata->at("mtime");
    if (const auto seconds = base::parse_decimal_seconds(text)) return *seconds;
    if (const auto time = base::parse_rfc3339(text)) return *time;
  }
  return info.last_modified_ns;
}

// Nothing when the object was replaced meanwhile.
std::optional<Md5Digest> fetch_once(ObjectStore& store, const ObjectKey& key,
                                    const std::string& local_path,
                                    const ProgressCallback& progress,
                                    const CallContext& context) {
  const std::string place = place_of(store, key);
  const auto info = store.head(key, context);
  if (!info) throw Error(ErrorCode::kNotFound, place + " does not exist");
  ReplacementFile file(local_path);
  HashingSink sink(file, progress);
  GetRequest request;
  request.key = key;
  request.if_match = info->token;
  const GetResult result = store.get(request, sink, context);
  if (result.outcome == Outcome::kArchived) {
    throw Error(ErrorCode::kArchived, place + " is archived; restore it first");
  }
  if (result.outcome != Outcome::kOk) return std::nullopt;
  const Md5Digest md5 = sink.finish();
  verify(result, md5, place);
  file.commit(mtime_of(result.info));
  return md5;
}

}  // namespace

Md5Digest fetch_file(ObjectStore& store, const ObjectKey& key,
                     const std::string& local_path, const ProgressCallback& progress,
                     const CallContext& context) {
  for (int attempt = 1; attempt <= kVersionTries; ++attempt) {
    try {
      if (const auto md5 = fetch_once(store, key, local_path, progress, context))
        return *md5;
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
