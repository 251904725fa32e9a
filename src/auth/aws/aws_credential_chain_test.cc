// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/aws_credential_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/aws/aws_world_testing.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kStaticKeys[] =
    "aws_access_key_id = file_key\naws_secret_access_key = file_secret\n";
const Variables kEnvironmentKeys = {{"AWS_ACCESS_KEY_ID", "env_key"},
                                    {"AWS_SECRET_ACCESS_KEY", "env_secret"}};

// Nobody answers on this machine's network.
class CredentialChainTest : public ::testing::Test {
 protected:
  CredentialChainTest() {
    for (int i = 0; i < 4; ++i) world_.silence();
  }
  AwsCredentials find(const AwsCredentialOptions& options, const Variables& variables) {
    return world_.find(variables, options);
  }
  Error failure(const AwsCredentialOptions& options, const Variables& variables) {
    return world_.failure(variables, options);
  }
  static AwsCredentialOptions with_profile(const std::string& name) {
    AwsCredentialOptions options;
    options.profile = name;
    return options;
  }
  std::string places() const {
    return world_.path(".aws/credentials") + " and " + world_.path(".aws/config");
  }

  TestWorld world_;
};

TEST_F(CredentialChainTest, ConfigurationKeysComeFirst) {
  AwsCredentialOptions options;
  options.access_key_id = "k";
  options.secret_access_key = "s";
  options.session_token = "t";
  const auto found = find(options, kEnvironmentKeys);
  EXPECT_EQ(found.access_key_id, "k");
  EXPECT_EQ(found.session_token, "t");
  EXPECT_EQ(found.origin, "configuration");
}

TEST_F(CredentialChainTest, HalfAConfigurationKeyPairIsRefused) {
  AwsCredentialOptions options;
  options.access_key_id = "k";
  EXPECT_EQ(failure(options, kEnvironmentKeys).code(), ErrorCode::kInvalidArgument);
}

TEST_F(CredentialChainTest, EnvironmentWinsOverTheDefaultProfile) {
  world_.write(".aws/credentials", std::string("[default]\n") + kStaticKeys);
  Variables variables = kEnvironmentKeys;
  variables["AWS_SECURITY_TOKEN"] = "old";
  EXPECT_EQ(find({}, variables).session_token, "old");
  variables["AWS_SESSION_TOKEN"] = "new";
  const auto found = find({}, variables);
  EXPECT_EQ(found.access_key_id, "env_key");
  EXPECT_EQ(found.session_token, "new");
}

TEST_F(CredentialChainTest, ExplicitProfileSkipsTheEnvironment) {
  world_.write(".aws/config", std::string("[profile p]\n") + kStaticKeys);
  const auto found = find(with_profile("p"), kEnvironmentKeys);
  EXPECT_EQ(found.access_key_id, "file_key");
  EXPECT_THAT(found.origin, AllOf(HasSubstr("profile \"p\""), HasSubstr(places())));
}

TEST_F(CredentialChainTest, BlankVariablesCountAsUnset) {
  world_.write(".aws/config",
               "[default]\naws_access_key_id = wrong\n"
               "aws_secret_access_key = wrong\n[profile p]\n" +
                   std::string(kStaticKeys));
  const auto found = find(
      {},
      {{"AWS_ACCESS_KEY_ID", " "}, {"AWS_SECRET_ACCESS_KEY", ""}, {"AWS_PROFILE", "p"}});
  EXPECT_EQ(found.access_key_id, "file_key");
}

TEST_F(CredentialChainTest, ProfilePropertyNamesIgnoreCaseAndTokensAreRead) {
  world_.write(".aws/credentials",
               "[default]\nAWS_ACCESS_KEY_ID = a\nAws_Secret_Access_Key = b\n"
               "aws_session_token = c\n");
  const auto found = find({}, {});
  EXPECT_EQ(found.access_key_id, "a");
  EXPECT_EQ(found.secret_access_key, "b");
  EXPECT_EQ(found.session_token, "c");
}

TEST_F(CredentialChainTest, HalfAnEnvironmentKeyPairNamesTheMissingVariable) {
  const Error error = failure({}, {{"AWS_ACCESS_KEY_ID", "k"}});
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("not AWS_SECRET_ACCESS_KEY"));
}

TEST_F(CredentialChainTest, HalfAProfileKeyPairNamesTheMissingProperty) {
  world_.write(".aws/credentials", "[default]\naws_secret_access_key = s3cr3t\n");
  const Error error = failure({}, {});
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("no aws_access_key_id"), Not(HasSubstr("s3cr3t"))));
}

TEST_F(CredentialChainTest, NothingFoundNamesEveryPlaceSearched) {
  const Error error = failure({}, {});
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("aws_access_key_id in the configuration"),
                    HasSubstr("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the env"),
                    HasSubstr("profile \"default\" in " + places()),
                    HasSubstr("AWS_WEB_IDENTITY_TOKEN_FILE"),
                    HasSubstr("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
                    HasSubstr("instance metadata"), HasSubstr("anonymous")));
}

TEST_F(CredentialChainTest, MissingNamedProfileIsAnErrorAndNotAnotherIdentity) {
  world_.write(".aws/credentials", std::string("[default]\n") + kStaticKeys);
  for (const Error& error :
       {failure(with_profile("gone"), {}), failure({}, {{"AWS_PROFILE", "gone"}})}) {
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(), HasSubstr("profile \"gone\" is not in " + places()));
  }
}

