// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/profile_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "auth/auth_testing.h"
#include "auth/aws/aws_settings.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

AwsConfigFiles files_of(const std::string& config) {
  AwsConfigFiles files = parse_aws_config(config, "");
  files.places = "PLACES";
  return files;
}

std::string failure(const std::string& config, const std::string& name = "a") {
  const Error error = error_of([&] { plan_profile(files_of(config), name); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  return error.what();
}

// The plan in the words of the published tests.
json role_document(const AssumeRole& role) {
  json out = {{"role_arn", role.role_arn}};
  if (!role.external_id.empty()) out["external_id"] = role.external_id;
  if (!role.session_name.empty()) out["role_session_name"] = role.session_name;
  return out;
}

json base_document(const PlanBase& base) {
  if (const auto* keys = std::get_if<StaticKeys>(&base)) {
    return {{"AccessKey",
             {{"access_key_id", keys->access_key_id},
              {"secret_access_key", keys->secret_access_key}}}};
  }
  if (const auto* identity = std::get_if<WebIdentity>(&base)) {
    json out = {{"role_arn", identity->role.role_arn},
                {"web_identity_token_file", identity->token_file}};
    if (!identity->role.session_name.empty()) {
      out["role_session_name"] = identity->role.session_name;
    }
    return {{"WebIdentityToken", out}};
  }
  if (const auto* login = std::get_if<SsoLogin>(&base)) {
    return {{"Sso",
             {{"sso_account_id", login->account_id},
              {"sso_region", login->region},
              {"sso_role_name", login->role_name},
              {"sso_start_url", login->start_url}}}};
  }
  const auto* source = std::get_if<NamedSource>(&base);
  if (source != nullptr && *source == NamedSource::kEc2InstanceMetadata) {
    return {{"NamedSource", "Ec2InstanceMetadata"}};
  }
  return nullptr;
}

json plan_document(const ProfilePlan& plan) {
  json out = json::array({base_document(plan.base)});
  for (const RoleStep& step : plan.roles) {
    out.push_back({{"AssumeRole", role_document(step.role)}});
  }
  return out;
}

AwsConfigFiles vector_files(const json& input) {
  using Sections = std::map<std::string, ProfileProperties>;
  AwsConfigFiles files;
  files.profiles = input.at("profiles").get<Sections>();
  files.sso_sessions = input.value("sso_sessions", Sections());
  files.places = "PLACES";
  return files;
}

// What the published tests call an error or a plan and is another thing here.
const std::map<std::string, std::string> kElsewhere = {
    {"profile only contains configuration",
     "nothing here: the chain asks the next place"},
    {"missing root profile (should never happen in practice)",
     "the source looks before it plans"},
    {"SSO token profile selected", "a token without account and role signs nothing"},
};

void check_vector(const json& test) {
  const std::string name = test.at("docs");
  SCOPED_TRACE(name);
  if (kElsewhere.count(name) != 0) return;
  const json& input = test.at("input");
  const AwsConfigFiles files = vector_files(input);
  const std::string selected = input.at("selected_profile");
  if (test.at("output").contains("Error")) {
    EXPECT_EQ(error_of([&] { plan_profile(files, selected); }).code(),
              ErrorCode::kUnauthenticated);
    return;
  }
  json expected = test.at("output").at("ProfileChain");
  for (json& step : expected) {
    for (json& fields : step) {
      if (fields.is_object()) fields.erase("account_id");
    }
  }
  EXPECT_EQ(plan_document(plan_profile(files, selected)), expected);
}

TEST(ProfilePlanVectors, ChainsAreThoseOfTheSdks) {
  const char* root = std::getenv("CLOUDSYNC_VECTORS");
  std::ifstream file(std::string(root == nullptr ? "" : root) +
                     "/aws-config/test-data/assume-role-tests.json");
  if (!file) GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with the role tests";
  const json tests = json::parse(file);
  for (const json& test : tests) check_vector(test);
  EXPECT_GE(tests.size(), 28U);
}

TEST(ProfilePlan, ConfigurationAloneSaysNothing) {
  const auto plan = plan_profile(files_of("[profile a]\nregion = r\n"), "a");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(plan.base));
}

TEST(ProfilePlan, LoopNamesTheProfilesInOrder) {
  EXPECT_THAT(failure("[profile a]\nrole_arn=r\nsource_profile=b\n"
                      "[profile b]\nrole_arn=r\nsource_profile=c\n"
                      "[profile c]\nrole_arn=r\nsource_profile=b\n"),
              HasSubstr("in PLACES form a loop: a -> b -> c -> b;"));
}

TEST(ProfilePlan, SelfReferenceNeedsKeys) {
  EXPECT_THAT(failure("[profile a]\nrole_arn=r\nsource_profile=a\n"),
              HasSubstr("its own source_profile but has no aws_access_key_id"));
}

TEST(ProfilePlan, MissingSourceNamesBothProfiles) {
  EXPECT_THAT(failure("[profile a]\nrole_arn=r\nsource_profile=b\n"),
              HasSubstr("profile \"a\" in PLACES has source_profile = b, which is not"));
}

TEST(ProfilePlan, EveryPropertyOfTheRoleIsTaken) {
  const auto plan =
      plan_profile(files_of("[profile a]\nrole_arn=r\nsource_profile=b\nexternal_id=e\n"
                            "role_session_name=n\nduration_seconds=900\n"
                            "[profile b]\naws_access_key_id=k\naws_secret_access_key=s\n"
                            "aws_session_token=t\n"),
                   "a");
  ASSERT_EQ(plan.roles.size(), 1U);
  EXPECT_EQ(plan.roles[0].role.external_id, "e");
  EXPECT_EQ(plan.roles[0].role.session_name, "n");
  EXPECT_EQ(plan.roles[0].role.duration_seconds, 900);
  EXPECT_EQ(std::get<StaticKeys>(plan.base).session_token, "t");
  EXPECT_EQ(plan.base_profile, "b");
}

TEST(ProfilePlan, DurationIsANumberThatStsAccepts) {
  for (const std::string value : {"899", "43201", "1h", "99999999999999999999", "-900"}) {
    EXPECT_THAT(failure("[profile a]\nrole_arn=r\ncredential_source=Environment\n"
                        "duration_seconds=" +
                        value + "\n"),
                HasSubstr("from 900 to 43200"));
  }
}

TEST(ProfilePlan, DeviceCodesAndBrowserLoginsAreRefused) {
  EXPECT_THAT(failure("[profile a]\nrole_arn=r\nsource_profile=b\nmfa_serial=m\n"
                      "[profile b]\naws_access_key_id=k\naws_secret_access_key=s\n"),
              AllOf(HasSubstr("mfa_serial"), HasSubstr("get-session-token")));
  EXPECT_THAT(failure("[profile a]\nlogin_session = arn\n"),
              AllOf(HasSubstr("login_session"),
                    HasSubstr("export-credentials --profile a --format env")));
}

TEST(ProfilePlan, UnknownAndUselessCredentialSourcesAreNamed) {
  EXPECT_THAT(failure("[profile a]\nrole_arn=r\ncredential_source=Magic\n"),
              AllOf(HasSubstr("Magic"), HasSubstr("EcsContainer")));
  EXPECT_THAT(failure("[profile a]\ncredential_source=Environment\n"),
              HasSubstr("credential_source but no role_arn"));
}

TEST(ProfilePlan, SsoSessionsAreJoinedToTheProfile) {
  const std::string session = "[sso-session s]\nsso_region=eu-west-1\nsso_start_url=u\n";
  const auto plan = plan_profile(
      files_of("[profile a]\nsso_session=s\nsso_account_id=1\nsso_role_name=n\n" +
               session),
      "a");
  const auto& login = std::get<SsoLogin>(plan.base);
  EXPECT_EQ(login.session, "s");
  EXPECT_EQ(login.region, "eu-west-1");
  EXPECT_EQ(login.start_url, "u");
  EXPECT_THAT(failure("[profile a]\nsso_session=s\n" + session),
              HasSubstr("no sso_account_id"));
  EXPECT_THAT(failure("[profile a]\nsso_session=s\nsso_region=other\n" + session),
              HasSubstr("disagree about sso_region"));
}

TEST(ProfilePlan, KeysBesideALoginAreTheSameIdentityForOtherTools) {
  const auto plan =
      plan_profile(files_of("[profile a]\nsso_session=s\naws_access_key_id=k\n"
                            "aws_secret_access_key=x\n"),
                   "a");
  EXPECT_EQ(std::get<StaticKeys>(plan.base).access_key_id, "k");
}

}  // namespace
}  // namespace cloudsync::auth
