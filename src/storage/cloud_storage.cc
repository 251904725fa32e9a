// SPDX-License-Identifier: Apache-2.0
#include "cloudsync/cloud_storage.h"

#include <chrono>
#include <string>

#include "base/encoding.h"
#include "base/log.h"
#include "base/process_generation.h"
#include "storage/decorators.h"
#include "storage/file_transfer.h"
#include "storage/listed_pages.h"
#include "storage/object_metadata.h"
#include "storage/provider_factory.h"

namespace cloudsync {
namespace {

constexpr int kDeleteTries = 10;  // against other writers of the same key

std::string places_to_check(const std::string& provider) {
  return provider == "s3" ? "storage.endpoint_url, storage.region"
                          : "storage.endpoint_url";
}

std::string what_to_check(ErrorCode code, const std::string& provider) {
  switch (code) {
    case ErrorCode::kUnauthenticated:
      return "; check storage.credentials, or the provider's ordinary credential chain";
    case ErrorCode::kPermissionDenied:
      return "; check that these credentials may list, read and write this bucket";
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
      return "; check " + places_to_check(provider) + " and the network";
    case ErrorCode::kNotFound:
      return "; check storage.bucket and storage.endpoint_url";
    default:
      return "";
  }
}

Error explained(const Error& error, const std::string& place,
                const std::string& provider) {
  const std::string message = "cannot reach " + place + ": " + error.what() +
                              what_to_check(error.code(), provider);
  return Error(error.code(), message, error.detail()).with_retryable(error.retryable());
}

std::unique_ptr<storage::ObjectStore> retrying(storage::ObjectStore& store,
                                               const StorageOptions& options) {
  const std::chrono::duration<double> delay(options.retry_delay_seconds);
  base::RetryPolicy policy;
  policy.retries = options.retry_attempts;
  policy.delay = std::chrono::duration_cast<std::chrono::milliseconds>(delay);
  return storage::make_retrying_store(store, policy, {});
}

CloudFile to_cloud_file(const storage::ObjectInfo& info) {
  CloudFile file;
  file.path = info.key.value;
  file.size = info.size;
  file.last_modified_ns = info.last_modified_ns;
  file.etag = info.token.value;
  file.storage_class = info.storage_class;
  file.md5 = storage::told_md5(info);
  return file;
}

StorageOptions with_provider(StorageOptions options, const char* provider) {
  options.provider = provider;
  return options;
}

}  // namespace

CloudStorage::CloudStorage(StorageOptions options) : options_(std::move(options)) {}
CloudStorage::~CloudStorage() = default;

storage::ObjectStore& CloudStorage::store() {
  const unsigned generation = base::process_generation();
  if (!store_ || generation_ != generation) remake_store(generation);
  return *store_;
}

// A store of the parent is never closed here: that would say good-bye on the parent's
// connections, and wait for threads that only the parent has.
void CloudStorage::remake_store(unsigned generation) {
  const std::lock_guard lock(remake_);
  if (store_ && generation_ == generation) return;
  if (store_) static_cast<void>(store_.release());
  store_ = storage::make_object_store(options_);
  generation_ = generation;
}

void CloudStorage::connect(const std::stop_token& stop) {
  if (connected_) return;
  storage::ObjectStore& bucket = store();
  storage::BucketInfo info;
  try {
    info = retrying(bucket, options_)->describe_bucket({stop, {}});
  } catch (const Error& error) {
    throw explained(error, bucket.describe(), options_.provider);
  }
  if (!info.exists) {
    throw Error(ErrorCode::kNotFound,
                "the bucket " + bucket.describe() +
                    " does not exist; create it, or check storage.bucket and " +
                    places_to_check(options_.provider));
  }
  connected_ = true;
}

void CloudStorage::disconnect() {
  store_.reset();
  connected_ = false;
}

std::string CloudStorage::describe() const {
  if (store_) return store_->describe();
  return options_.provider + " bucket '" + options_.bucket + "'";
}

std::string CloudStorage::upload_file(const std::string& local_path,
                                      const std::string& cloud_path,
                                      const ProgressCallback& progress,
                                      const std::stop_token& stop) {
  const auto bucket = retrying(store(), options_);
  return storage::send_file(*bucket, options_, local_path, {cloud_path}, progress,
                            {stop, {}})
      .token.value;
}

std::string CloudStorage::download_file(const std::string& cloud_path,
                                        const std::string& local_path,
                                        const ProgressCallback& progress,
                                        const std::stop_token& stop) {
  const auto bucket = retrying(store(), options_);
  return base::to_hex(storage::fetch_file(*bucket, options_, {cloud_path}, local_path,
                                          progress, {stop, {}}));
}

std::vector<CloudFile> CloudStorage::list_files(const std::string& prefix,
                                                const std::stop_token& stop) {
  std::vector<CloudFile> files;
  const auto keep = [&](const CloudFile& file) {
    files.push_back(file);
    return true;
  };
  for_each_file(prefix, keep, stop);
  return files;
}

void CloudStorage::for_each_file(const std::string& prefix,
                                 const std::function<bool(const CloudFile&)>& visit,
                                 const std::stop_token& stop) {
  const auto bucket = retrying(store(), options_);
  storage::ListRequest request;
  request.prefix = prefix;
  storage::ListedPages pages(*bucket, std::move(request));
  for (storage::ListPage page; pages.next(page, {stop, {}});) {
    for (const storage::ObjectInfo& info : page.objects) {
      if (!info.blocked.empty()) {
        base::log().warn("{}", info.blocked);
        continue;
      }
      if (!visit(to_cloud_file(info))) return;
    }
  }
}

// By the version that is there, so that a lost answer never costs an object that was
// written since.
bool CloudStorage::delete_file(const std::string& cloud_path,
                               const std::stop_token& stop) {
  const CallContext context{stop, {}};
  const auto bucket = retrying(store(), options_);
  for (int attempt = 0; attempt < kDeleteTries; ++attempt) {
    const auto now = bucket->head({cloud_path}, context);
    if (!now) return false;
    const auto result =
        bucket->remove({{cloud_path}, now->token, now->last_modified_ns}, context);
    if (result.outcome == storage::Outcome::kOk) return true;
  }
  throw Error(ErrorCode::kPreconditionFailed,
              "'" + base::printable(cloud_path) + "' in " + describe() +
                  " is being written by others all the time");
}

S3CloudStorage::S3CloudStorage(StorageOptions options)
    : CloudStorage(with_provider(std::move(options), "s3")) {}

GCSCloudStorage::GCSCloudStorage(StorageOptions options)
    : CloudStorage(with_provider(std::move(options), "gcs")) {}

AzureCloudStorage::AzureCloudStorage(StorageOptions options)
    : CloudStorage(with_provider(std::move(options), "azure")) {}

LocalCloudStorage::LocalCloudStorage(StorageOptions options)
    : CloudStorage(with_provider(std::move(options), "local")) {}

std::unique_ptr<CloudStorage> make_cloud_storage(const StorageOptions& options) {
  if (options.provider == "s3") return std::make_unique<S3CloudStorage>(options);
  if (options.provider == "gcs") return std::make_unique<GCSCloudStorage>(options);
  if (options.provider == "azure") return std::make_unique<AzureCloudStorage>(options);
  if (options.provider == "local") return std::make_unique<LocalCloudStorage>(options);
  // Names the providers that there are.
  storage::make_object_store(options);
  return std::make_unique<CloudStorage>(options);
}

}  // namespace cloudsync
