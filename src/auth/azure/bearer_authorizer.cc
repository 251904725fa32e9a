// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/bearer_authorizer.h"

#include <chrono>
#include <mutex>
#include <string_view>
#include <utility>

#include "auth/azure/authorization_header.h"
#include "auth/azure/entra_chain.h"
#include "auth/refreshing.h"
#include "auth/url_host.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr std::string_view kScheme = "Bearer ";
constexpr RefreshWindows kWindows{std::chrono::seconds{600}, std::chrono::seconds{300}};

void require_private(const std::string& url) {
  if (url.starts_with("https://")) return;
  if (url.starts_with("http://") && is_loopback_host(url_host(url))) return;
  throw Error(ErrorCode::kInvalidArgument,
              "the endpoint " + shown_url(url) +
                  " must begin with https://: a token of Microsoft Entra ID would travel "
                  "in the clear (storage.allow_http: true permits it)");
}

class BearerAuthorizer final : public AzureAuthorizer {
 public:
  BearerAuthorizer(const AzureCredentialOptions& options, const EntraWorld& world)
      : allow_http_(options.allow_http),
        tokens_(make_entra_loader(options, world), kWindows, world.clock) {}

  void authorize(http::HttpRequest& request, std::uint64_t,
                 const CallContext& context) override {
    if (!allow_http_) require_private(request.url);
    set_authorization(request, std::string(kScheme) + current(context).value);
  }

  // False when the source gives the same token again, as the caches of the Azure CLI and
  // of the metadata service do.
  bool renew(const http::HttpRequest& refused, const CallContext& context) override {
    const std::string_view header = authorization_of(refused);
    if (!header.starts_with(kScheme)) return false;
    BearerToken old;
    old.value = header.substr(kScheme.size());
    tokens_.invalidate(old);
    return current(context).value != old.value;
  }

  std::string origin() const override {
    const std::lock_guard lock(mutex_);
    return origin_;
  }

 private:
  BearerToken current(const CallContext& context) {
    BearerToken token = tokens_.get(context);
    const std::lock_guard lock(mutex_);
    origin_ = token.origin;
    return token;
  }

  const bool allow_http_;
  Refreshing<BearerToken> tokens_;
  mutable std::mutex mutex_;
  std::string origin_ = "Microsoft Entra ID";  // guarded by mutex_
};

}  // namespace

std::unique_ptr<AzureAuthorizer> make_bearer_authorizer(
    const AzureCredentialOptions& options, const EntraWorld& world) {
  return std::make_unique<BearerAuthorizer>(options, world);
}

}  // namespace cloudsync::auth
