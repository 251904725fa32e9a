// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "auth/aws/credential_source.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

// A role is another identity than the keys beside it, so these win over static keys.
constexpr std::array kRoleProperties = {"role_arn", "web_identity_token_file",
                                        "credential_source"};
// These lead to the same identity as static keys beside them, which other tools put there
// for programs that cannot fetch credentials themselves.
constexpr std::array kFetchProperties = {"sso_session",    "sso_start_url",
                                         "sso_account_id", "credential_process",
                                         "login_session",  "source_profile"};

std::string value_of(const ProfileProperties& profile, const char* name) {
  const auto found = profile.find(name);
  return found == profile.end() ? std::string() : found->second;
}

template <std::size_t N>
const char* first_present(const ProfileProperties& profile,
                          const std::array<const char*, N>& names) {
  for (const char* name : names) {
    if (!value_of(profile, name).empty()) return name;
  }
  return nullptr;
}

class ProfileSource final : public CredentialSource {
 public:
  ProfileSource(Environment environment, std::string explicit_name)
      : environment_(std::move(environment)),
        name_(selected_profile(environment_, explicit_name)),
        named_by_user_(name_ != "default") {}

  std::optional<AwsCredentials> load(const CallContext&) override;
  std::string place() const override;

 private:
  std::string label() const { return "profile \"" + name_ + "\""; }
  [[noreturn]] void throw_unreadable(const char* property,
                                     const AwsConfigFiles& files) const;
  std::optional<AwsCredentials> static_keys(const ProfileProperties& profile,
                                            const AwsConfigFiles& files) const;

  Environment environment_;
  std::string name_;
  bool named_by_user_;
};

std::optional<AwsCredentials> ProfileSource::load(const CallContext&) {
  const AwsConfigFiles files = load_aws_config(environment_);
  const auto found = files.profiles.find(name_);
  if (found == files.profiles.end()) {
    if (!named_by_user_) return std::nullopt;
    throw Error(ErrorCode::kUnauthenticated,
                label() + " is not in " + files.places +
                    "; check the name, or AWS_PROFILE if that chose it");
  }
  const ProfileProperties& profile = found->second;
  if (const char* property = first_present(profile, kRoleProperties)) {
    throw_unreadable(property, files);
  }
  if (auto credentials = static_keys(profile, files)) return credentials;
  if (const char* property = first_present(profile, kFetchProperties)) {
    throw_unreadable(property, files);
  }
  return std::nullopt;
}

std::optional<AwsCredentials> ProfileSource::static_keys(
    const ProfileProperties& profile, const AwsConfigFiles& files) const {
  const std::string key_id = value_of(profile, "aws_access_key_id");
  const std::string secret = value_of(profile, "aws_secret_access_key");
  if (key_id.empty() && secret.empty()) return std::nullopt;
  if (key_id.empty() || secret.empty()) {
    throw Error(ErrorCode::kUnauthenticated,
                label() + " in " + files.places + " has no " +
                    (key_id.empty() ? "aws_access_key_id beside aws_secret_access_key"
                                    : "aws_secret_access_key beside aws_access_key_id"));
  }
  std::string token = value_of(profile, "aws_session_token");
  if (token.empty()) token = value_of(profile, "aws_security_token");
  return AwsCredentials{key_id, secret, token, std::nullopt,
                        label() + " in " + files.places};
}

void ProfileSource::throw_unreadable(const char* property,
                                     const AwsConfigFiles& files) const {
  throw Error(ErrorCode::kUnauthenticated,
              label() + " in " + files.places + " takes its credentials from " +
                  property + "; " + kReadableSources +
                  ". Export them (aws configure export-credentials --profile " + name_ +
                  " --format env) or choose a profile with aws_access_key_id");
}

std::string ProfileSource::place() const {
  const AwsConfigPaths paths = aws_config_paths(environment_);
  if (paths.config.empty() && paths.credentials.empty()) {
    return label() + " in ~/.aws (not found: HOME is not set)";
  }
  return label() + " in " + paths.credentials + " and " + paths.config;
}

}  // namespace

std::unique_ptr<CredentialSource> make_profile_source(Environment environment,
                                                      std::string explicit_name) {
  return std::make_unique<ProfileSource>(std::move(environment),
                                         std::move(explicit_name));
}

}  // namespace cloudsync::auth
