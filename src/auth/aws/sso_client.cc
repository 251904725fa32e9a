// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sso_client.h"

#include "auth/aws/credential_document.h"
#include "auth/service_words.h"
#include "auth/token_endpoint.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "base/time_range.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr std::int64_t kMinute = 60'000'000'000;
// A token this close to its end is renewed first.
constexpr std::int64_t kAhead = 5 * kMinute;

bool can_renew(const SsoToken& token, std::int64_t now_ns) {
  return !token.refresh_token.empty() && !token.client_id.empty() &&
         !token.client_secret.empty() && token.registration_expires_ns &&
         *token.registration_expires_ns > now_ns;
}

CredentialRequest renewal_request(const SsoToken& token, const std::string& endpoint) {
  CredentialRequest request;
  request.url = endpoint + "/token";
  request.headers = {{"content-type", "application/json"},
                     {"accept", "application/json"}};
  request.body = sso_renewal_body(token);
  return request;
}

CredentialRequest role_request(const SsoLogin& login, const SsoToken& token,
                               const std::string& endpoint) {
  CredentialRequest request;
  request.method = "GET";
  request.url = endpoint + "/federation/credentials?role_name=" +
                base::percent_encode(login.role_name) +
                "&account_id=" + base::percent_encode(login.account_id);
  request.headers = {{"x-amz-sso_bearer_token", token.access_token},
                     {"accept", "application/json"}};
  return request;
}

}  // namespace

struct SsoClient::Call {
  const SsoLogin& login;
  const SsoAsker& asker;
  const CallContext& context;
  std::string path;

  std::string advice() const {
    return "; log in anew: aws sso login --profile " + base::printable(asker.profile);
  }
  std::string name() const {
    return "role " + base::printable(login.role_name) + " in account " +
           base::printable(login.account_id) + " by the SSO login of " + asker.origin;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kUnauthenticated, what + advice());
  }
};

AwsCredentials SsoClient::role_credentials(const SsoLogin& login, const SsoAsker& asker,
                                           const CallContext& context) {
  const auto home = environment_value(world_.environment, "HOME");
  const std::string& key = login.session.empty() ? login.start_url : login.session;
  const Call call{login, asker, context, sso_cache_path(home.value_or(""), key)};
  if (call.path.empty()) {
    throw Error(ErrorCode::kUnauthenticated,
                asker.origin +
                    " needs the SSO login in ~/.aws/sso/cache, but HOME is "
                    "not set");
  }
  return fetch(usable_token(call), call);
}

SsoToken SsoClient::read_token(const Call& call) const {
  std::optional<SsoToken> found;
  try {
    found = read_sso_token(call.path);
  } catch (const Error& error) {
    call.fail(call.asker.origin + ": " + error.what());
  }
  if (!found) {
    call.fail("there is no SSO login for " + call.asker.origin + " (" +
              base::printable(call.path) + " does not exist)");
  }
  if (unwritten_ && unwritten_->expires_ns > found->expires_ns) return *unwritten_;
  return *found;
}

SsoToken SsoClient::usable_token(const Call& call) {
  const SsoToken token = read_token(call);
  const std::int64_t left =
      base::time_difference(token.expires_ns, world_.clock.now_ns());
  if (left > kAhead) return token;
  // The legacy form has no tokens to renew with.
  const bool renewable =
      !call.login.session.empty() && can_renew(token, world_.clock.now_ns());
  if (left <= 0 && !renewable) {
    call.fail("the SSO login of " + call.asker.origin + " expired at " +
              base::format_rfc3339(token.expires_ns));
  }
  if (!renewable) return token;
  try {
    return renew(token, call);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled || left <= 0) throw;
    base::log().warn("the SSO login could not be renewed yet: {}", error.what());
    return token;
  }
}

SsoToken SsoClient::renew(const SsoToken& old, const Call& call) {
  CredentialRequest request =
      renewal_request(old, endpoint_of(call.asker.settings, kSsoOidc, call.login.region));
  request.purpose = "renewing the SSO login of " + call.asker.origin;
  const http::HttpResponse reply = exchange(*world_.transport, request, call.context);
  if (reply.status == 200) {
    const SsoToken token =
        renewed_sso_token(old, reply.body, request.purpose, world_.clock.now_ns());
    keep(token, call);
    return token;
  }
  // A refresh token serves once: another tool may have been faster.
  const SsoToken current = read_token(call);
  if (current.access_token != old.access_token &&
      current.expires_ns > world_.clock.now_ns()) {
    return current;
  }
  call.fail(request.purpose + " was refused: " + refusal_words(reply));
}

void SsoClient::keep(const SsoToken& token, const Call& call) {
  unwritten_.reset();
  try {
    write_sso_token(call.path, token);
  } catch (const Error& error) {
    unwritten_ = token;
    base::log().warn("the renewed SSO login could not be kept for later runs: {}",
                     error.what());
  }
}

AwsCredentials SsoClient::fetch(const SsoToken& token, const Call& call) const {
  CredentialRequest request = role_request(
      call.login, token, endpoint_of(call.asker.settings, kSsoPortal, call.login.region));
  request.purpose = call.name();
  const http::HttpResponse reply = exchange(*world_.transport, request, call.context);
  if (reply.status == 200) return parse_sso_credentials(reply.body, request.purpose);
  const std::string text = request.purpose + " was refused: " + refusal_words(reply);
  if (reply.status != 403 && reply.status != 404) call.fail(text);
  throw Error(ErrorCode::kUnauthenticated,
              text + "; the permission set " + base::printable(call.login.role_name) +
                  " must be assigned to you in that account (IAM Identity Center)",
              {reply.status, {}, {}, {}});
}

}  // namespace cloudsync::auth
