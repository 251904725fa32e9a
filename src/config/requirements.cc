// SPDX-License-Identifier: Apache-2.0
#include "config/requirements.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace cloudsync::config {
namespace {

constexpr std::string_view kCredentials = "storage.credentials.";

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
constexpr std::uint64_t kS3SmallestPart = 5ULL << 20;
constexpr std::uint64_t kS3LargestPart = 5ULL << 30;

[[noreturn]] void fail(const std::string& place, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, place + ": " + message);
}

struct ProviderCredentials {
  std::string_view provider;
  std::vector<std::string_view> names;
};

const std::vector<ProviderCredentials>& credential_table() {
  static const std::vector<ProviderCredentials> table{
      {"s3",
       {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "anonymous"}},
      {"gcs", {"service_account_file", "anonymous"}},
      {"azure",
       {"connection_string", "account_name", "account_key", "sas_token", "tenant_id",
        "client_id", "client_secret", "anonymous"}},
      {"local", {}},
  };
  return table;
}

const std::vector<std::string_view>& names_of(const std::string& provider) {
  const auto& table = credential_table();
  return std::find_if(table.begin(), table.end(),
                      [&](const auto& entry) { return entry.provider == provider; })
      ->names;
}

ConfigValue& shown(LoadedConfig& loaded, std::string_view key) {
  return *std::find_if(loaded.values.begin(), loaded.values.end(),
                       [&](const ConfigValue& value) { return value.key == key; });
}

void check_required(LoadedConfig& loaded) {
  StorageOptions& storage = loaded.config.storage;
  const std::string& file = loaded.config.file;
  if (storage.provider.empty()) {
    fail(file, "storage.provider is missing; it must be one of s3, gcs, azure, local");
  }
  if (storage.bucket.empty() && storage.provider == "local") {
    storage.bucket = "data";
    shown(loaded, "storage.bucket").value = "data";
  }
  if (storage.bucket.empty()) {
    fail(file, "storage.bucket is missing; give the name of the bucket or container");
  }
  if (storage.path.empty() && storage.provider == "local") {
    fail(file,
         "storage.path is missing; provider local needs the folder that holds the "
         "buckets");
  }
}

void check_credential_names(LoadedConfig& loaded) {
  const std::string& provider = loaded.config.storage.provider;
  const auto& allowed = names_of(provider);
  for (const auto& [name, value] : loaded.config.storage.credentials) {
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    const std::string key = std::string(kCredentials) + name;
    const std::string takes =
        allowed.empty() ? "takes no credentials" : "takes " + credential_names(provider);
    fail(shown(loaded, key).origin,
         key + " does not belong to provider " + provider + ", which " + takes);
  }
}

void check_s3_key_pair(LoadedConfig& loaded) {
  const auto& credentials = loaded.config.storage.credentials;
  if (credentials.contains("anonymous")) {
    if (credentials.size() == 1) return;
    fail(shown(loaded, std::string(kCredentials) + "anonymous").origin,
         std::string(kCredentials) +
             "anonymous is given beside keys; give one or the other");
  }
  const bool any = !credentials.empty();
  for (const std::string name : {"aws_access_key_id", "aws_secret_access_key"}) {
    if (!any || credentials.contains(name)) continue;
    const std::string given = std::string(kCredentials) + credentials.begin()->first;
    fail(shown(loaded, given).origin, given + " is given without " +
                                          std::string(kCredentials) + name +
                                          "; give both, or none for the ordinary chain");
  }
}

void check_s3_sizes(LoadedConfig& loaded) {
  const StorageOptions& storage = loaded.config.storage;
  if (storage.chunk_size < kS3SmallestPart || storage.chunk_size > kS3LargestPart) {
    fail(shown(loaded, "storage.chunk_size").origin,
         "storage.chunk_size must be from 5MiB to 5GiB, the parts that S3 takes");
  }
  if (storage.multipart_threshold > kS3LargestPart) {
    fail(shown(loaded, "storage.multipart_threshold").origin,
         "storage.multipart_threshold must be at most 5GiB, the most that S3 takes in "
         "one request");
  }
}

}  // namespace

std::string credential_names(const std::string& provider) {
  std::string all;
  for (const auto name : names_of(provider))
    all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

void check_requirements(LoadedConfig& loaded) {
  check_required(loaded);
  check_credential_names(loaded);
  if (loaded.config.storage.provider == "s3") {
    check_s3_key_pair(loaded);
    check_s3_sizes(loaded);
  }
}

}  // namespace cloudsync::config
