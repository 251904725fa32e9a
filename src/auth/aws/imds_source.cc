// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <utility>

#include "auth/aws/credential_source.h"
#include "auth/aws/imds_client.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

// How long credentials that have run out go on being used while the service cannot give
// new ones: the services that are to accept them usually do in such an outage.
constexpr std::int64_t kGrace = 600'000'000'000;

class ImdsSource final : public CredentialSource {
 public:
  ImdsSource(const AwsCredentialOptions& options, AwsWorld world, ImdsUse use)
      : options_(options), world_(std::move(world)), use_(use), client_(world_) {}

  std::optional<AwsCredentials> load(const CallContext& context) override;
  std::string place() const override {
    return "the instance metadata service" +
           (remark_.empty() ? std::string() : " (" + remark_ + ")");
  }
  void forget() override { refused_ = true; }

 private:
  std::optional<AwsCredentials> fetch(const ImdsConfig& config,
                                      const CallContext& context);
  std::optional<AwsCredentials> without(const ImdsAbsent& absent,
                                        const ImdsConfig& config);
  bool has_expired(const AwsCredentials& credentials) const {
    return credentials.expires_ns && *credentials.expires_ns <= world_.clock.now_ns();
  }
  AwsCredentials in_grace(AwsCredentials credentials, const std::string& why) const;

  const AwsCredentialOptions options_;
  const AwsWorld world_;
  const ImdsUse use_;
  ImdsClient client_;
  std::optional<AwsCredentials> last_;  // with the expiry the service gave
  bool answered_ = false;               // at some time, also before a refusal
  std::string remark_;                  // why the last load found nothing
  std::atomic<bool> refused_{false};
};

AwsCredentials ImdsSource::in_grace(AwsCredentials credentials,
                                    const std::string& why) const {
  base::log().warn("{}; going on with the instance's expired credentials for ten minutes",
                   why);
  credentials.expires_ns = world_.clock.now_ns() + kGrace;
  return credentials;
}

std::optional<AwsCredentials> ImdsSource::without(const ImdsAbsent& absent,
                                                  const ImdsConfig& config) {
  remark_ = absent.reason;
  // It has answered before, or somebody says that it must: silence is an outage then.
  if (absent.silent && (answered_ || use_ == ImdsUse::kChosen)) {
    throw Error(ErrorCode::kUnavailable,
                "the instance metadata service at " + config.endpoint + ": " + remark_);
  }
  return std::nullopt;
}

std::optional<AwsCredentials> ImdsSource::fetch(const ImdsConfig& config,
                                                const CallContext& context) {
  auto answer = client_.credentials(config, context);
  if (const auto* absent = std::get_if<ImdsAbsent>(&answer)) {
    return without(*absent, config);
  }
  last_ = std::get<AwsCredentials>(std::move(answer));
  answered_ = true;
  remark_.clear();
  if (!has_expired(*last_)) return last_;
  return in_grace(*last_, "the instance metadata service gave credentials that are over");
}

std::optional<AwsCredentials> ImdsSource::load(const CallContext& context) {
  if (refused_.exchange(false)) last_.reset();
  const ImdsConfig config = resolve_imds(read_aws_settings(options_, world_.environment));
  if (config.disabled) {
    remark_ = "switched off by AWS_EC2_METADATA_DISABLED";
    return std::nullopt;
  }
  try {
    return fetch(config, context);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable || !last_ || !has_expired(*last_)) throw;
    return in_grace(*last_, error.what());
  }
}

}  // namespace

std::unique_ptr<CredentialSource> make_imds_source(const AwsCredentialOptions& options,
                                                   AwsWorld world, ImdsUse use) {
  return std::make_unique<ImdsSource>(options, std::move(world), use);
}

}  // namespace cloudsync::auth
