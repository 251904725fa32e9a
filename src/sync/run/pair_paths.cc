// SPDX-License-Identifier: Apache-2.0
#include "sync/run/pair_paths.h"

#include <filesystem>
#include <system_error>

#include "cloudsync/error.h"

namespace cloudsync::sync {

namespace {

namespace fs = std::filesystem;

}  // namespace

std::string canonical_root(const std::string& local_dir) {
  std::error_code error;
  const auto absolute = fs::absolute(local_dir, error);
  auto path = fs::weakly_canonical(absolute, error).string();
  if (error) {
    throw Error(ErrorCode::kInvalidArgument,
                "'" + local_dir + "' cannot be resolved: " + error.message());
  }
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string normal_prefix(const std::string& cloud_prefix) {
  if (cloud_prefix.empty() || cloud_prefix == "/") return "";
  if (cloud_prefix.front() == '/') {
    throw Error(ErrorCode::kInvalidArgument,
                "--cloud-prefix '" + cloud_prefix +
                    "' begins with '/'; keys have no leading "
                    "slash: write '" +
                    cloud_prefix.substr(cloud_prefix.find_first_not_of('/')) + "'");
  }
  return cloud_prefix.ends_with('/') ? cloud_prefix : cloud_prefix + "/";
}

PairIdentity pair_identity(const StorageOptions& storage, const std::string& local_dir,
                           const std::string& cloud_prefix) {
  PairIdentity identity;
  identity.local_root = canonical_root(local_dir);
  identity.provider = storage.provider;
  identity.container = storage.bucket;
  if (storage.provider == "local") {
    identity.container += "@" + canonical_root(storage.path);
  } else if (!storage.endpoint_url.empty()) {
    identity.container += "@" + storage.endpoint_url;
  }
  identity.prefix = normal_prefix(cloud_prefix);
  return identity;
}

void refuse_nested_bucket(const StorageOptions& storage, const std::string& root) {
  if (storage.provider != "local") return;
  const std::string bucket = canonical_root(storage.path + "/" + storage.bucket);
  const auto holds = [](const std::string& outer, const std::string& inner) {
    return outer == "/" || (inner + "/").starts_with(outer + "/");
  };
  if (!holds(root, bucket) && !holds(bucket, root)) return;
  throw Error(ErrorCode::kInvalidArgument,
              "the local folder '" + root + "' and the bucket's folder '" + bucket +
                  "' lie in each other: every run would copy its own copies; choose "
                  "another --local-dir or storage.path");
}

std::vector<std::string> key_folders(const StorageOptions& storage,
                                     const PairIdentity& identity) {
  std::vector<std::string> folders = {identity.local_root};
  if (storage.provider == "local") {
    folders.push_back(
        canonical_root(storage.path + "/" + storage.bucket + "/" + identity.prefix));
  }
  return folders;
}

}  // namespace cloudsync::sync
