// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/azure_account.h"

#include <algorithm>
#include <optional>

#include "auth/azure/sas_token.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr char kConfiguredString[] = "storage.credentials.connection_string";
constexpr char kConnectionVariable[] = "AZURE_STORAGE_CONNECTION_STRING";
constexpr char kAccountVariable[] = "AZURE_STORAGE_ACCOUNT";
constexpr char kKeyVariable[] = "AZURE_STORAGE_KEY";
constexpr char kSasVariable[] = "AZURE_STORAGE_SAS_TOKEN";

// The configuration says who asks; the environment has nothing to add but the account.
bool names_credentials(const AzureCredentialOptions& options) {
  return options.anonymous || !options.account_key.empty() ||
         !options.sas_token.empty() || !options.tenant_id.empty() ||
         !options.client_id.empty() || !options.client_secret.empty();
}

bool is_account_name(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
  });
}

void take_secrets(AzureAccount& account, const std::string& key, const std::string& sas) {
  account.account_key = key;
  account.sas_token = plain_sas_token(sas);
  base::redact_secret(account.account_key);
  register_sas_secrets(account.sas_token);
}

void complete_endpoint(AzureAccount& account, const std::string& where) {
  if (account.name.empty() || !account.blob_endpoint.empty()) return;
  if (!is_account_name(account.name)) {
    throw Error(ErrorCode::kInvalidArgument,
                "\"" + base::printable(account.name) + "\" in " + where +
                    " is no storage account's name; give the name alone, and the "
                    "address, if it is not the usual one, as storage.endpoint");
  }
  account.blob_endpoint = "https://" + account.name + ".blob.core.windows.net";
}

AzureAccount from_configured_string(const AzureCredentialOptions& options) {
  AzureAccount account =
      parse_connection_string(options.connection_string, kConfiguredString);
  if (!options.account.empty() && !account.name.empty() &&
      options.account != account.name) {
    throw Error(ErrorCode::kInvalidArgument,
                "storage.account is \"" + base::printable(options.account) +
                    "\" but the connection string in " + kConfiguredString +
                    " is for \"" + base::printable(account.name) +
                    "\"; remove one of the two");
  }
  if (account.name.empty()) account.name = options.account;
  if (account.account_key.empty() && account.sas_token.empty()) {
    take_secrets(account, options.account_key, options.sas_token);
  }
  return account;
}

AzureAccount from_configured_parts(const AzureCredentialOptions& options) {
  AzureAccount account;
  account.name = options.account;
  account.origin = options.account_key.empty() ? "storage.credentials.sas_token"
                                               : "storage.credentials.account_key";
  if (options.account_key.empty() && options.sas_token.empty()) {
    account.origin = options.account.empty() ? "" : "storage.account";
  }
  take_secrets(account, options.account_key, options.sas_token);
  return account;
}

// Nothing where the variable is not set or speaks of another account than the
// configuration's.
std::optional<AzureAccount> from_variable_string(const AzureCredentialOptions& options,
                                                 const Environment& environment) {
  const auto text = environment_value(environment, kConnectionVariable);
  if (!text) return std::nullopt;
  AzureAccount account = parse_connection_string(
      *text, std::string("the environment variable ") + kConnectionVariable);
  if (!options.account.empty() && account.name != options.account) return std::nullopt;
  return account;
}

void add_variable_secrets(AzureAccount& account, const Environment& environment) {
  const auto owner = environment_value(environment, kAccountVariable);
  if (account.name.empty()) account.name = owner.value_or("");
  if (owner && *owner != account.name) return;
  const auto key = environment_value(environment, kKeyVariable);
  const auto sas = environment_value(environment, kSasVariable);
  take_secrets(account, key.value_or(""), sas.value_or(""));
  if (!key && !sas) {
    if (account.origin.empty() && owner) account.origin = kAccountVariable;
    return;
  }
  account.origin =
      std::string("the environment variable ") + (key ? kKeyVariable : kSasVariable);
}

AzureAccount find_account(const AzureCredentialOptions& options,
                          const Environment& environment) {
  if (!options.connection_string.empty()) return from_configured_string(options);
  AzureAccount account = from_configured_parts(options);
  if (names_credentials(options)) {
    if (account.name.empty()) {
      account.name = environment_value(environment, kAccountVariable).value_or("");
    }
    return account;
  }
  if (auto found = from_variable_string(options, environment)) return *std::move(found);
  add_variable_secrets(account, environment);
  return account;
}

}  // namespace

AzureAccount resolve_azure_account(const AzureCredentialOptions& options,
                                   const Environment& environment) {
  AzureAccount account = find_account(options, environment);
  const bool configured = account.name == options.account;
  complete_endpoint(
      account, configured ? "storage.account"
                          : std::string("the environment variable ") + kAccountVariable);
  return account;
}

}  // namespace cloudsync::auth
