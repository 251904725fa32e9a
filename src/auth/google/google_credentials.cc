// SPDX-License-Identifier: Apache-2.0
#include "auth/google/google_credentials.h"

#include "auth/google/credential_search.h"
#include "auth/refreshing.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace cloudsync::auth {
namespace {

// Google's own libraries wait for a new token from 225 seconds before the end; the
// metadata server gives a new one from 300 seconds before.
constexpr RefreshWindows kWindows = {std::chrono::seconds(300),
                                     std::chrono::seconds(225)};

constexpr char kPayer[] = "GOOGLE_CLOUD_QUOTA_PROJECT";

// It becomes a header.
void require_project(const std::string& project) {
  const bool plain =
      std::ranges::all_of(project, [](char c) { return c > ' ' && c < 0x7F; });
  if (plain) return;
  throw Error(ErrorCode::kUnauthenticated,
              "\"" + base::printable(project) + "\" (" + kPayer +
                  " or quota_project_id of the credential file) is no project");
}

class AnonymousTokens final : public AccessTokenProvider {
 public:
  std::optional<AccessToken> token(const CallContext&) override { return std::nullopt; }
  void invalidate(const AccessToken&) override {}
};

class GoogleTokens final : public AccessTokenProvider {
 public:
  GoogleTokens(GoogleCredentialOptions options, GoogleWorld world)
      : options_(std::move(options)),
        world_(std::move(world)),
        refreshing_([this](const CallContext& context) { return load(context); },
                    kWindows, world_.clock) {}

  std::optional<AccessToken> token(const CallContext& context) override {
    return refreshing_.get(context);
  }
  void invalidate(const AccessToken& refused) override {
    refreshing_.invalidate(refused);
  }

 private:
  AccessToken load(const CallContext& context);
  AccessToken fetch(const CallContext& context);

  const GoogleCredentialOptions options_;
  const GoogleWorld world_;
  std::unique_ptr<google::TokenSource>
      source_;  // of load() only, which runs once at a time
  Refreshing<AccessToken> refreshing_;
};

AccessToken GoogleTokens::fetch(const CallContext& context) {
  if (!source_) source_ = google::find_token_source(options_, world_, context);
  AccessToken token = source_->fetch(context);
  if (const auto payer = environment_value(world_.environment, kPayer)) {
    token.quota_project = *payer;
  }
  require_project(token.quota_project);
  return token;
}

// Services and programs are quoted in messages; should one repeat what it was sent, it
// stops here.
AccessToken GoogleTokens::load(const CallContext& context) {
  try {
    return fetch(context);
  } catch (const Error& error) {
    throw Error(error.code(), base::redacted(error.what()), error.detail())
        .with_retryable(error.retryable());
  }
}

}  // namespace

std::unique_ptr<AccessTokenProvider> make_google_credentials(
    const GoogleCredentialOptions& options, GoogleWorld world) {
  if (options.anonymous) return std::make_unique<AnonymousTokens>();
  return std::make_unique<GoogleTokens>(options, std::move(world));
}

}  // namespace cloudsync::auth
