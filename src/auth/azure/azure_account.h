// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/environment.h"

namespace cloudsync::auth {

// The credentials of the configuration file, by its names; "" = not given.
struct AzureCredentialOptions {
  std::string account = {};  // storage.account or credentials.account_name
  std::string connection_string = {};
  std::string account_key = {};
  std::string sas_token = {};
  std::string tenant_id = {};
  std::string client_id = {};
  std::string client_secret = {};
  bool anonymous = false;
  bool allow_http = false;  // tokens may travel over plain http
};

// Which account, where it is, and what is known of its secrets before anything is asked.
struct AzureAccount {
  std::string name;
  // "https://NAME.blob.core.windows.net" or what the connection string says, without a
  // trailing slash; path-style endpoints end with "/NAME". "" = not said anywhere.
  std::string blob_endpoint;
  std::string account_key;  // base64
  std::string sas_token;    // without "?"
  std::string origin;       // for messages: "storage.credentials.connection_string"
};

// key=value pairs split at the first '=', keys in any case: DefaultEndpointsProtocol,
// AccountName, AccountKey, EndpointSuffix, BlobEndpoint, SharedAccessSignature,
// UseDevelopmentStorage, DevelopmentStorageProxyUri. Throws Error{kInvalidArgument}
// naming the part that is wrong or missing, never its value.
AzureAccount parse_connection_string(const std::string& text, const std::string& origin);

// The connection string, else account with key or SAS token, each from the configuration,
// else from AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_KEY,
// AZURE_STORAGE_SAS_TOKEN. An account named in the configuration never takes a key from
// the environment that belongs to another account's connection string. Secrets are
// registered with base::redact_secret.
AzureAccount resolve_azure_account(const AzureCredentialOptions& options,
                                   const Environment& environment);

}  // namespace cloudsync::auth
