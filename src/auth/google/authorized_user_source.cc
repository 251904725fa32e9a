// SPDX-License-Identifier: Apache-2.0
#include "auth/google/oauth_exchange.h"
#include "auth/google/token_source.h"
#include "base/encoding.h"

namespace cloudsync::auth::google {
namespace {

constexpr char kTokenEndpoint[] = "https://oauth2.googleapis.com/token";
constexpr char kLogInAgain[] =
    "the login has expired or was revoked: run `gcloud auth application-default login`";

class AuthorizedUserSource final : public TokenSource {
 public:
  explicit AuthorizedUserSource(const SourceInputs& inputs)
      : world_(inputs.world),
        token_uri_(inputs.document.text_or("token_uri", kTokenEndpoint)),
        client_id_(inputs.document.text("client_id")),
        client_secret_(inputs.document.secret("client_secret")),
        refresh_token_(inputs.document.secret("refresh_token")),
        origin_("user credentials in " + base::printable(inputs.document.path())) {}

  // The scopes were chosen when the user logged in; asking for others is refused.
  AccessToken fetch(const CallContext& context) override {
    const Form form = {{"grant_type", "refresh_token"},
                       {"client_id", client_id_},
                       {"client_secret", client_secret_},
                       {"refresh_token", refresh_token_}};
    AccessToken token =
        fetch_token(world_, form_request(token_uri_, form, "the token of " + origin_),
                    kLogInAgain, context);
    token.origin = origin_;
    return token;
  }

 private:
  const GoogleWorld& world_;
  const std::string token_uri_;
  const std::string client_id_;
  const std::string client_secret_;
  const std::string refresh_token_;
  const std::string origin_;
};

}  // namespace

std::unique_ptr<TokenSource> make_authorized_user_source(const SourceInputs& inputs) {
  return std::make_unique<AuthorizedUserSource>(inputs);
}

}  // namespace cloudsync::auth::google
