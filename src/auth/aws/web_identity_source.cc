// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "auth/aws/credential_source.h"
#include "auth/aws/sts_client.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr char kTokenFile[] = "AWS_WEB_IDENTITY_TOKEN_FILE";
constexpr char kRole[] = "AWS_ROLE_ARN";
constexpr char kSessionName[] = "AWS_ROLE_SESSION_NAME";

class WebIdentitySource final : public CredentialSource {
 public:
  WebIdentitySource(AwsCredentialOptions options, AwsWorld world)
      : options_(std::move(options)), world_(std::move(world)) {}

  std::optional<AwsCredentials> load(const CallContext& context) override;
  std::string place() const override {
    return std::string(kTokenFile) + " and " + kRole + " in the environment";
  }

 private:
  std::optional<std::string> value(const char* name) const {
    return environment_value(world_.environment, name);
  }

  const AwsCredentialOptions options_;
  const AwsWorld world_;
};

std::optional<AwsCredentials> WebIdentitySource::load(const CallContext& context) {
  const auto file = value(kTokenFile);
  if (!file) return std::nullopt;
  const auto role = value(kRole);
  if (!role) {
    throw Error(ErrorCode::kUnauthenticated, std::string("the environment has ") +
                                                 kTokenFile + " but not " + kRole +
                                                 "; set both or neither");
  }
  const AwsSettings settings = read_aws_settings(options_, world_.environment);
  return StsClient(world_).assume_role_with_web_identity(
      {*role, value(kSessionName).value_or(""), {}, 0}, *file,
      {settings, "the environment"}, context);
}

}  // namespace

std::unique_ptr<CredentialSource> make_web_identity_source(
    const AwsCredentialOptions& options, AwsWorld world) {
  return std::make_unique<WebIdentitySource>(options, std::move(world));
}

}  // namespace cloudsync::auth
