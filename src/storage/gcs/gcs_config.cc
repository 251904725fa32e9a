// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_config.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "storage/rest/endpoint_url.h"
#include "storage/rest/plain_http.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace cloudsync::storage::gcs {
namespace {

constexpr char kGoogle[] = "https://storage.googleapis.com";
constexpr std::array<std::string_view, 4> kClasses = {"STANDARD", "NEARLINE", "COLDLINE",
                                                      "ARCHIVE"};
constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kTiB = 1ULL << 40;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

std::string credential(const StorageOptions& options, const std::string& name) {
  const auto found = options.credentials.find(name);
  return found == options.credentials.end() ? "" : found->second;
}

bool is_host_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-._:[]").find(c) != std::string_view::npos;
}

std::string_view host_of(std::string_view origin) {
  return rest::host_without_port(origin.substr(origin.find("://") + 3));
}

bool is_google_origin(std::string_view origin) {
  return origin.starts_with("https://") && host_of(origin).ends_with(".googleapis.com");
}

void split_endpoint(const std::string& setting, const std::string& url, GcsConfig& out) {
  const rest::EndpointUrl endpoint = rest::parse_endpoint(url, setting);
  out.origin = endpoint.scheme + "://" + endpoint.authority;
  out.base_path = endpoint.path;
}

void choose_endpoint(const StorageOptions& options, const auth::Environment& environment,
                     GcsConfig& out) {
  const bool anonymous = credential(options, "anonymous") == "true";
  const bool named_credentials = !credential(options, "service_account_file").empty();
  out.authenticate = !anonymous;
  if (!options.endpoint_url.empty()) {
    split_endpoint("storage.endpoint_url", options.endpoint_url, out);
    const bool open =
        out.origin.starts_with("http://") || rest::is_loopback(host_of(out.origin));
    if (open && !named_credentials) out.authenticate = false;
  } else if (auto host = auth::environment_value(environment, "STORAGE_EMULATOR_HOST")) {
    if (host->find("://") == std::string::npos) host->insert(0, "http://");
    split_endpoint("STORAGE_EMULATOR_HOST", *host, out);
    out.authenticate = false;
  } else {
    out.origin = kGoogle;
  }
  rest::check_plain_http(
      options, out.origin,
      out.authenticate ? rest::Identity::kToken : rest::Identity::kNone);
  out.google = is_google_origin(out.origin);
}

Capabilities capabilities_of(bool google) {
  Capabilities out;
  out.declared = google;
  out.conditional_batch_delete = true;
  out.conditional_copy_destination = true;
  out.metadata_in_listing = true;
  out.ascii_properties = false;
  out.crc32c = true;
  out.multipart = true;
  out.sequential_parts = true;
  out.part_copies = false;
  out.lists_uploads = false;
  out.mtime_style = MtimeStyle::kRfc3339AndSeconds;
  out.max_single_copy = 5 * kTiB;
  out.max_single_put = 5 * kTiB;
  out.max_object = 5 * kTiB;
  out.min_part = 8 * kMiB;
  out.part_multiple = 256 << 10;
  out.max_parts = 1'000'000;  // none in the protocol; 5 TiB of the smallest parts
  out.batch_delete_limit = 100;
  return out;
}

// https://cloud.google.com/storage/docs/buckets#naming; it becomes part of a path.
void check_bucket(const std::string& bucket) {
  if (bucket.empty()) refuse("storage.bucket is missing");
  const bool plain = std::all_of(bucket.begin(), bucket.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
           c == '.';
  });
  if (plain && bucket != "." && bucket != "..") return;
  refuse("storage.bucket: '" + base::printable(bucket) +
         "' is not a bucket name; give it without gs:// and without a path");
}

}  // namespace

std::string canonical_storage_class(std::string_view name) {
  if (name.empty()) return "";
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (std::find(kClasses.begin(), kClasses.end(), upper) != kClasses.end()) return upper;
  refuse("storage.storage_class: '" + base::printable(name) +
         "' is not a class of Google Cloud Storage; there are STANDARD, NEARLINE, "
         "COLDLINE and ARCHIVE");
}

std::string origin_of(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return "";
  const std::string_view scheme = url.substr(0, scheme_end);
  if (scheme != "http" && scheme != "https") return "";
  const std::string_view rest = url.substr(scheme_end + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty() ||
      !std::all_of(authority.begin(), authority.end(), is_host_char)) {
    return "";
  }
  return std::string(url.substr(0, scheme_end + 3 + authority.size()));
}

bool is_own_origin(const GcsConfig& config, std::string_view origin) {
  if (origin == config.origin) return true;
  return config.google && is_google_origin(origin);
}

GcsConfig resolve_config(const StorageOptions& options,
                         const auth::Environment& environment) {
  check_bucket(options.bucket);
  GcsConfig config;
  config.bucket = options.bucket;
  choose_endpoint(options, environment, config);
  config.user_project = options.project;
  config.storage_class = canonical_storage_class(options.storage_class);
  config.capabilities = capabilities_of(config.google);
  return config;
}

}  // namespace cloudsync::storage::gcs
