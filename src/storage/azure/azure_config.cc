// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_config.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "storage/azure/azure_names.h"
#include "storage/rest/endpoint_url.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace cloudsync::storage::azure {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::array<std::string_view, 4> kAzureHosts = {
    ".blob.core.windows.net", ".blob.core.usgovcloudapi.net",
    ".blob.core.chinacloudapi.cn", ".blob.storage.azure.net"};

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

using rest::EndpointUrl;

EndpointUrl parse_endpoint(const std::string& url, const std::string& setting) {
  EndpointUrl out = rest::parse_endpoint(
      url, setting,
      "no user, SAS or other query; a SAS goes to storage.credentials.sas_token");
  out.authority = lower_case(out.authority);
  return out;
}

bool is_azure_host(std::string_view host) {
  return std::any_of(kAzureHosts.begin(), kAzureHosts.end(),
                     [&](std::string_view suffix) { return host.ends_with(suffix); });
}

// Hosts that can serve only one name: the account has to stand in the path.
bool is_path_style_host(std::string_view host) {
  if (host.starts_with('[') || host.find('.') == std::string_view::npos) return true;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

std::string_view first_segment(std::string_view path) {
  if (path.empty()) return path;
  path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

// Only where nobody named the account: DNS-zone accounts have more labels, but the first
// one is still their name.
std::string account_in(const EndpointUrl& endpoint) {
  const std::string host(rest::host_without_port(endpoint.authority));
  if (is_azure_host(host)) return host.substr(0, host.find('.'));
  if (is_path_style_host(host)) return std::string(first_segment(endpoint.path));
  return "";
}

[[noreturn]] void refuse_missing_account() {
  refuse(
      "no Azure storage account is named: set storage.account (or "
      "storage.credentials.account_name or .connection_string, the variables "
      "AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING, or "
      "storage.endpoint_url: https://ACCOUNT.blob.core.windows.net)");
}

// It becomes part of a host name.
void check_account(const std::string& account) {
  const bool valid =
      account.size() <= 63 && std::all_of(account.begin(), account.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      });
  if (valid) return;
  refuse("storage.account: '" + base::printable(account) +
         "' is no account name: 3 to 24 lower-case letters and digits");
}

EndpointUrl choose_endpoint(const StorageOptions& options,
                            const auth::AzureAccount& account) {
  if (!options.endpoint_url.empty()) {
    return parse_endpoint(options.endpoint_url, "storage.endpoint_url");
  }
  if (!account.blob_endpoint.empty()) {
    return parse_endpoint(account.blob_endpoint,
                          "the blob endpoint of " + account.origin);
  }
  if (account.name.empty()) refuse_missing_account();
  check_account(account.name);
  return {"https", account.name + ".blob.core.windows.net", ""};
}

Capabilities capabilities_of(bool azure) {
  Capabilities out;
  // An emulator or a gateway: everything is assumed and sent, the probe finds out.
  out.declared = azure;
  out.conditional_batch_delete = true;
  out.conditional_copy_destination = true;
  out.metadata_in_listing = true;
  out.start_after = false;
  // The same CRC as Azure's own. Azurite answers 500 to it.
  out.crc64nvme = azure;
  out.multipart = true;
  out.part_copies = false;
  out.lists_uploads = false;
  out.list_order = KeyOrder::kUtf16;
  out.mtime_style = MtimeStyle::kRfc3339;
  out.max_single_put = 5000 * kMiB;
  out.max_part = 4000 * kMiB;
  out.min_part = 1;
  out.max_parts = 50000;
  out.max_object = out.max_parts * out.max_part;
  out.max_single_copy = out.max_object;
  out.batch_delete_limit = 256;
  return out;
}

std::string credential(const StorageOptions& options, const std::string& name) {
  const auto found = options.credentials.find(name);
  return found == options.credentials.end() ? "" : found->second;
}

}  // namespace

auth::AzureCredentialOptions credential_options(const StorageOptions& options) {
  auth::AzureCredentialOptions out;
  out.account =
      options.account.empty() ? credential(options, "account_name") : options.account;
  out.connection_string = credential(options, "connection_string");
  out.account_key = credential(options, "account_key");
  out.sas_token = credential(options, "sas_token");
  out.tenant_id = credential(options, "tenant_id");
  out.client_id = credential(options, "client_id");
  out.client_secret = credential(options, "client_secret");
  out.anonymous = credential(options, "anonymous") == "true";
  out.allow_http = options.allow_http;
  return out;
}

AzureConfig resolve_config(const StorageOptions& options,
                           const auth::AzureAccount& account) {
  check_container(options.bucket);
  const EndpointUrl endpoint = choose_endpoint(options, account);
  const std::string host(rest::host_without_port(endpoint.authority));
  AzureConfig config;
  config.container = options.bucket;
  config.account = account.name.empty() ? account_in(endpoint) : account.name;
  config.origin = endpoint.scheme + "://" + endpoint.authority;
  config.base_path = endpoint.path;
  config.azure = is_azure_host(host);
  const bool path_style = is_path_style_host(host);
  if (path_style && config.account.empty()) refuse_missing_account();
  if (path_style && first_segment(config.base_path) != config.account) {
    check_account(config.account);
    config.base_path += "/" + config.account;
  }
  config.storage_class = canonical_tier(options.storage_class);
  config.capabilities = capabilities_of(config.azure);
  return config;
}

}  // namespace cloudsync::storage::azure
