// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/client_certificate_token.h"

#include "auth/azure/client_assertion.h"
#include "auth/azure/entra_exchange.h"
#include "auth/small_file.h"
#include "base/encoding.h"
#include "base/log.h"

namespace cloudsync::auth {
namespace {

constexpr std::size_t kLongestPem = std::size_t{256} << 10;

}  // namespace

Form assertion_form(const std::string& assertion) {
  return {
      {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
      {"client_assertion", assertion}};
}

BearerToken fetch_client_certificate_token(const EntraWorld& world,
                                           const EntraSubject& subject,
                                           const std::string& path,
                                           const CallContext& context) {
  CertificateText text;
  text.pem = read_secret_file({path, "the client certificate", kLongestPem});
  text.password =
      environment_value(world.environment, "AZURE_CLIENT_CERTIFICATE_PASSWORD")
          .value_or("");
  text.origin = base::printable(path);
  base::redact_secret(text.password);
  AssertionClaims claims;
  claims.audience = token_url(world.environment, subject.tenant);
  claims.client_id = subject.client.value;
  claims.id = base::random_hex_id(world.random);
  claims.now_ns = world.clock.now_ns();
  const std::string assertion = sign_client_assertion(text, claims);
  return fetch_client_token(world, subject, assertion_form(assertion), context);
}

}  // namespace cloudsync::auth
