// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <string_view>

#include "auth/azure/azure_account.h"
#include "auth/azure/sas_token.h"
#include "auth/blank.h"
#include "auth/url_host.h"
#include "base/log.h"
#include "cloudsync/error.h"
#include "http/ascii.h"

namespace cloudsync::auth {
namespace {

// The emulators' account and its published key.
constexpr std::string_view kDevelopmentAccount = "devstoreaccount1";
constexpr std::string_view kDevelopmentKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"
    "KBHBeksoGMGw==";
constexpr std::string_view kDevelopmentPort = ":10000/";

constexpr std::array<std::string_view, 19> kKnown = {"defaultendpointsprotocol",
                                                     "accountname",
                                                     "accountkey",
                                                     "accountkeyname",
                                                     "endpointsuffix",
                                                     "blobendpoint",
                                                     "blobsecondaryendpoint",
                                                     "queueendpoint",
                                                     "queuesecondaryendpoint",
                                                     "tableendpoint",
                                                     "tablesecondaryendpoint",
                                                     "fileendpoint",
                                                     "filesecondaryendpoint",
                                                     "dfsendpoint",
                                                     "dfssecondaryendpoint",
                                                     "webendpoint",
                                                     "sharedaccesssignature",
                                                     "usedevelopmentstorage",
                                                     "developmentstorageproxyuri"};

using Parts = std::map<std::string, std::string>;

[[noreturn]] void fail(const std::string& origin, const std::string& words) {
  throw Error(ErrorCode::kInvalidArgument,
              "the Azure connection string in " + origin + " " + words);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), http::to_lower);
  return out;
}

// A name for messages. What does not look like one may be a piece of a key that was
// pasted alone.
std::string shown_name(std::string_view name, std::size_t number) {
  const bool harmless = !name.empty() && name.size() <= 30 &&
                        std::all_of(name.begin(), name.end(), [](char c) {
                          const char lower = http::to_lower(c);
                          return lower >= 'a' && lower <= 'z';
                        });
  return harmless ? "\"" + std::string(name) + "\"" : "number " + std::to_string(number);
}

void add_part(Parts& parts, std::string_view part, std::size_t number,
              const std::string& origin) {
  const std::size_t equals = part.find('=');
  if (equals == std::string_view::npos) {
    fail(origin, "has no \"=\" in part number " + std::to_string(number) +
                     "; it must look like AccountName=...;AccountKey=...");
  }
  const std::string_view name = trim_blanks(part.substr(0, equals));
  const std::string key = lower_case(name);
  if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end()) {
    fail(origin,
         "has an unknown part " + shown_name(name, number) +
             "; known are AccountName, AccountKey, BlobEndpoint, "
             "SharedAccessSignature, DefaultEndpointsProtocol, EndpointSuffix and "
             "UseDevelopmentStorage");
  }
  if (!parts.emplace(key, trim_blanks(part.substr(equals + 1))).second) {
    fail(origin, "has the part " + shown_name(name, number) + " twice");
  }
}

Parts split(std::string_view text, const std::string& origin) {
  Parts parts;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view part = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (!trim_blanks(part).empty()) add_part(parts, trim_blanks(part), number, origin);
  }
  if (parts.empty()) fail(origin, "is empty");
  return parts;
}

std::string value_of(const Parts& parts, const std::string& key) {
  const auto found = parts.find(key);
  return found == parts.end() ? std::string() : found->second;
}

bool is_host_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
  });
}

std::string without_slashes(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

// Scheme and host must be there; user names, queries and blanks must not.
std::string checked_endpoint(const std::string& url, const std::string& name,
                             const std::string& origin) {
  const bool web = url.starts_with("https://") || url.starts_with("http://");
  if (!web || url_host(url).empty()) {
    fail(origin, "has a " + name + " that is no https:// or http:// URL");
  }
  if (url.find_first_of("?# \t") != std::string::npos) {
    fail(origin, "has a " + name +
                     " with a query; a SAS token belongs into SharedAccessSignature");
  }
  return without_slashes(url);
}

AzureAccount development_account(const Parts& parts, const std::string& origin) {
  if (lower_case(value_of(parts, "usedevelopmentstorage")) != "true") {
    fail(origin, "has UseDevelopmentStorage with another value than true");
  }
  std::string host = "http://127.0.0.1";
  const std::string proxy = value_of(parts, "developmentstorageproxyuri");
  if (!proxy.empty()) {
    const std::string url = checked_endpoint(proxy, "DevelopmentStorageProxyUri", origin);
    host = url.substr(0, url.find("://") + 3) + std::string(url_host(url));
  }
  AzureAccount account;
  account.name = kDevelopmentAccount;
  account.blob_endpoint =
      host + std::string(kDevelopmentPort) + std::string(kDevelopmentAccount);
  account.account_key = kDevelopmentKey;
  account.origin = origin;
  return account;
}

std::string derived_endpoint(const Parts& parts, const std::string& name,
                             const std::string& origin) {
  std::string protocol = lower_case(value_of(parts, "defaultendpointsprotocol"));
  if (protocol.empty()) protocol = "https";
  if (protocol != "https" && protocol != "http") {
    fail(origin, "has a DefaultEndpointsProtocol that is neither https nor http");
  }
  std::string suffix = value_of(parts, "endpointsuffix");
  if (suffix.empty()) suffix = "core.windows.net";
  if (!is_host_text(suffix)) fail(origin, "has an EndpointSuffix that is no host name");
  if (!is_host_text(name)) fail(origin, "has an AccountName that is no account's name");
  return protocol + "://" + name + ".blob." + suffix;
}

// https://NAME.blob.SUFFIX, or http://HOST:PORT/NAME of an emulator; "" where the address
// is a name of the owner's own.
std::string name_in_endpoint(const std::string& endpoint) {
  const std::string_view host = url_host(endpoint);
  const std::size_t label = host.find(".blob.");
  if (label != std::string_view::npos) return std::string(host.substr(0, host.find('.')));
  const std::size_t path = endpoint.find('/', endpoint.find("://") + 3);
  return path == std::string::npos ? std::string() : endpoint.substr(path + 1);
}

void require_enough(const AzureAccount& account, const std::string& origin) {
  if (account.name.empty() && account.blob_endpoint.empty()) {
    fail(origin, "has neither AccountName nor BlobEndpoint");
  }
  if (account.name.empty() && !account.account_key.empty()) {
    fail(origin, "has an AccountKey but no AccountName");
  }
}

}  // namespace

AzureAccount parse_connection_string(const std::string& text, const std::string& origin) {
  const Parts parts = split(text, origin);
  if (parts.contains("usedevelopmentstorage")) return development_account(parts, origin);
  AzureAccount account;
  account.origin = origin;
  account.name = value_of(parts, "accountname");
  account.account_key = value_of(parts, "accountkey");
  account.sas_token = plain_sas_token(value_of(parts, "sharedaccesssignature"));
  base::redact_secret(account.account_key);
  register_sas_secrets(account.sas_token);
  const std::string endpoint = value_of(parts, "blobendpoint");
  if (!endpoint.empty()) {
    account.blob_endpoint = checked_endpoint(endpoint, "BlobEndpoint", origin);
  }
  require_enough(account, origin);
  if (account.blob_endpoint.empty()) {
    account.blob_endpoint = derived_endpoint(parts, account.name, origin);
  }
  if (account.name.empty()) account.name = name_in_endpoint(account.blob_endpoint);
  return account;
}

}  // namespace cloudsync::auth
