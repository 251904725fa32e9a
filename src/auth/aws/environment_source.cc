// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "auth/aws/credential_source.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr char kKeyId[] = "AWS_ACCESS_KEY_ID";
constexpr char kSecret[] = "AWS_SECRET_ACCESS_KEY";
constexpr char kExpiration[] = "AWS_CREDENTIAL_EXPIRATION";

class EnvironmentSource final : public CredentialSource {
 public:
  explicit EnvironmentSource(Environment environment)
      : environment_(std::move(environment)) {}

  std::optional<AwsCredentials> load(const CallContext&) override;
  std::string place() const override {
    return std::string(kKeyId) + " and " + kSecret + " in the environment";
  }

 private:
  std::optional<std::string> value(const char* name) const {
    return environment_value(environment_, name);
  }
  std::string session_token() const;
  std::optional<std::int64_t> expiration() const;

  Environment environment_;
};

std::optional<AwsCredentials> EnvironmentSource::load(const CallContext&) {
  const auto key_id = value(kKeyId);
  const auto secret = value(kSecret);
  if (!key_id && !secret) return std::nullopt;
  if (!key_id || !secret) {
    throw Error(ErrorCode::kUnauthenticated,
                std::string("the environment has ") + (key_id ? kKeyId : kSecret) +
                    " but not " + (key_id ? kSecret : kKeyId) + "; set both or neither");
  }
  return AwsCredentials{*key_id, *secret, session_token(), expiration(), "environment"};
}

std::string EnvironmentSource::session_token() const {
  // The second name is the one of the oldest tools.
  for (const char* name : {"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"}) {
    if (const auto token = value(name)) return *token;
  }
  return {};
}

std::optional<std::int64_t> EnvironmentSource::expiration() const {
  const auto text = value(kExpiration);
  if (!text) return std::nullopt;
  const auto time_ns = base::parse_rfc3339(*text);
  if (time_ns) return time_ns;
  throw Error(ErrorCode::kUnauthenticated,
              std::string(kExpiration) + " is \"" + *text +
                  "\", which is no time like 2026-01-31T12:00:00Z");
}

}  // namespace

std::unique_ptr<CredentialSource> make_environment_source(Environment environment) {
  return std::make_unique<EnvironmentSource>(std::move(environment));
}

}  // namespace cloudsync::auth
