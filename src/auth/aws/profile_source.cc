// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "auth/aws/aws_settings.h"
#include "auth/aws/credential_source.h"
#include "auth/aws/process_credentials.h"
#include "auth/aws/profile_plan.h"
#include "auth/aws/sso_client.h"
#include "auth/aws/sts_client.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

std::string label_of(const std::string& profile) {
  return "profile \"" + base::printable(profile) + "\"";
}

bool is_login_or_program(const ProfilePlan& plan) {
  return plan.roles.empty() && (std::holds_alternative<SsoLogin>(plan.base) ||
                                std::holds_alternative<ProcessCommand>(plan.base));
}

class ProfileSource final : public CredentialSource {
 public:
  ProfileSource(const AwsCredentialOptions& options, AwsWorld world, ProfilePart part)
      : options_(options),
        world_(std::move(world)),
        part_(part),
        name_(selected_profile(world_.environment, options.profile)),
        sso_(world_),
        environment_keys_(make_environment_source(world_.environment)),
        container_(make_container_source(world_)),
        imds_(make_imds_source(options, world_, ImdsUse::kChosen)) {}

  std::optional<AwsCredentials> load(const CallContext& context) override;
  std::string place() const override;
  void forget() override { imds_->forget(); }

 private:
  struct Step;
  bool is_mine(const ProfilePlan& plan) const;
  std::optional<AwsCredentials> without_profile(const AwsConfigFiles& files) const;
  AwsCredentials load_base(const ProfilePlan& plan, const Step& step);
  AwsCredentials load_named(NamedSource source, const Step& step);
  std::string origin(const std::string& profile, const AwsConfigFiles& files) const {
    return label_of(profile) + " in " + files.places;
  }

  const AwsCredentialOptions options_;
  const AwsWorld world_;
  const ProfilePart part_;
  const std::string name_;
  SsoClient sso_;
  const std::unique_ptr<CredentialSource> environment_keys_;
  const std::unique_ptr<CredentialSource> container_;
  const std::unique_ptr<CredentialSource> imds_;
};

struct ProfileSource::Step {
  const AwsSettings& settings;
  std::string origin;  // of the base profile
  const CallContext& context;
};

std::optional<AwsCredentials> ProfileSource::load(const CallContext& context) {
  const AwsSettings settings = read_aws_settings(options_, world_.environment);
  if (settings.files.profiles.count(name_) == 0) return without_profile(settings.files);
  const ProfilePlan plan = plan_profile(settings.files, name_);
  if (!is_mine(plan)) return std::nullopt;
  AwsCredentials current =
      load_base(plan, {settings, origin(plan.base_profile, settings.files), context});
  for (const RoleStep& step : plan.roles) {
    current = StsClient(world_).assume_role(
        step.role, current, {settings, origin(step.profile, settings.files)}, context);
  }
  return current;
}

std::optional<AwsCredentials> ProfileSource::without_profile(
    const AwsConfigFiles& files) const {
  if (name_ == "default") return std::nullopt;
  throw Error(ErrorCode::kUnauthenticated,
              label_of(name_) + " is not in " + files.places +
                  "; check the name, or AWS_PROFILE if that chose it");
}

bool ProfileSource::is_mine(const ProfilePlan& plan) const {
  if (std::holds_alternative<std::monostate>(plan.base)) return false;
  if (part_ == ProfilePart::kAll) return true;
  return is_login_or_program(plan) == (part_ == ProfilePart::kLoginsAndPrograms);
}

AwsCredentials ProfileSource::load_base(const ProfilePlan& plan, const Step& step) {
  if (const auto* keys = std::get_if<StaticKeys>(&plan.base)) {
    return {keys->access_key_id, keys->secret_access_key, keys->session_token,
            std::nullopt, step.origin};
  }
  if (const auto* identity = std::get_if<WebIdentity>(&plan.base)) {
    return StsClient(world_).assume_role_with_web_identity(
        identity->role, identity->token_file, {step.settings, step.origin}, step.context);
  }
  if (const auto* login = std::get_if<SsoLogin>(&plan.base)) {
    return sso_.role_credentials(*login, {step.settings, plan.base_profile, step.origin},
                                 step.context);
  }
  if (const auto* command = std::get_if<ProcessCommand>(&plan.base)) {
    return run_credential_process(command->line, step.origin, step.context);
  }
  return load_named(std::get<NamedSource>(plan.base), step);
}

AwsCredentials ProfileSource::load_named(NamedSource source, const Step& step) {
  CredentialSource& chosen = source == NamedSource::kEnvironment    ? *environment_keys_
                             : source == NamedSource::kEcsContainer ? *container_
                                                                    : *imds_;
  if (auto found = chosen.load(step.context)) return *std::move(found);
  throw Error(ErrorCode::kUnauthenticated,
              step.origin + " names a credential_source that has no credentials: " +
                  chosen.place());
}

std::string ProfileSource::place() const {
  if (part_ == ProfilePart::kLoginsAndPrograms) return {};
  const AwsConfigPaths paths = aws_config_paths(world_.environment);
  if (paths.config.empty() && paths.credentials.empty()) {
    return label_of(name_) + " in ~/.aws (not found: HOME is not set)";
  }
  return label_of(name_) + " in " + paths.credentials + " and " + paths.config;
}

}  // namespace

std::unique_ptr<CredentialSource> make_profile_source(const AwsCredentialOptions& options,
                                                      AwsWorld world, ProfilePart part) {
  return std::make_unique<ProfileSource>(options, std::move(world), part);
}

}  // namespace cloudsync::auth
