// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/profile_plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "auth/aws/aws_settings.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

// What STS accepts: 15 minutes to 12 hours.
constexpr int kShortestSession = 900;
constexpr int kLongestSession = 43200;

// One profile with its name and where it is, for reading and for messages.
class Profile {
 public:
  Profile(const AwsConfigFiles& files, std::string name, const ProfileProperties& values)
      : files_(files), name_(std::move(name)), values_(values) {}

  const std::string& name() const { return name_; }
  const AwsConfigFiles& files() const { return files_; }
  std::string get(const char* name) const { return property_of(values_, name); }
  bool has(const char* name) const { return !get(name).empty(); }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kUnauthenticated, "profile \"" + base::printable(name_) +
                                                 "\" in " + files_.places + " " + what);
  }

 private:
  const AwsConfigFiles& files_;
  std::string name_;
  const ProfileProperties& values_;
};

std::string quoted(const std::string& text) {
  return "\"" + base::printable(text) + "\"";
}

std::optional<StaticKeys> static_keys(const Profile& profile) {
  const std::string key_id = profile.get("aws_access_key_id");
  const std::string secret = profile.get("aws_secret_access_key");
  if (key_id.empty() && secret.empty()) return std::nullopt;
  if (key_id.empty() || secret.empty()) {
    profile.fail(std::string("has no ") +
                 (key_id.empty() ? "aws_access_key_id beside aws_secret_access_key"
                                 : "aws_secret_access_key beside aws_access_key_id"));
  }
  std::string token = profile.get("aws_session_token");
  if (token.empty()) token = profile.get("aws_security_token");
  return StaticKeys{key_id, secret, token};
}

int session_seconds(const Profile& profile) {
  const std::string text = profile.get("duration_seconds");
  if (text.empty()) return 0;
  int value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() &&
      value >= kShortestSession && value <= kLongestSession) {
    return value;
  }
  profile.fail("has duration_seconds = " + base::printable(text) +
               "; it must be a number from 900 to 43200");
}

AssumeRole role_of(const Profile& profile) {
  return {profile.get("role_arn"), profile.get("role_session_name"),
          profile.get("external_id"), session_seconds(profile)};
}

NamedSource named_source(const Profile& profile) {
  constexpr std::array<std::pair<std::string_view, NamedSource>, 3> kNames = {{
      {"Environment", NamedSource::kEnvironment},
      {"EcsContainer", NamedSource::kEcsContainer},
      {"Ec2InstanceMetadata", NamedSource::kEc2InstanceMetadata},
  }};
  const std::string value = profile.get("credential_source");
  for (const auto& [name, source] : kNames) {
    if (value == name) return source;
  }
  profile.fail("has credential_source = " + base::printable(value) +
               "; known are Environment, EcsContainer and Ec2InstanceMetadata");
}

std::string required_of_sso(const Profile& profile, const char* name) {
  std::string value = profile.get(name);
  if (!value.empty()) return value;
  profile.fail(std::string("has an SSO login but no ") + name +
               "; sso_account_id and sso_role_name say which credentials it is for");
}

SsoLogin session_login(const Profile& profile) {
  SsoLogin login;
  login.session = profile.get("sso_session");
  const auto& sessions = profile.files().sso_sessions;
  const auto found = sessions.find(login.session);
  if (found == sessions.end()) {
    profile.fail("names [sso-session " + base::printable(login.session) +
                 "], which is not there");
  }
  for (const auto& [name, target] : {std::pair{"sso_region", &login.region},
                                     std::pair{"sso_start_url", &login.start_url}}) {
    *target = property_of(found->second, name);
    if (target->empty()) {
      profile.fail("names [sso-session " + base::printable(login.session) +
                   "], which has no " + name);
    }
    if (profile.has(name) && profile.get(name) != *target) {
      profile.fail(std::string("and its sso-session disagree about ") + name +
                   "; leave it in [sso-session] only");
    }
  }
  return login;
}

std::optional<SsoLogin> sso_login(const Profile& profile) {
  const bool session = profile.has("sso_session");
  const bool legacy = profile.has("sso_start_url") || profile.has("sso_account_id") ||
                      profile.has("sso_role_name");
  if (!session && !legacy) return std::nullopt;
  SsoLogin login = session ? session_login(profile)
                           : SsoLogin{{},
                                      required_of_sso(profile, "sso_start_url"),
                                      required_of_sso(profile, "sso_region"),
                                      {},
                                      {}};
  login.account_id = required_of_sso(profile, "sso_account_id");
  login.role_name = required_of_sso(profile, "sso_role_name");
  return login;
}

