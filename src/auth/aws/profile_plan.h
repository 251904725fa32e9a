// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "auth/aws/aws_profile.h"
#include "auth/aws/sts_requests.h"

namespace cloudsync::auth {

struct StaticKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // "" = none
};

struct WebIdentity {
  AssumeRole role;
  std::string token_file;
};

struct SsoLogin {
  std::string session;  // "" = the legacy form, all of it in the profile
  std::string start_url;
  std::string region;
  std::string account_id;
  std::string role_name;
};

struct ProcessCommand {
  std::string line;
};

enum class NamedSource { kEnvironment, kEcsContainer, kEc2InstanceMetadata };

// Nothing = the profile says nothing about credentials.
using PlanBase = std::variant<std::monostate, StaticKeys, WebIdentity, SsoLogin,
                              ProcessCommand, NamedSource>;

struct RoleStep {
  std::string profile;  // that asks for it
  AssumeRole role;
};

// Where a profile's credentials begin and which roles are assumed from there, in order.
struct ProfilePlan {
  PlanBase base;
  std::string base_profile;
  std::vector<RoleStep> roles;
};

// Follows source_profile from `name`, which must exist. A role wins over static keys
// beside it in the first profile; in a source profile the keys win; keys win over a login
// or a program beside them, since they lead to the same identity. Pure. Throws
// Error{kUnauthenticated} naming the profile and the property for everything that is
// incomplete, contradictory, circular or needs a person (mfa_serial, login_session).
ProfilePlan plan_profile(const AwsConfigFiles& files, const std::string& name);

}  // namespace cloudsync::auth