TEST_F(CredentialChainTest, RoleWinsOverStaticKeysBesideIt) {
  world_.write(".aws/config", std::string("[default]\nrole_arn = r\n") + kStaticKeys);
  EXPECT_THAT(failure({}, {}).what(), HasSubstr("role_arn"));
}

TEST_F(CredentialChainTest, ProfileWithoutCredentialsIsNoReasonToStop) {
  world_.write(".aws/config", "[profile p]\nregion = r\n");
  EXPECT_THAT(failure(with_profile("p"), {}).what(),
              AllOf(HasSubstr("no AWS credentials were found"),
                    HasSubstr("instance metadata service (no answer: connection")));
}

TEST_F(CredentialChainTest, DefaultProfilesProgramComesAfterTheWebIdentityOfThePod) {
  world_.write(".aws/config", "[default]\ncredential_process = false\n");
  const Variables pod = {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"},
                         {"AWS_ROLE_ARN", "r"}};
  EXPECT_THAT(failure({}, pod).what(), HasSubstr("web identity token"));
  EXPECT_THAT(failure({}, {}).what(), HasSubstr("credential_process"));
  EXPECT_THAT(failure(with_profile("default"), pod).what(),
              HasSubstr("credential_process"));
}

TEST_F(CredentialChainTest, StaticKeysBesideSsoAreUsed) {
  world_.write(".aws/config", "[default]\nsso_session = s\n");
  world_.write(".aws/credentials", std::string("[default]\n") + kStaticKeys);
  EXPECT_EQ(find({}, {}).access_key_id, "file_key");
}

TEST_F(CredentialChainTest, AnonymousSendsUnsigned) {
  AwsCredentialOptions options;
  options.anonymous = true;
  auto chain = world_.chain(kEnvironmentKeys, options);
  EXPECT_EQ(chain->credentials({}), std::nullopt);
}

TEST_F(CredentialChainTest, RefusedCredentialsAreReadAgain) {
  world_.write(".aws/credentials", std::string("[default]\n") + kStaticKeys);
  auto chain = world_.chain();
  const auto first = chain->credentials({}).value();
  world_.write(".aws/credentials",
               "[default]\naws_access_key_id = n\naws_secret_access_key = m\n");
  EXPECT_EQ(chain->credentials({})->access_key_id, "file_key");
  chain->invalidate(first);
  EXPECT_EQ(chain->credentials({})->access_key_id, "n");
  chain->invalidate(first);
  world_.write(".aws/credentials", "");
  EXPECT_EQ(chain->credentials({})->access_key_id, "n")
      << "a late refusal of old credentials must not drop the new ones";
}

TEST_F(CredentialChainTest, ExpiredEnvironmentCredentialsSaySo) {
  Variables variables = kEnvironmentKeys;
  variables["AWS_CREDENTIAL_EXPIRATION"] = "2001-02-03T04:05:06Z";
  const Error error = failure({}, variables);
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("expired at 2001-02-03T04:05:06Z"));
  variables["AWS_CREDENTIAL_EXPIRATION"] = "2201-02-03T04:05:06Z";
  EXPECT_TRUE(find({}, variables).expires_ns.has_value());
  variables["AWS_CREDENTIAL_EXPIRATION"] = "tomorrow";
  EXPECT_THAT(failure({}, variables).what(), HasSubstr("tomorrow"));
}

TEST_F(CredentialChainTest, SecretsAreRedactedFromThenOn) {
  find({}, {{"AWS_ACCESS_KEY_ID", "visible_key"},
            {"AWS_SECRET_ACCESS_KEY", "hidden_secret"},
            {"AWS_SESSION_TOKEN", "hidden_token"}});
  EXPECT_EQ(base::redacted("visible_key hidden_secret hidden_token"),
            "visible_key *** ***");
}

TEST(AwsCredentialChain, TheFirstPlaceStaysThePlace) {
  TestWorld world;
  world.write_config(
      "[default]\naws_access_key_id = AKIAMINE\naws_secret_access_key = my_secret\n");
  const auto chain = world.chain({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/other"}});
  const AwsCredentials first = chain->credentials({}).value();
  EXPECT_EQ(first.access_key_id, "AKIAMINE");
  // As another tool leaves it while it writes.
  world.write_config("");
  chain->invalidate(first);
  const Error error = error_of([&] { chain->credentials({}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("profile \"default\""), HasSubstr("none any more")));
  EXPECT_TRUE(world.requests().empty()) << "the container is somebody else";
}

TEST(AwsCredentialChain, ManyRefusalsOfKeysThatStayTheSameReadThemOnce) {
  TestWorld world;
  const std::string answer = metadata_answer("2027-01-01T00:00:00Z");
  world.answer(200, answer).answer(200, answer);
  const auto chain = world.chain({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}});
  const AwsCredentials keys = chain->credentials({}).value();
  for (int i = 0; i < 16; ++i) {
    chain->invalidate(keys);
    EXPECT_EQ(chain->credentials({}), keys);
  }
  EXPECT_EQ(world.requests().size(), 2U);
}

}  // namespace
}  // namespace cloudsync::auth