std::optional<WebIdentity> web_identity(const Profile& profile) {
  if (!profile.has("web_identity_token_file")) return std::nullopt;
  if (!profile.has("role_arn")) {
    profile.fail("has web_identity_token_file but no role_arn");
  }
  return WebIdentity{role_of(profile), profile.get("web_identity_token_file")};
}

// What is left when the profile has no keys.
PlanBase fetched_base(const Profile& profile) {
  if (auto login = sso_login(profile)) return *std::move(login);
  if (profile.has("credential_process")) {
    return ProcessCommand{profile.get("credential_process")};
  }
  if (!profile.has("login_session")) return std::monostate();
  profile.fail(
      "takes its credentials from login_session (aws login), which cloudsync cannot "
      "renew; export them (aws configure export-credentials --profile " +
      base::printable(profile.name()) + " --format env) or use sso_session");
}

// Where the next profile or source is said; a role without one cannot be assumed.
void require_one_source(const Profile& profile) {
  const bool source_profile = profile.has("source_profile");
  const bool credential_source = profile.has("credential_source");
  if (source_profile && credential_source) {
    profile.fail("has both source_profile and credential_source; keep one");
  }
  if (!source_profile && !credential_source) {
    profile.fail(
        "has role_arn but neither source_profile, credential_source nor "
        "web_identity_token_file to assume it with");
  }
  if (profile.has("mfa_serial")) {
    profile.fail(
        "has mfa_serial, but nobody is there to type the code of an MFA device; use a "
        "role without it, or export a session's credentials (aws sts get-session-token)");
  }
}

class Planner {
 public:
  explicit Planner(const AwsConfigFiles& files) : files_(files) {}

  ProfilePlan run(const std::string& name) {
    std::string next = name;
    while (!next.empty()) next = visit(next);
    std::reverse(plan_.roles.begin(), plan_.roles.end());
    return std::move(plan_);
  }

 private:
  Profile find(const std::string& name) const {
    const auto found = files_.profiles.find(name);
    if (found != files_.profiles.end()) return Profile(files_, name, found->second);
    throw Error(ErrorCode::kUnauthenticated,
                "profile " + quoted(visited_.back()) + " in " + files_.places +
                    " has source_profile = " + base::printable(name) +
                    ", which is not there");
  }

  void require_new(const std::string& name) {
    const bool again =
        std::find(visited_.begin(), visited_.end(), name) != visited_.end();
    visited_.push_back(name);
    if (!again) return;
    std::string path;
    for (const std::string& step : visited_) {
      path.append(path.empty() ? "" : " -> ").append(base::printable(step));
    }
    throw Error(ErrorCode::kUnauthenticated,
                "the profiles in " + files_.places + " form a loop: " + path +
                    "; one of them needs credentials of its own");
  }

  // Returns the profile to go on with; "" = the base is found.
  std::string visit(const std::string& name) {
    const bool first = visited_.empty();
    const Profile profile = find(name);
    require_new(name);
    if (!first) {
      if (auto keys = static_keys(profile)) return end(profile, *std::move(keys));
    }
    if (auto identity = web_identity(profile)) return end(profile, *std::move(identity));
    if (profile.has("role_arn")) return add_role(profile);
    if (profile.has("credential_source"))
      profile.fail("has credential_source but no role_arn");
    return end_without_role(profile, first);
  }

  std::string add_role(const Profile& profile) {
    require_one_source(profile);
    plan_.roles.push_back({profile.name(), role_of(profile)});
    if (profile.has("credential_source")) return end(profile, named_source(profile));
    const std::string source = profile.get("source_profile");
    if (source != profile.name()) return source;
    auto keys = static_keys(profile);
    if (!keys) {
      profile.fail("is its own source_profile but has no aws_access_key_id");
    }
    return end(profile, *std::move(keys));
  }

  std::string end_without_role(const Profile& profile, bool first) {
    if (auto keys = static_keys(profile)) return end(profile, *std::move(keys));
    PlanBase base = fetched_base(profile);
    if (!first && std::holds_alternative<std::monostate>(base)) {
      profile.fail("is a source_profile but says nothing about credentials");
    }
    return end(profile, std::move(base));
  }

  std::string end(const Profile& profile, PlanBase base) {
    plan_.base = std::move(base);
    plan_.base_profile = profile.name();
    return {};
  }

  const AwsConfigFiles& files_;
  std::vector<std::string> visited_;
  ProfilePlan plan_;
};

}  // namespace

ProfilePlan plan_profile(const AwsConfigFiles& files, const std::string& name) {
  return Planner(files).run(name);
}

}  // namespace cloudsync::auth
