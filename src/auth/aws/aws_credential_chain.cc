// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/aws_credential_chain.h"

#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "auth/aws/credential_source.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using Sources = std::vector<std::unique_ptr<CredentialSource>>;

// Variables that lead other tools to credentials this build cannot fetch.
constexpr std::array kLaterVariables = {"AWS_WEB_IDENTITY_TOKEN_FILE",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI"};

class AnonymousProvider final : public AwsCredentialsProvider {
 public:
  std::optional<AwsCredentials> credentials(const CallContext&) override {
    return std::nullopt;
  }
  void invalidate(const AwsCredentials&) override {}
};

class ChainProvider final : public AwsCredentialsProvider {
 public:
  ChainProvider(Sources sources, Environment environment)
      : sources_(std::move(sources)), environment_(std::move(environment)) {}

  std::optional<AwsCredentials> credentials(const CallContext& context) override;
  void invalidate(const AwsCredentials& refused) override;

 private:
  AwsCredentials load(const CallContext& context);
  [[noreturn]] void throw_nothing_found() const;
  static bool expired(const AwsCredentials& credentials) {
    return credentials.expires_ns &&
           *credentials.expires_ns <= base::system_clock().now_ns();
  }

  const Sources sources_;
  const Environment environment_;
  std::mutex mutex_;  // held while loading: one thread loads, the others wait for it
  std::optional<AwsCredentials> cached_;  // guarded by mutex_
};

std::optional<AwsCredentials> ChainProvider::credentials(const CallContext& context) {
  const std::lock_guard lock(mutex_);
  if (!cached_ || expired(*cached_)) cached_ = load(context);
  return cached_;
}

void ChainProvider::invalidate(const AwsCredentials& refused) {
  const std::lock_guard lock(mutex_);
  // Another thread may have fetched new ones since.
  if (cached_ && cached_->access_key_id == refused.access_key_id &&
      cached_->secret_access_key == refused.secret_access_key &&
      cached_->session_token == refused.session_token) {
    cached_.reset();
  }
}

AwsCredentials ChainProvider::load(const CallContext& context) {
  for (const auto& source : sources_) {
    auto found = source->load(context);
    if (!found) continue;
    base::redact_secret(found->secret_access_key);
    base::redact_secret(found->session_token);
    if (!expired(*found)) return *std::move(found);
    throw Error(ErrorCode::kUnauthenticated,
                "the AWS credentials from " + found->origin + " expired at " +
                    base::format_rfc3339(*found->expires_ns) + "; renew them");
  }
  throw_nothing_found();
}

void ChainProvider::throw_nothing_found() const {
  std::string text = "no AWS credentials were found; searched: ";
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    text.append(i == 0 ? "" : ", ").append(sources_[i]->place());
  }
  for (const char* name : kLaterVariables) {
    if (!environment_value(environment_, name)) continue;
    text.append("; ").append(name).append(" is set, but ").append(kReadableSources);
  }
  text += ". Set one of these, or ask for anonymous access if the bucket is public";
  throw Error(ErrorCode::kUnauthenticated, std::move(text));
}

}  // namespace

std::unique_ptr<AwsCredentialsProvider> make_aws_credential_chain(
    const AwsCredentialOptions& options, Environment environment) {
  if (options.anonymous) return std::make_unique<AnonymousProvider>();
  Sources sources;
  sources.push_back(make_static_source(options));
  if (options.profile.empty()) sources.push_back(make_environment_source(environment));
  sources.push_back(make_profile_source(environment, options.profile));
  return std::make_unique<ChainProvider>(std::move(sources), std::move(environment));
}

}  // namespace cloudsync::auth
