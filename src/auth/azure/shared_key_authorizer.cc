// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/shared_key_authorizer.h"

#include "auth/azure/authorization_header.h"
#include "auth/azure/shared_key.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

class SharedKeyAuthorizer final : public AzureAuthorizer {
 public:
  explicit SharedKeyAuthorizer(const AzureAccount& account)
      : name_(account.name),
        key_(account.account_key),
        origin_("the account key in " + account.origin) {}

  void authorize(http::HttpRequest& request, std::uint64_t content_length,
                 const CallContext&) override {
    set_authorization(request, shared_key_header({request, content_length, name_}, key_));
  }

  bool renew(const http::HttpRequest&, const CallContext&) override { return false; }
  std::string origin() const override { return origin_; }

 private:
  const std::string name_;
  const std::string key_;
  const std::string origin_;
};

}  // namespace

std::unique_ptr<AzureAuthorizer> make_shared_key_authorizer(const AzureAccount& account) {
  if (account.name.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "an account key was found in " + account.origin +
                    " but no account's name; give it as storage.account");
  }
  try {
    shared_key_signature({}, account.account_key);
  } catch (const Error& error) {
    throw error.with_context(account.origin);
  }
  return std::make_unique<SharedKeyAuthorizer>(account);
}

}  // namespace cloudsync::auth
