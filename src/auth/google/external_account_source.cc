// SPDX-License-Identifier: Apache-2.0
#include "auth/google/impersonation.h"
#include "auth/google/oauth_exchange.h"
#include "auth/google/subject_token.h"
#include "auth/google/token_source.h"
#include "base/encoding.h"

#include <nlohmann/json.hpp>

#include <optional>

namespace cloudsync::auth::google {
namespace {

constexpr char kAdvice[] =
    "check that the audience names the workload identity pool provider, that the "
    "provider "
    "accepts this issuer and subject, and that the subject token has not expired";

std::string default_endpoint(const CredentialDocument& document) {
  return "https://sts." + document.text_or("universe_domain", "googleapis.com") +
         "/v1/token";
}

std::optional<std::pair<std::string, std::string>> client_of(
    const CredentialDocument& document) {
  const std::string id = document.text_or("client_id", "");
  if (id.empty()) return std::nullopt;
  return basic_authorization(id, document.secret_or("client_secret", ""));
}

// An identity of somebody else's (RFC 8693).
class FederatedSource final : public TokenSource {
 public:
  FederatedSource(const SourceInputs& inputs, std::string scope)
      : world_(inputs.world),
        scope_(std::move(scope)),
        audience_(inputs.document.text("audience")),
        subject_token_type_(inputs.document.text("subject_token_type")),
        token_url_(
            inputs.document.text_or("token_url", default_endpoint(inputs.document))),
        user_project_(inputs.document.text_or("workforce_pool_user_project", "")),
        client_(client_of(inputs.document)),
        subject_(make_subject_token_source(inputs.document, inputs.world)),
        origin_("external account in " + base::printable(inputs.document.path())) {}

  AccessToken fetch(const CallContext& context) override;

 private:
  CredentialRequest request_with(const std::string& subject_token) const;

  const GoogleWorld& world_;
  const std::string scope_;
  const std::string audience_;
  const std::string subject_token_type_;
  const std::string token_url_;
  const std::string user_project_;
  const std::optional<std::pair<std::string, std::string>> client_;
  const std::unique_ptr<SubjectTokenSource> subject_;
  const std::string origin_;
};

AccessToken FederatedSource::fetch(const CallContext& context) {
  AccessToken token =
      fetch_token(world_, request_with(subject_->read(context)), kAdvice, context);
  token.origin = origin_;
  return token;
}

CredentialRequest FederatedSource::request_with(const std::string& subject_token) const {
  Form form = {{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
               {"audience", audience_},
               {"scope", scope_},
               {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"},
               {"subject_token_type", subject_token_type_},
               {"subject_token", subject_token}};
  // A client's id says already whose project it is.
  if (!user_project_.empty() && !client_) {
    const nlohmann::json options = {{"userProject", user_project_}};
    form.emplace_back("options", base::percent_encode(options.dump(), false));
  }
  CredentialRequest request =
      form_request(token_url_, form, "the token of the " + origin_);
  if (client_) request.headers.push_back(*client_);
  return request;
}

}  // namespace

std::unique_ptr<TokenSource> make_external_account_source(const SourceInputs& inputs) {
  if (!inputs.document.has("service_account_impersonation_url")) {
    return std::make_unique<FederatedSource>(inputs, inputs.scope);
  }
  return make_impersonation(
      inputs, std::make_unique<FederatedSource>(inputs, kCloudPlatformScope));
}

}  // namespace cloudsync::auth::google
