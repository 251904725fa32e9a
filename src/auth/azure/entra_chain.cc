// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/entra_chain.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/azure/az_cli_token.h"
#include "auth/azure/client_secret_token.h"
#include "auth/azure/environment_token.h"
#include "auth/azure/managed_identity_token.h"
#include "auth/azure/workload_identity_token.h"
#include "base/encoding.h"
#include "cloudsync/error.h"
#include "http/ascii.h"

namespace cloudsync::auth {
namespace {

constexpr char kNarrowing[] = "AZURE_TOKEN_CREDENTIALS";
constexpr std::array<std::string_view, 4> kNames = {
    "environmentcredential", "workloadidentitycredential", "managedidentitycredential",
    "azureclicredential"};
constexpr std::size_t kFirstForPeople = 3;  // of kNames; those before are for services

[[noreturn]] void fail_half(const std::string& missing, const std::string& present) {
  throw Error(ErrorCode::kInvalidArgument,
              "storage.credentials has " + present + " but no " + missing +
                  "; an application needs tenant_id, client_id and client_secret");
}

// Ids without a secret are those of a workload identity, and a client_id alone that of a
// managed identity.
void require_whole(const AzureCredentialOptions& options) {
  if (!options.client_secret.empty()) {
    if (options.tenant_id.empty()) fail_half("tenant_id", "client_secret");
    if (options.client_id.empty()) fail_half("client_id", "client_secret");
  }
  if (!options.tenant_id.empty() && options.client_id.empty()) {
    fail_half("client_id", "tenant_id");
  }
}

EntraSource make_configured_source(const AzureCredentialOptions& options,
                                   const EntraWorld& world) {
  const std::string prefix = "storage.credentials.";
  const EntraSubject subject{{options.tenant_id, prefix + "tenant_id"},
                             {options.client_id, prefix + "client_id"},
                             "the secret in " + prefix + "client_secret"};
  return {"storage.credentials",
          [world, subject, secret = options.client_secret](const CallContext& context) {
            return TokenAttempt{
                fetch_client_secret_token(world, subject, secret, context), {}};
          }};
}

std::string narrowing_of(const Environment& environment) {
  std::string text = environment_value(environment, kNarrowing).value_or("");
  std::transform(text.begin(), text.end(), text.begin(), http::to_lower);
  return text;
}

// Which of kNames are asked: [first, second).
std::pair<std::size_t, std::size_t> range_of(const std::string& narrowing) {
  if (narrowing.empty()) return {0, kNames.size()};
  if (narrowing == "prod") return {0, kFirstForPeople};
  if (narrowing == "dev") return {kFirstForPeople, kNames.size()};
  const auto* found = std::find(kNames.begin(), kNames.end(), narrowing);
  if (found == kNames.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(kNarrowing) + " is \"" + base::printable(narrowing) +
                    "\"; it may be prod, dev, EnvironmentCredential, "
                    "WorkloadIdentityCredential, ManagedIdentityCredential or "
                    "AzureCliCredential");
  }
  const auto index = static_cast<std::size_t>(found - kNames.begin());
  return {index, index + 1};
}

std::vector<EntraSource> make_sources(const AzureCredentialOptions& options,
                                      const EntraWorld& world) {
  if (!options.client_secret.empty()) return {make_configured_source(options, world)};
  const auto [first, last] = range_of(narrowing_of(world.environment));
  const EntraIdentity identity{options.tenant_id, options.client_id};
  const bool only_one = last - first == 1;
  const std::vector<EntraSource> all = {
      make_entra_environment_source(world, identity),
      make_workload_identity_source(world, identity),
      make_managed_identity_source(world, identity, !only_one),
      make_az_cli_source(world, identity)};
  return {all.begin() + static_cast<std::ptrdiff_t>(first),
          all.begin() + static_cast<std::ptrdiff_t>(last)};
}

class Chain {
 public:
  Chain(std::vector<EntraSource> sources, std::string narrowing)
      : sources_(std::move(sources)), narrowing_(std::move(narrowing)) {}

  BearerToken load(const CallContext& context) {
    std::string places;
    for (const EntraSource& source : sources_) {
      TokenAttempt attempt = source.fetch(context);
      if (attempt.token) {
        if (sources_.size() > 1) sources_ = {EntraSource(source)};
        return *std::move(attempt.token);
      }
      places += "; " + source.name + ": " + attempt.absence;
    }
    throw Error(ErrorCode::kUnauthenticated, "no Azure credentials were found;" +
                                                 searched_before() + places + advice());
  }

 private:
  std::string searched_before() const {
    std::string text =
        " searched: storage.credentials: no connection_string, account_key, sas_token or "
        "client_secret; AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, "
        "AZURE_STORAGE_SAS_TOKEN: not set, or for another account";
    if (!narrowing_.empty()) {
      text += "; (" + std::string(kNarrowing) + "=" + narrowing_ +
              " leaves out what is not named here)";
    }
    return text;
  }

  static std::string advice() {
    return ". Give one of them, or run \"az login\"; for public containers set "
           "storage.credentials.anonymous";
  }

  std::vector<EntraSource> sources_;
  const std::string narrowing_;
};

}  // namespace

std::function<BearerToken(const CallContext&)> make_entra_loader(
    const AzureCredentialOptions& options, const EntraWorld& world) {
  require_whole(options);
  auto chain = std::make_shared<Chain>(make_sources(options, world),
                                       narrowing_of(world.environment));
  return [chain](const CallContext& context) { return chain->load(context); };
}

}  // namespace cloudsync::auth
