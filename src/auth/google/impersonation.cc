// SPDX-License-Identifier: Apache-2.0
#include "auth/google/impersonation.h"

#include "auth/google/oauth_exchange.h"
#include "auth/service_words.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;

// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
constexpr std::int64_t kShortestSeconds = 600;
constexpr std::int64_t kDefaultSeconds = 3600;
constexpr std::int64_t kLongestSeconds = 43200;

// https://.../serviceAccounts/NAME:generateAccessToken
std::string target_of(const CredentialDocument& document, const std::string& url) {
  constexpr std::string_view kAction = ":generateAccessToken";
  const std::size_t begin = url.rfind('/') + 1;
  if (!url.ends_with(kAction) || begin + kAction.size() >= url.size()) {
    document.refuse("service_account_impersonation_url",
                    "must end with /serviceAccounts/NAME:generateAccessToken");
  }
  return base::printable(url.substr(begin, url.size() - kAction.size() - begin));
}

// Google's own tools write "service_account_impersonation"; the other spelling is found
// in documentation.
std::int64_t lifetime_of(const CredentialDocument& document) {
  for (const char* name :
       {"service_account_impersonation", "service_account_impersonation_options"}) {
    if (!document.has(name)) continue;
    const CredentialDocument options = document.object(name);
    const auto seconds = options.integer_or("token_lifetime_seconds", kDefaultSeconds);
    if (seconds < kShortestSeconds || seconds > kLongestSeconds) {
      options.refuse("token_lifetime_seconds", "must be between 600 and 43200");
    }
    return seconds;
  }
  return kDefaultSeconds;
}

std::vector<std::string> delegates_of(const CredentialDocument& document) {
  auto delegates = document.texts("delegates");
  for (std::string& name : delegates) {
    if (name.find('/') == std::string::npos)
      name.insert(0, "projects/-/serviceAccounts/");
  }
  return delegates;
}

class ImpersonationSource final : public TokenSource {
 public:
  ImpersonationSource(const SourceInputs& inputs, std::unique_ptr<TokenSource> source)
      : world_(inputs.world),
        source_(std::move(source)),
        scope_(inputs.scope),
        url_(inputs.document.text("service_account_impersonation_url")),
        target_(target_of(inputs.document, url_)),
        lifetime_seconds_(lifetime_of(inputs.document)),
        delegates_(delegates_of(inputs.document)),
        origin_("service account " + target_ + ", impersonated through " +
                base::printable(inputs.document.path())) {}

  AccessToken fetch(const CallContext& context) override;

 private:
  CredentialRequest request_by(const AccessToken& caller) const;
  AccessToken token_of(const http::HttpResponse& reply, const AccessToken& caller) const;
  [[noreturn]] void throw_refused(const http::HttpResponse& reply,
                                  const AccessToken& caller) const;

  const GoogleWorld& world_;
  const std::unique_ptr<TokenSource> source_;
  const std::string scope_;
  const std::string url_;
  const std::string target_;
  const std::int64_t lifetime_seconds_;
  const std::vector<std::string> delegates_;
  const std::string origin_;
};

AccessToken ImpersonationSource::fetch(const CallContext& context) {
  const AccessToken caller = source_->fetch(context);
  const auto reply = exchange(*world_.transport, request_by(caller), context);
  return token_of(reply, caller);
}

CredentialRequest ImpersonationSource::request_by(const AccessToken& caller) const {
  json body = {{"scope", json::array({scope_})},
               {"lifetime", std::to_string(lifetime_seconds_) + "s"}};
  if (!delegates_.empty()) body["delegates"] = delegates_;
  CredentialRequest request;
  request.url = url_;
  request.headers = {{"content-type", "application/json"},
                     {"accept", "application/json"},
                     bearer_authorization(caller)};
  request.body = body.dump();
  request.purpose = "the token of " + origin_;
  return request;
}

void ImpersonationSource::throw_refused(const http::HttpResponse& reply,
                                        const AccessToken& caller) const {
  throw Error(ErrorCode::kUnauthenticated,
              "the token of " + origin_ + " was refused: " + refusal_words(reply) +
                  "; the caller (" + caller.origin +
                  ") needs the right iam.serviceAccounts.getAccessToken, which the role "
                  "roles/iam.serviceAccountTokenCreator on " +
                  target_ +
                  " gives (roles/iam.workloadIdentityUser for federated identities), and "
                  "the IAM Service Account Credentials API must be enabled",
              {reply.status, {}, {}, {}});
}

AccessToken ImpersonationSource::token_of(const http::HttpResponse& reply,
                                          const AccessToken& caller) const {
  if (reply.status != 200) throw_refused(reply, caller);
  const json document = json::parse(reply.body, nullptr, false);
  const auto text_of = [&document](const char* name) -> std::string {
    const auto found = document.find(name);
    return found != document.end() && found->is_string() ? found->get<std::string>() : "";
  };
  AccessToken token;
  token.origin = origin_;
  if (document.is_object()) {
    token.value = text_of("accessToken");
    base::redact_secret(token.value);
    token.expires_ns = base::parse_rfc3339(text_of("expireTime"));
  }
  if (token.value.empty() || !token.expires_ns) {
    throw Error(ErrorCode::kUnauthenticated,
                "the token of " + origin_ +
                    ": the IAM credentials service answered without accessToken or "
                    "expireTime; check service_account_impersonation_url");
  }
  require_bearer(token, "the token of " + origin_);
  return token;
}

}  // namespace

std::unique_ptr<TokenSource> make_impersonation(const SourceInputs& inputs,
                                                std::unique_ptr<TokenSource> source) {
  return std::make_unique<ImpersonationSource>(inputs, std::move(source));
}

std::unique_ptr<TokenSource> make_impersonated_source(const SourceInputs& inputs) {
  const CredentialDocument inner = inputs.document.object("source_credentials");
  return make_impersonation(
      inputs,
      make_token_source({inner, inputs.world, kCloudPlatformScope, inputs.depth + 1}));
}

}  // namespace cloudsync::auth::google
