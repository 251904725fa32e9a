// SPDX-License-Identifier: Apache-2.0
// Tokens of an application: by its secret, its certificate or a federated token.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/auth_testing.h"
#include "auth/azure/certificate_testing.h"
#include "auth/azure/entra_chain.h"
#include "auth/azure/entra_world_testing.h"
#include "base/log.h"
#include "base/test_directory.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const AzureCredentialOptions kApplication = {
    .tenant_id = kTenantId, .client_id = kClientId, .client_secret = "the-Secret~1"};

BearerToken load(TestWorld& world, const AzureCredentialOptions& options = {}) {
  return make_entra_loader(options, world.world())({});
}

TEST(ClientSecret, IsSentToTheTenantsTokenEndpoint) {
  TestWorld world;
  answer_all(world, [](const auto& request, const std::string& body) {
    const Fields form = fields_of(body);
    check_token_request(request, form);
    EXPECT_EQ(form.at("client_secret"), "the-Secret~1");
    EXPECT_EQ(form.size(), 4U);
    return token_reply("token-by-secret");
  });
  const BearerToken token = load(world, kApplication);
  EXPECT_EQ(token.value, "token-by-secret");
  EXPECT_EQ(token.expires_ns, SettableClock::kStart + 3599 * SettableClock::kSecond);
  EXPECT_THAT(token.origin, AllOf(HasSubstr(kClientId),
                                  HasSubstr("storage.credentials.client_secret")));
}

TEST(ClientSecret, ComesFromTheEnvironmentToo) {
  TestWorld world;
  world.set_application("AZURE_CLIENT_SECRET", "from-environment");
  world.variables["AZURE_CLIENT_CERTIFICATE_PATH"] = "/not/used.pem";
  answer_all(world, [](const auto& request, const std::string& body) {
    const Fields form = fields_of(body);
    check_token_request(request, form);
    EXPECT_EQ(form.at("client_secret"), "from-environment");
    return token_reply("t-environment");
  });
  EXPECT_EQ(load(world).value, "t-environment");
}

TEST(ClientSecret, TheAuthorityMayBeAnotherCloud) {
  for (const char* host :
       {"login.microsoftonline.us", "https://login.microsoftonline.us/",
        "https://login.microsoftonline.us"}) {
    TestWorld world;
    world.variables["AZURE_AUTHORITY_HOST"] = host;
    answer_all(world, [](const auto& request, const std::string&) {
      EXPECT_EQ(request.url, std::string("https://login.microsoftonline.us/") +
                                 kTenantId + "/oauth2/v2.0/token");
      return token_reply("t-government");
    });
    load(world, kApplication);
  }
}

