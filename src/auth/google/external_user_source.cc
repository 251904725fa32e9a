// SPDX-License-Identifier: Apache-2.0
#include "auth/google/oauth_exchange.h"
#include "auth/google/token_source.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

#include <nlohmann/json.hpp>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;

constexpr char kLogInAgain[] =
    "the login has expired or was revoked: run `gcloud auth application-default login` "
    "with the login configuration of your workforce pool";

std::string default_endpoint(const CredentialDocument& document) {
  return "https://sts." + document.text_or("universe_domain", "googleapis.com") +
         "/v1/oauthtoken";
}

// A user of a workforce pool: `gcloud auth application-default login --login-config`.
class ExternalUserSource final : public TokenSource {
 public:
  explicit ExternalUserSource(const SourceInputs& inputs)
      : world_(inputs.world),
        token_url_(
            inputs.document.text_or("token_url", default_endpoint(inputs.document))),
        client_(basic_authorization(inputs.document.text("client_id"),
                                    inputs.document.secret("client_secret"))),
        origin_("workforce user credentials in " +
                base::printable(inputs.document.path())),
        refresh_token_(inputs.document.secret("refresh_token")) {}

  AccessToken fetch(const CallContext& context) override;

 private:
  // The service may replace the refresh token; the old one is dead then.
  void keep_new_refresh_token(const http::HttpResponse& reply);

  const GoogleWorld& world_;
  const std::string token_url_;
  const std::pair<std::string, std::string> client_;
  const std::string origin_;
  std::string refresh_token_;
};

AccessToken ExternalUserSource::fetch(const CallContext& context) {
  CredentialRequest request = form_request(
      token_url_, {{"grant_type", "refresh_token"}, {"refresh_token", refresh_token_}},
      "the token of " + origin_);
  request.headers.push_back(client_);
  const http::HttpResponse reply = exchange(*world_.transport, request, context);
  AccessToken token = read_token(reply, request, kLogInAgain, world_.clock);
  keep_new_refresh_token(reply);
  token.origin = origin_;
  return token;
}

void ExternalUserSource::keep_new_refresh_token(const http::HttpResponse& reply) {
  const json document = json::parse(reply.body, nullptr, false);
  if (!document.is_object()) return;
  const auto found = document.find("refresh_token");
  if (found == document.end() || !found->is_string()) return;
  auto fresh = found->get<std::string>();
  if (fresh.empty()) return;
  base::redact_secret(fresh);
  refresh_token_ = std::move(fresh);
}

}  // namespace

std::unique_ptr<TokenSource> make_external_user_source(const SourceInputs& inputs) {
  return std::make_unique<ExternalUserSource>(inputs);
}

}  // namespace cloudsync::auth::google
