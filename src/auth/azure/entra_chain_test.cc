// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/entra_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/auth_testing.h"
#include "auth/azure/entra_world_testing.h"
#include "base/test_directory.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

BearerToken load(TestWorld& world, const AzureCredentialOptions& options = {}) {
  return make_entra_loader(options, world.world())({});
}

void let_az_answer(TestWorld& world, const std::string& token) {
  world.run_program = [token](const base::Subprocess&, const CallContext&) {
    return base::SubprocessResult{0, R"({"accessToken":")" + token + R"("})", ""};
  };
}

// A machine with everything: every place would answer with its own name.
void make_rich(TestWorld& world, const base::TestDirectory& folder) {
  folder.write("token", "federated");
  world.set_application("AZURE_CLIENT_SECRET", "s-environment");
  world.variables["AZURE_FEDERATED_TOKEN_FILE"] = folder / "token";
  let_az_answer(world, "t-cli");
  answer_all(world, [](const http::HttpRequest& request, const std::string& body) {
    if (request.method == "GET") return token_reply("t-managed");
    return token_reply(fields_of(body).contains("client_secret") ? "t-environment"
                                                                 : "t-workload");
  });
}

TEST(EntraChain, AsksInTheOrderOfTheSdks) {
  const base::TestDirectory folder;
  TestWorld world;
  make_rich(world, folder);
  EXPECT_EQ(load(world).value, "t-environment");
  world.variables.erase("AZURE_CLIENT_SECRET");
  EXPECT_EQ(load(world).value, "t-workload");
  world.variables.erase("AZURE_FEDERATED_TOKEN_FILE");
  EXPECT_EQ(load(world).value, "t-managed");
  answer_all(world, [](const auto&, const auto&) { return no_route(); });
  EXPECT_EQ(load(world).value, "t-cli");
}

TEST(EntraChain, AConfiguredApplicationIsTheOnlyPlace) {
  const base::TestDirectory folder;
  TestWorld world;
  make_rich(world, folder);
  answer_all(world, [](const http::HttpRequest& request, const std::string& body) {
    EXPECT_EQ(fields_of(body).at("client_secret"), "configured");
    EXPECT_THAT(request.url, HasSubstr("my-tenant"));
    return aadsts_reply(401, "invalid_client", "AADSTS7000215: no");
  });
  const AzureCredentialOptions options = {
      .tenant_id = "my-tenant", .client_id = "c", .client_secret = "configured"};
  EXPECT_EQ(error_of([&] { load(world, options); }).code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(world.transport->requests().size(), 1U);
}

TEST(EntraChain, IsNarrowedByTheVariable) {
  const base::TestDirectory folder;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"EnvironmentCredential", "t-environment"},
      {"workloadidentitycredential", "t-workload"},
      {"ManagedIdentityCredential", "t-managed"},
      {"AzureCliCredential", "t-cli"},
      {" prod ", "t-environment"},
      {"DEV", "t-cli"}};
  for (const auto& [narrowing, expected] : cases) {
    TestWorld world;
    make_rich(world, folder);
    world.variables["AZURE_TOKEN_CREDENTIALS"] = narrowing;
    EXPECT_EQ(load(world).value, expected) << narrowing;
  }
}

TEST(EntraChain, ProdLeavesThePeopleOut) {
  TestWorld world;
  world.variables["AZURE_TOKEN_CREDENTIALS"] = "prod";
  let_az_answer(world, "t-cli");
  answer_all(world, [](const auto&, const auto&) { return no_route(); });
  const Error error = error_of([&] { load(world); });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("AZURE_TOKEN_CREDENTIALS=prod"),
                                  Not(HasSubstr("Azure CLI:"))));
}

TEST(EntraChain, AnUnknownNarrowingIsAnError) {
  TestWorld world;
  world.variables["AZURE_TOKEN_CREDENTIALS"] = "VisualStudioCredential";
  const Error error = error_of([&] { load(world); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("AzureCliCredential"));
}

TEST(EntraChain, NamesEveryPlaceSearched) {
  TestWorld world;
  answer_all(world, [](const auto&, const auto&) { return no_route(); });
  const Error error = error_of([&] { load(world); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("storage.credentials"),
                    HasSubstr("AZURE_STORAGE_CONNECTION_STRING"),
                    HasSubstr("environment: AZURE_TENANT_ID is not set"),
                    HasSubstr("workload identity: AZURE_FEDERATED_TOKEN_FILE is not set"),
                    HasSubstr("managed identity: no metadata service answers at "
                              "http://169.254.169.254"),
                    HasSubstr("Azure CLI: az is not in PATH"), HasSubstr("az login"),
                    Not(HasSubstr("\n"))));
}

TEST(EntraChain, SaysWhichHalfOfTheEnvironmentIsMissing) {
  TestWorld world;
  answer_all(world, [](const auto&, const auto&) { return no_route(); });
  world.variables["AZURE_TENANT_ID"] = kTenantId;
  EXPECT_THAT(error_of([&] { load(world); }).what(),
              HasSubstr("AZURE_CLIENT_ID is not set"));
  world.variables["AZURE_CLIENT_ID"] = kClientId;
  EXPECT_THAT(error_of([&] { load(world); }).what(),
              HasSubstr("neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH"));
}

TEST(EntraChain, APlaceThatIsSetUpAndRefusesEndsTheSearch) {
  const base::TestDirectory folder;
  TestWorld world;
  make_rich(world, folder);
  answer_all(world, [](const auto&, const auto&) {
    return aadsts_reply(401, "invalid_client", "AADSTS7000222: expired");
  });
  const Error error = error_of([&] { load(world); });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("AADSTS7000222"),
                                  HasSubstr("environment variable AZURE_CLIENT_SECRET")));
  EXPECT_EQ(world.transport->requests().size(), 1U);
}

TEST(EntraChain, APlaceThatCannotBeReachedNowEndsTheSearchToo) {
  const base::TestDirectory folder;
  TestWorld world;
  make_rich(world, folder);
  answer_all(world, [](const auto&, const auto&) { return no_route(); });
  const Error error = error_of([&] { load(world); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.retryable());
}

TEST(EntraChain, WhatGaveTheFirstTokenGivesAllOthers) {
  TestWorld world;
  let_az_answer(world, "t-cli");
  bool joined = false;
  answer_all(world, [&](const auto&, const auto&) {
    return joined ? token_reply("t-managed") : no_route();
  });
  const auto loader = make_entra_loader({}, world.world());
  EXPECT_EQ(loader({}).value, "t-cli");
  joined = true;
  EXPECT_EQ(loader({}).value, "t-cli");
}

TEST(EntraChain, AClientIdAloneIsAManagedIdentitys) {
  TestWorld world;
  world.variables["AZURE_CLIENT_ID"] = "of-the-variable";
  answer_all(world, [](const http::HttpRequest& request, const auto&) {
    EXPECT_EQ(query_of(request.url).at("client_id"), "of-the-configuration");
    return token_reply("t-user-assigned");
  });
  EXPECT_EQ(load(world, {.client_id = "of-the-configuration"}).value, "t-user-assigned");
}

}  // namespace
}  // namespace cloudsync::auth