TEST(ClientSecret, IsNeverSentInTheClear) {
  TestWorld world;
  world.variables["AZURE_AUTHORITY_HOST"] = "http://login.example";
  EXPECT_EQ(error_of([&] { load(world, kApplication); }).code(),
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(world.transport->requests().empty());
}

TEST(ClientSecret, HalfAnApplicationIsAnErrorThatNamesTheOther) {
  const auto missing = [](const AzureCredentialOptions& options) {
    TestWorld world;
    const Error error = error_of([&] { make_entra_loader(options, world.world()); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return std::string(error.what());
  };
  EXPECT_THAT(missing({.client_id = "c", .client_secret = "s"}),
              HasSubstr("no tenant_id"));
  EXPECT_THAT(missing({.tenant_id = "t", .client_secret = "s"}),
              HasSubstr("no client_id"));
  EXPECT_THAT(missing({.client_secret = "s"}), HasSubstr("no tenant_id"));
  EXPECT_THAT(missing({.tenant_id = "t"}), HasSubstr("no client_id"));
}

TEST(ClientSecret, ATenantThatCannotBeOneIsNotSent) {
  TestWorld world;
  AzureCredentialOptions options = kApplication;
  options.tenant_id = "../common";
  const Error error = error_of([&] { load(world, options); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("storage.credentials.tenant_id"));
}

struct Refusal {
  int status;
  const char* error;
  const char* words;
  const char* advice;
  const char* where;
};

class EntraRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(EntraRefusal, SaysTheServicesWordsAndWhatToCheck) {
  const Refusal& c = GetParam();
  TestWorld world;
  answer_all(world, [&](const auto&, const auto&) {
    return aadsts_reply(c.status, c.error, c.words);
  });
  const Error error = error_of([&] { load(world, kApplication); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_EQ(error.detail().http_status, c.status);
  EXPECT_EQ(error.detail().request_id, "1-2-3");
  const std::string words = c.words;
  EXPECT_EQ(error.detail().provider_code, words.substr(0, words.find(':')));
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr(c.error), HasSubstr(c.words), HasSubstr(c.advice),
                    HasSubstr(c.where), Not(HasSubstr("the-Secret~1")),
                    Not(HasSubstr("Trace ID"))));
}

INSTANTIATE_TEST_SUITE_P(
    Codes, EntraRefusal,
    ::testing::Values(
        Refusal{400, "invalid_request", "AADSTS90002: Tenant 'x' not found.",
                "no such tenant", "storage.credentials.tenant_id"},
        Refusal{400, "invalid_request", "AADSTS900023: Specified tenant identifier",
                "neither a tenant's ID", "storage.credentials.tenant_id"},
        Refusal{401, "invalid_client", "AADSTS7000215: Invalid client secret provided.",
                "not its Secret ID", "storage.credentials.client_secret"},
        Refusal{401, "invalid_client", "AADSTS7000222: The provided keys are expired.",
                "the secret has expired", "storage.credentials.client_secret"},
        Refusal{400, "unauthorized_client", "AADSTS700016: Application not found.",
                "no such application", "storage.credentials.client_id"},
        Refusal{400, "invalid_client", "AADSTS999999: Something new.",
                "storage.credentials.client_id", "storage.credentials.client_secret"}));

TEST(EntraErrors, WhatMayPassIsRetryable) {
  for (const int status : {429, 503}) {
    TestWorld world;
    answer_all(world, [&](const auto&, const auto&) {
      return aadsts_reply(status, "temporarily_unavailable", "AADSTS90033: transient");
    });
    const Error error = error_of([&] { load(world, kApplication); });
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << status;
  }
  TestWorld world;
  answer_all(world, [](const auto&, const auto&) {
    return aadsts_reply(400, "temporarily_unavailable", "AADSTS90033: transient");
  });
  EXPECT_TRUE(error_of([&] { load(world, kApplication); }).retryable());
}

TEST(EntraErrors, AnAnswerThatIsNotEntrasIsSaidToBeSo) {
  TestWorld world;
  answer_all(world, [](const auto&, const auto&) {
    return http::scripted_response(403, {}, "<html>proxy</html>");
  });
  const Error error = error_of([&] { load(world, kApplication); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("HTTP 403"), HasSubstr("login.microsoft")));
}

TEST(ClientCertificate, SignsAnAssertionForTheEndpoint) {
  const TestCertificate certificate;
  const base::TestDirectory folder;
  folder.write("cert.pem", certificate.key_pem("pass") + certificate.certificate_pem());
  TestWorld world;
  world.set_application("AZURE_CLIENT_CERTIFICATE_PATH", folder / "cert.pem");
  world.variables["AZURE_CLIENT_CERTIFICATE_PASSWORD"] = "pass";
  std::string assertion;
  answer_all(world, [&](const auto& request, const std::string& body) {
    const Fields form = fields_of(body);
    check_token_request(request, form);
    EXPECT_EQ(form.at("client_assertion_type"),
              "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assertion = form.at("client_assertion");
    return token_reply("t-certificate");
  });
  const BearerToken token = load(world);
  EXPECT_EQ(token.value, "t-certificate");
  EXPECT_THAT(token.origin, HasSubstr("cert.pem"));
  EXPECT_EQ(std::count(assertion.begin(), assertion.end(), '.'), 2);
  EXPECT_THAT(base::redacted(assertion), Not(HasSubstr(assertion)));
}

TEST(ClientCertificate, AMissingFileEndsTheSearch) {
  TestWorld world;
  world.set_application("AZURE_CLIENT_CERTIFICATE_PATH", "/no/such/cert.pem");
  const Error error = error_of([&] { load(world); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("/no/such/cert.pem"));
}

TEST(WorkloadIdentity, SendsTheFilesContentAndReadsItEachTime) {
  const base::TestDirectory folder;
  folder.write("token", "federated-1\n");
  TestWorld world;
  world.set_application("AZURE_FEDERATED_TOKEN_FILE", folder / "token");
  std::vector<std::string> sent;
  answer_all(world, [&](const auto& request, const std::string& body) {
    const Fields form = fields_of(body);
    check_token_request(request, form);
    EXPECT_EQ(form.at("client_assertion_type"),
              "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    sent.push_back(form.at("client_assertion"));
    return token_reply("t-workload");
  });
  const auto loader = make_entra_loader({}, world.world());
  EXPECT_EQ(loader({}).value, "t-workload");
  folder.write("token", "federated-2\n");
  loader({});
  EXPECT_EQ(sent, (std::vector<std::string>{"federated-1", "federated-2"}));
}

TEST(WorkloadIdentity, TheConfigurationsIdsComeBeforeTheVariables) {
  const base::TestDirectory folder;
  folder.write("token", "federated-3");
  TestWorld world;
  world.set_application("AZURE_FEDERATED_TOKEN_FILE", folder / "token");
  world.variables["AZURE_CLIENT_ID"] = "another-application";
  world.variables["AZURE_CLIENT_SECRET"] = "of-another-application";
  answer_all(world, [&](const auto& request, const std::string& body) {
    const Fields form = fields_of(body);
    check_token_request(request, form);
    EXPECT_FALSE(form.contains("client_secret"));
    return token_reply("t-configured");
  });
  EXPECT_EQ(load(world, {.tenant_id = kTenantId, .client_id = kClientId}).value,
            "t-configured");
}

TEST(WorkloadIdentity, AFileThatCannotBeReadEndsTheSearch) {
  const base::TestDirectory folder;
  folder.write("empty", " \n");
  folder.write("long", std::string(70000, 'x'));
  for (const std::string& path :
       {folder / "none", folder / "empty", folder / "long", folder.path()}) {
    TestWorld world;
    world.set_application("AZURE_FEDERATED_TOKEN_FILE", path);
    const Error error = error_of([&] { load(world); });
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated) << path;
    EXPECT_THAT(error.what(), HasSubstr(path));
    EXPECT_TRUE(world.transport->requests().empty());
  }
}

TEST(WorkloadIdentity, ARefusalNamesTheFederatedCredential) {
  const base::TestDirectory folder;
  folder.write("token", "federated-secret-4");
  TestWorld world;
  world.set_application("AZURE_FEDERATED_TOKEN_FILE", folder / "token");
  answer_all(world, [](const auto&, const auto&) {
    return aadsts_reply(400, "invalid_request",
                        "AADSTS700213: No matching federated identity record found");
  });
  const Error error = error_of([&] { load(world); });
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("Federated credentials"), HasSubstr(folder / "token"),
                    Not(HasSubstr("federated-secret-4"))));
}

}  // namespace
}  // namespace cloudsync::auth
