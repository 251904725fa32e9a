// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/sas_authorizer.h"

#include <algorithm>
#include <optional>

#include "auth/azure/sas_token.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

class SasAuthorizer final : public AzureAuthorizer {
 public:
  SasAuthorizer(const AzureAccount& account, const base::Clock& clock)
      : token_(account.sas_token),
        origin_("the SAS token in " + account.origin),
        expires_ns_(sas_expiry_ns(account.sas_token)),
        clock_(clock) {}

  void authorize(http::HttpRequest& request, std::uint64_t, const CallContext&) override {
    require_valid();
    if (!request.url.ends_with(token_)) request.url = with_sas_token(request.url, token_);
  }

  bool renew(const http::HttpRequest&, const CallContext&) override { return false; }
  std::string origin() const override { return origin_; }

  std::string readable_source(const std::string& url) const override {
    return with_sas_token(url, token_);
  }

 private:
  void require_valid() const {
    if (!expires_ns_ || clock_.now_ns() < *expires_ns_) return;
    throw Error(ErrorCode::kUnauthenticated,
                origin_ + " expired at " + base::format_rfc3339(*expires_ns_) +
                    " (this machine's clock says " + base::format_rfc3339(now_seconds()) +
                    "); make a new one and put it there");
  }

  std::int64_t now_seconds() const {
    return clock_.now_ns() / 1'000'000'000 * 1'000'000'000;
  }

  const std::string token_;
  const std::string origin_;
  const std::optional<std::int64_t> expires_ns_;
  const base::Clock& clock_;
};

void require_token(const AzureAccount& account) {
  const std::string& token = account.sas_token;
  const bool clean = std::all_of(token.begin(), token.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '#' && c != '?';
  });
  if (clean && sas_parameter(token, "sig")) return;
  throw Error(ErrorCode::kInvalidArgument,
              "what " + account.origin +
                  " holds is no SAS token: it must look like sv=...&se=...&sig=... as "
                  "the portal or \"az storage container generate-sas\" prints it, still "
                  "percent-encoded and without the URL before the question mark");
}

}  // namespace

std::unique_ptr<AzureAuthorizer> make_sas_authorizer(const AzureAccount& account,
                                                     const base::Clock& clock) {
  require_token(account);
  return std::make_unique<SasAuthorizer>(account, clock);
}

}  // namespace cloudsync::auth
