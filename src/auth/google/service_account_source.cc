// SPDX-License-Identifier: Apache-2.0
#include "auth/google/jwt.h"
#include "auth/google/oauth_exchange.h"
#include "auth/google/token_source.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

namespace cloudsync::auth::google {
namespace {

constexpr char kTokenEndpoint[] = "https://oauth2.googleapis.com/token";
constexpr char kDefaultUniverse[] = "googleapis.com";
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLifetimeSeconds = 3600;

class ServiceAccountSource final : public TokenSource {
 public:
  explicit ServiceAccountSource(const SourceInputs& inputs)
      : world_(inputs.world),
        scope_(inputs.scope),
        email_(inputs.document.text("client_email")),
        key_id_(inputs.document.text_or("private_key_id", "")),
        private_key_(inputs.document.pem("private_key")),
        token_uri_(inputs.document.text_or("token_uri", kTokenEndpoint)),
        universe_(inputs.document.text_or("universe_domain", kDefaultUniverse)),
        origin_("service account " + base::printable(email_) + " in " +
                base::printable(inputs.document.path())),
        key_name_(inputs.document.field_name("private_key")) {}

  AccessToken fetch(const CallContext& context) override {
    return universe_ == kDefaultUniverse ? exchange_assertion(context) : self_signed();
  }

 private:
  AccessToken exchange_assertion(const CallContext& context) const;
  AccessToken self_signed() const;
  JwtClaims claims() const;
  std::string sign(const JwtClaims& claims) const;
  std::string advice() const;

  const GoogleWorld& world_;
  const std::string scope_;
  const std::string email_;
  const std::string key_id_;
  const std::string private_key_;
  const std::string token_uri_;
  const std::string universe_;
  const std::string origin_;
  const std::string key_name_;
};

JwtClaims ServiceAccountSource::claims() const {
  JwtClaims claims;
  claims.key_id = key_id_;
  claims.issuer = email_;
  claims.scope = scope_;
  claims.issued_at = world_.clock.now_ns() / kSecond;
  claims.expires_at = claims.issued_at + kLifetimeSeconds;
  return claims;
}

std::string ServiceAccountSource::sign(const JwtClaims& claims) const {
  try {
    return sign_rs256_jwt(private_key_, claims);
  } catch (const Error& error) {
    throw error.with_context(key_name_);
  }
}

std::string ServiceAccountSource::advice() const {
  return "the key may have been deleted or disabled (create a new one), the service "
         "account may be gone, or this machine's clock may be wrong (it says " +
         base::format_rfc3339(world_.clock.now_ns() / kSecond * kSecond) + ")";
}

AccessToken ServiceAccountSource::exchange_assertion(const CallContext& context) const {
  JwtClaims asserted = claims();
  asserted.audience = kTokenEndpoint;
  const Form form = {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
                     {"assertion", sign(asserted)}};
  AccessToken token =
      fetch_token(world_, form_request(token_uri_, form, "the token of " + origin_),
                  advice(), context);
  token.origin = origin_;
  return token;
}

// Other universes have no token endpoint: the assertion itself is the bearer token.
// https://google.aip.dev/auth/4111
AccessToken ServiceAccountSource::self_signed() const {
  JwtClaims asserted = claims();
  asserted.subject = email_;
  AccessToken token;
  token.value = sign(asserted);
  token.expires_ns = asserted.expires_at * kSecond;
  token.origin = origin_ + " (universe " + base::printable(universe_) + ")";
  return token;
}

}  // namespace

std::unique_ptr<TokenSource> make_service_account_source(const SourceInputs& inputs) {
  return std::make_unique<ServiceAccountSource>(inputs);
}

}  // namespace cloudsync::auth::google
