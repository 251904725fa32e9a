// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sts_requests.h"

#include <span>

#include "auth/aws/sigv4.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "hash/digest.h"

namespace cloudsync::auth {
namespace {

Form role_form(const std::string& action, const AssumeRole& role) {
  Form form = {{"Action", action},
               {"Version", "2011-06-15"},
               {"RoleArn", role.role_arn},
               {"RoleSessionName", role.session_name}};
  if (role.duration_seconds > 0) {
    form.emplace_back("DurationSeconds", std::to_string(role.duration_seconds));
  }
  return form;
}

CredentialRequest sts_request(const StsEndpoint& endpoint, const Form& form) {
  CredentialRequest request = form_request(endpoint.url + "/", form, "");
  for (auto& [name, value] : request.headers) {
    if (name == "accept") value = "text/xml";
  }
  return request;
}

std::string without_default_port(const std::string& scheme, std::string authority) {
  const std::string port = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(port)) authority.resize(authority.size() - port.size());
  return authority;
}

void sign_request(CredentialRequest& request, const AwsCredentials& signer,
                  const SigningScope& scope) {
  const std::size_t host = request.url.find("://") + 3;
  const std::size_t path = request.url.find('/', host);
  request.headers.emplace_back(
      "host", without_default_port(request.url.substr(0, host - 3),
                                   request.url.substr(host, path - host)));
  request.headers.emplace_back("x-amz-date", base::format_compact(scope.time_ns));
  if (!signer.session_token.empty()) {
    request.headers.emplace_back("x-amz-security-token", signer.session_token);
  }
  const auto digest = hash::Sha256::of(std::as_bytes(std::span(request.body)));
  const SigningRequest signing{request.method,
                               request.url.substr(path),
                               {},
                               request.headers,
                               base::to_hex(digest)};
  request.headers.emplace_back("authorization",
                               authorization_header(signing, signer, scope));
}

}  // namespace

CredentialRequest assume_role_request(const AssumeRole& role, const StsEndpoint& endpoint,
                                      const AwsCredentials& signer, std::int64_t now_ns) {
  Form form = role_form("AssumeRole", role);
  if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
  CredentialRequest request = sts_request(endpoint, form);
  SigningScope scope;
  scope.region = endpoint.region;
  scope.service = "sts";
  scope.time_ns = now_ns;
  scope.encode_path_twice = true;
  scope.normalize_path = true;
  sign_request(request, signer, scope);
  return request;
}

CredentialRequest web_identity_request(const AssumeRole& role,
                                       const StsEndpoint& endpoint,
                                       const std::string& token) {
  Form form = role_form("AssumeRoleWithWebIdentity", role);
  form.emplace_back("WebIdentityToken", token);
  return sts_request(endpoint, form);
}

}  // namespace cloudsync::auth
