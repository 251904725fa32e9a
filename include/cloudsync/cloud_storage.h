// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cloudsync/error.h"
#include "cloudsync/types.h"

namespace cloudsync {

namespace storage {
class ObjectStore;
}

// Called with the bytes moved since the last call, from the transferring thread.
using ProgressCallback = std::function<void(std::uint64_t bytes)>;

struct CloudFile {
  std::string path;               // full key
  std::uint64_t size = 0;         // bytes
  std::int64_t last_modified_ns = 0;  // since the epoch, the server's clock
  std::string etag;               // the version token
  std::string storage_class;
  std::optional<Md5Digest> md5;   // where the listing carries it
};

struct StorageOptions {
  std::string provider;           // "s3", "gcs", "azure", "local"
  std::string bucket;
  std::string path;               // local: folder that holds the buckets
  std::string region;
  std::string endpoint_url;
  std::string addressing_style = "auto";  // auto, path, virtual
  std::string profile;
  std::string project;
  std::string account;
  std::string storage_class;
  // TLS of the storage endpoint: PEM file of authorities that replace the system's ("replace") or join
  // them ("add"). Token services are always verified, by auth_ca_bundle or the system's.
  std::string ca_bundle;
  std::string ca_bundle_mode = "replace";
  std::string auth_ca_bundle;
  bool verify_tls = true;
  bool allow_http = false;  // lets tokens travel over plain HTTP to other machines
  // S3 only: server-side encryption of uploads ("AES256", "aws:kms", "aws:kms:dsse") and its KMS key,
  // or the customer's own key (32 bytes in base64; also sent when reading).
  std::string server_side_encryption;
  std::string sse_kms_key_id;
  std::string sse_customer_key;
  bool requester_pays = false;            // S3: the requester is billed
  bool use_dual_stack = false;            // S3 endpoints of AWS: IPv6 too
  bool use_fips_endpoint = false;         // S3 endpoints of AWS
  bool use_accelerate_endpoint = false;   // S3 endpoints of AWS
  std::uint64_t multipart_threshold = 100'000'000;  // bytes
  std::uint64_t chunk_size = 5ULL << 20;            // bytes
  std::map<std::string, std::string> credentials;   // by the names of the configuration file
  bool ignore_stored_md5 = false;  // download_file; runs: RunOptions
  int retry_attempts = 3;
  double retry_delay_seconds = 5;
};

// A bucket for people: whole files by name. Written once over any ObjectStore; the engine works on
// the store below. Thread-safe after connect().
class CloudStorage {
 public:
  explicit CloudStorage(StorageOptions options);
  virtual ~CloudStorage();

  // Checks that the bucket can be reached with these credentials. Throws Error (kNotFound for a
  // missing bucket, kUnauthenticated, kPermissionDenied, kUnavailable) with bucket, endpoint, the
  // service's words and what to check. Idempotent. This and every call below that waits ends with
  // kCancelled within two seconds after `stop`.
  void connect(const std::stop_token& stop = {});
  void disconnect();

  // Uploads a file whole (multipart above the threshold), replacing what is there. Returns the
  // version token (S3: the ETag). Throws Error.
  std::string upload_file(const std::string& local_path, const std::string& cloud_path,
                          const ProgressCallback& progress = {},
                          const std::stop_token& stop = {});
  // Downloads to a temporary name beside `local_path`, verifies, then replaces atomically. Returns
  // the content's MD5 in hex. Throws Error.
  std::string download_file(const std::string& cloud_path, const std::string& local_path,
                            const ProgressCallback& progress = {},
                            const std::stop_token& stop = {});
  // All objects below the prefix, in key order.
  std::vector<CloudFile> list_files(const std::string& prefix = "",
                                    const std::stop_token& stop = {});
  // The same, streamed: constant memory. Stop by returning false.
  void for_each_file(const std::string& prefix, const std::function<bool(const CloudFile&)>& visit,
                     const std::stop_token& stop = {});
  // False when it was absent.
  bool delete_file(const std::string& cloud_path, const std::stop_token& stop = {});

  const StorageOptions& options() const { return options_; }
  std::string describe() const;
  // The store under this bucket, without retries; made by connect() or at the first use, and made
  // anew in a child after fork(): connections are never shared with the parent.
  storage::ObjectStore& store();

 protected:
  StorageOptions options_;

 private:
  void remake_store(unsigned generation);

  std::unique_ptr<storage::ObjectStore> store_;
  bool connected_ = false;
  std::atomic<unsigned> generation_{0};  // of the process that made store_
  std::mutex remake_;
};

class S3CloudStorage : public CloudStorage {
 public:
  explicit S3CloudStorage(StorageOptions options);
};

class GCSCloudStorage : public CloudStorage {
 public:
  explicit GCSCloudStorage(StorageOptions options);
};

class AzureCloudStorage : public CloudStorage {
 public:
  explicit AzureCloudStorage(StorageOptions options);
};

class LocalCloudStorage : public CloudStorage {
 public:
  explicit LocalCloudStorage(StorageOptions options);
};

// Makes the CloudStorage for options.provider. Throws Error{kInvalidArgument} naming the providers.
std::unique_ptr<CloudStorage> make_cloud_storage(const StorageOptions& options);

}  // namespace cloudsync
