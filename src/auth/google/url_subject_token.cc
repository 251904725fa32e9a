// SPDX-License-Identifier: Apache-2.0
#include "auth/google/oauth_exchange.h"
#include "auth/google/subject_token.h"
#include "auth/service_words.h"
#include "auth/url_host.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth::google {
namespace {

constexpr std::size_t kShortestSecret = 8;

// A service that hands out the token (Azure's instance metadata, a sidecar).
class UrlSubjectToken final : public SubjectTokenSource {
 public:
  UrlSubjectToken(const CredentialDocument& credential_source, const GoogleWorld& world)
      : world_(world),
        url_(credential_source.text("url")),
        headers_(credential_source.text_map("headers")),
        format_(credential_source),
        named_by_(credential_source.field_name("url")) {
    // "Metadata: True" is no secret, and the word stands in other messages too.
    for (const auto& [name, value] : headers_) {
      if (value.size() >= kShortestSecret) base::redact_secret(value);
    }
  }

  std::string read(const CallContext& context) override {
    CredentialRequest request;
    request.method = "GET";
    request.url = url_;
    request.headers = headers_;
    // Plain http is this machine or its metadata service (exchange() sees to that), which
    // no proxy can reach.
    request.bypass_proxy = !url_.starts_with("https://");
    request.purpose = "the subject token (" + named_by_ + ")";
    const auto reply = exchange(*world_.transport, request, context);
    const std::string place = shown_url(url_);
    if (reply.status == 200) return format_.extract(reply.body, place);
    throw Error(ErrorCode::kUnauthenticated,
                request.purpose + " from " + place + " was refused: " +
                    refusal_words(reply) + "; check the URL and headers there",
                {reply.status, {}, {}, {}});
  }

 private:
  const GoogleWorld& world_;
  const std::string url_;
  const http::Headers headers_;
  const SubjectTokenFormat format_;
  const std::string named_by_;
};

}  // namespace

std::unique_ptr<SubjectTokenSource> make_url_subject_token(
    const CredentialDocument& account, const GoogleWorld& world) {
  return std::make_unique<UrlSubjectToken>(account.object("credential_source"), world);
}

}  // namespace cloudsync::auth::google
