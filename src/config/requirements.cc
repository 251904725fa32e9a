// SPDX-License-Identifier: Apache-2.0
#include "config/requirements.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"

namespace cloudsync::config {
namespace {

constexpr std::string_view kCredentials = "storage.credentials.";

// What one request of a provider takes.
struct SizeLimits {
  std::string_view provider;
  std::string_view service;  // for messages
  std::uint64_t smallest_part;
  std::uint64_t largest_part;
  std::uint64_t largest_put;
  std::string_view part_range;
  std::string_view put_limit;
};

// Google's parts are multiples of 8 MiB: a smaller chunk_size grows to that, which costs
// nobody anything. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html,
// https://cloud.google.com/storage/quotas,
// https://learn.microsoft.com/azure/storage/blobs/scalability-targets
constexpr SizeLimits kSizeLimits[] = {
    {"s3", "S3", 5ULL << 20, 5ULL << 30, 5ULL << 30, "from 5MiB to 5GiB", "5GiB"},
    {"gcs", "Google Cloud Storage", 1, 5ULL << 40, 5ULL << 40, "at most 5TiB", "5TiB"},
    {"azure", "Azure", 1, 4000ULL << 20, 5000ULL << 20, "at most 4000MiB", "5000MiB"},
};

// Settings that S3 alone has; given to another provider they would change nothing.
constexpr std::string_view kS3Settings[] = {
    "storage.server_side_encryption", "storage.sse_kms_key_id",
    "storage.sse_customer_key",       "storage.requester_pays",
    "storage.use_dual_stack",         "storage.use_fips_endpoint",
    "storage.use_accelerate_endpoint"};

constexpr std::size_t kCustomerKeyBytes = 32;

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

void check_anonymous(LoadedConfig& loaded) {
  const auto& credentials = loaded.config.storage.credentials;
  if (!credentials.contains("anonymous")) return;
  for (const auto& [name, value] : credentials) {
    // An account is a place, not a secret.
    if (name == "anonymous" || name == "account_name") continue;
    const std::string anonymous = std::string(kCredentials) + "anonymous";
    fail(shown(loaded, anonymous).origin, anonymous + " is given beside " +
                                              std::string(kCredentials) + name +
                                              "; give one or the other");
  }
}

void check_s3_key_pair(LoadedConfig& loaded) {
  const auto& credentials = loaded.config.storage.credentials;
  if (credentials.empty() || credentials.contains("anonymous")) return;
  for (const std::string name : {"aws_access_key_id", "aws_secret_access_key"}) {
    if (credentials.contains(name)) continue;
    const std::string given = std::string(kCredentials) + credentials.begin()->first;
    fail(shown(loaded, given).origin, given + " is given without " +
                                          std::string(kCredentials) + name +
                                          "; give both, or none for the ordinary chain");
  }
}

void check_azure_account(LoadedConfig& loaded) {
  const StorageOptions& storage = loaded.config.storage;
  const auto named = storage.credentials.find("account_name");
  if (named == storage.credentials.end() || storage.account.empty()) return;
  if (named->second == storage.account) return;
  const std::string key = std::string(kCredentials) + "account_name";
  fail(shown(loaded, key).origin,
       key + " is '" + named->second + "' but storage.account is '" + storage.account +
           "' (" + shown(loaded, "storage.account").origin + "); give one of them");
}

void check_sizes(LoadedConfig& loaded) {
  const StorageOptions& storage = loaded.config.storage;
  for (const SizeLimits& limits : kSizeLimits) {
    if (limits.provider != storage.provider) continue;
    const std::string service(limits.service);
    if (storage.chunk_size < limits.smallest_part ||
        storage.chunk_size > limits.largest_part) {
      fail(shown(loaded, "storage.chunk_size").origin,
           "storage.chunk_size must be " + std::string(limits.part_range) +
               ", the parts that " + service + " takes");
    }
    if (storage.multipart_threshold > limits.largest_put) {
      fail(shown(loaded, "storage.multipart_threshold").origin,
           "storage.multipart_threshold must be at most " +
               std::string(limits.put_limit) + ", the most that " + service +
               " takes in one request");
    }
  }
}

bool is_given(const ConfigValue& setting) {
  return !setting.value.empty() && setting.value != "false";
}

void check_s3_settings(LoadedConfig& loaded) {
  for (const std::string_view key : kS3Settings) {
    ConfigValue& setting = shown(loaded, key);
    if (setting.origin == "default" || !is_given(setting)) continue;
    fail(setting.origin, std::string(key) + " belongs to provider s3, not to " +
                             loaded.config.storage.provider);
  }
}

void check_encryption(LoadedConfig& loaded) {
  const StorageOptions& storage = loaded.config.storage;
  if (!storage.sse_kms_key_id.empty() &&
      !storage.server_side_encryption.starts_with("aws:kms")) {
    fail(shown(loaded, "storage.sse_kms_key_id").origin,
         "storage.sse_kms_key_id needs storage.server_side_encryption aws:kms or "
         "aws:kms:dsse");
  }
  if (storage.sse_customer_key.empty()) return;
  const std::string& origin = shown(loaded, "storage.sse_customer_key").origin;
  const auto key = base::from_base64(storage.sse_customer_key);
  if (!key || key->size() != kCustomerKeyBytes) {
    fail(origin,
         "storage.sse_customer_key must be 32 bytes in base64, such as `openssl rand "
         "-base64 32` makes them");
  }
  if (!storage.server_side_encryption.empty()) {
    fail(origin, "storage.sse_customer_key and storage.server_side_encryption (" +
                     shown(loaded, "storage.server_side_encryption").origin +
                     ") cannot be combined: an object is encrypted with one key");
  }
}

void check_accelerated(LoadedConfig& loaded) {
  const StorageOptions& storage = loaded.config.storage;
  if (!storage.use_accelerate_endpoint || storage.addressing_style != "path") return;
  fail(shown(loaded, "storage.use_accelerate_endpoint").origin,
       "storage.use_accelerate_endpoint and storage.addressing_style path (" +
           shown(loaded, "storage.addressing_style").origin +
           ") cannot be combined: an accelerated endpoint has the bucket in the host "
           "name");
}

// Each chooses among the endpoints of AWS, where an endpoint_url names another. What the
// environment says of endpoints is seen when the store is made.
void check_endpoint_variants(LoadedConfig& loaded) {
  const StorageOptions& storage = loaded.config.storage;
  if (storage.endpoint_url.empty()) return;
  const std::pair<bool, std::string_view> variants[] = {
      {storage.use_dual_stack, "storage.use_dual_stack"},
      {storage.use_fips_endpoint, "storage.use_fips_endpoint"},
      {storage.use_accelerate_endpoint, "storage.use_accelerate_endpoint"}};
  for (const auto& [on, key] : variants) {
    if (!on) continue;
    fail(shown(loaded, key).origin,
         std::string(key) + " and storage.endpoint_url (" +
             shown(loaded, "storage.endpoint_url").origin +
             ") cannot be combined: one chooses among the endpoints of AWS, the other "
             "names another");
  }
}

void check_s3(LoadedConfig& loaded) {
  check_s3_key_pair(loaded);
  check_encryption(loaded);
  check_endpoint_variants(loaded);
  check_accelerated(loaded);
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
  check_anonymous(loaded);
  check_sizes(loaded);
  if (loaded.config.storage.provider == "s3") {
    check_s3(loaded);
  } else {
    check_s3_settings(loaded);
  }
  if (loaded.config.storage.provider == "azure") check_azure_account(loaded);
}

}  // namespace cloudsync::config
