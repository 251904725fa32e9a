// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/credential_source.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

class StaticSource final : public CredentialSource {
 public:
  explicit StaticSource(const AwsCredentialOptions& options)
      : credentials_{options.access_key_id, options.secret_access_key,
                     options.session_token, std::nullopt, "configuration"} {
    if (credentials_.access_key_id.empty() == credentials_.secret_access_key.empty()) {
      return;
    }
    throw Error(ErrorCode::kInvalidArgument,
                "aws_access_key_id and aws_secret_access_key belong together, but the "
                "configuration has only one of them");
  }

  std::optional<AwsCredentials> load(const CallContext&) override {
    if (credentials_.access_key_id.empty()) return std::nullopt;
    return credentials_;
  }
  std::string place() const override { return "aws_access_key_id in the configuration"; }

 private:
  AwsCredentials credentials_;
};

}  // namespace

std::unique_ptr<CredentialSource> make_static_source(
    const AwsCredentialOptions& options) {
  return std::make_unique<StaticSource>(options);
}

}  // namespace cloudsync::auth
