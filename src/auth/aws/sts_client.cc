// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sts_client.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "auth/aws/sts_responses.h"
#include "auth/service_words.h"
#include "auth/small_file.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr std::size_t kLongestToken = 64 << 10;

// Refusals that pass: the caller's retry loop may ask again.
constexpr std::array<std::string_view, 5> kPassing = {
    "Throttling", "ThrottlingException", "RequestLimitExceeded", "IDPCommunicationError",
    "RequestThrottled"};

std::string advice(const std::string& code, const std::string& action) {
  if (code == "AccessDenied" && action == "AssumeRole") {
    return "; the identity that assumes the role needs the right sts:AssumeRole on it, "
           "and the role's trust policy has to name that identity";
  }
  if (code == "AccessDenied") {
    return "; the role's trust policy has to allow sts:AssumeRoleWithWebIdentity for "
           "this identity provider, subject and audience";
  }
  if (code == "ExpiredToken" || code == "ExpiredTokenException") {
    return action == "AssumeRole"
               ? "; renew the credentials that assume the role"
               : "; the token in the file has expired, its owner has to replace it";
  }
  if (code == "InvalidIdentityToken") {
    return "; the account needs an IAM identity provider for the token's issuer";
  }
  if (code == "InvalidClientTokenId" || code == "SignatureDoesNotMatch") {
    return "; check the keys that assume the role";
  }
  return "";
}

[[noreturn]] void throw_refused(const http::HttpResponse& reply,
                                const std::string& action, const std::string& origin) {
  const StsRefusal refusal = parse_sts_refusal(reply.body);
  std::string words = "HTTP " + std::to_string(reply.status);
  if (!refusal.code.empty()) words = refusal.code + ": " + refusal.message;
  const bool passes =
      std::find(kPassing.begin(), kPassing.end(), refusal.code) != kPassing.end();
  std::string text = origin + " was refused: " + service_words(words);
  if (!refusal.request_id.empty()) {
    text += " (request " + service_words(refusal.request_id) + ")";
  }
  throw Error(
      passes ? ErrorCode::kUnavailable : ErrorCode::kUnauthenticated,
      text + advice(refusal.code, action),
      {reply.status, service_words(refusal.code), service_words(refusal.request_id), {}});
}

StsEndpoint sts_endpoint(const AwsSettings& settings) {
  const std::string region = region_of(settings);
  return {endpoint_of(settings, kSts, region), region};
}

std::string origin_of(const AssumeRole& role, const RoleAsker& asker) {
  return "role " + base::printable(role.role_arn) + " of " + asker.name;
}

}  // namespace

AwsCredentials StsClient::assume_role(const AssumeRole& role,
                                      const AwsCredentials& signer,
                                      const RoleAsker& asker,
                                      const CallContext& context) const {
  // Both may come from a profile that nobody registered yet.
  base::redact_secret(signer.secret_access_key);
  base::redact_secret(signer.session_token);
  return ask(assume_role_request(complete(role), sts_endpoint(asker.settings), signer,
                                 world_.clock.now_ns()),
             "AssumeRole", origin_of(role, asker), context);
}

AwsCredentials StsClient::assume_role_with_web_identity(
    const AssumeRole& role, const std::string& token_file, const RoleAsker& asker,
    const CallContext& context) const {
  const std::string token = read_secret_line(
      {token_file, "the web identity token file of " + asker.name, kLongestToken});
  return ask(web_identity_request(complete(role), sts_endpoint(asker.settings), token),
             "AssumeRoleWithWebIdentity",
             origin_of(role, asker) + " by the token in " + base::printable(token_file),
             context);
}

AssumeRole StsClient::complete(const AssumeRole& role) const {
  AssumeRole out = role;
  if (out.session_name.empty()) {
    out.session_name = "cloudsync-" + std::to_string(world_.clock.now_ns() / 1'000'000);
  }
  return out;
}

AwsCredentials StsClient::ask(CredentialRequest request, const std::string& action,
                              const std::string& origin,
                              const CallContext& context) const {
  request.purpose = origin;
  const http::HttpResponse reply = exchange(*world_.transport, request, context);
  if (reply.status == 200) return parse_sts_credentials(reply.body, action, origin);
  throw_refused(reply, action, origin);
}

}  // namespace cloudsync::auth
