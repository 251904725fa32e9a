// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/azure_account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "auth/auth_testing.h"
#include "base/log.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

AzureAccount parse(const std::string& text) {
  return parse_connection_string(text, "the test");
}

Error refusal_of(const std::string& text) {
  const Error error = error_of([&] { parse(text); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << text;
  EXPECT_THAT(error.what(), HasSubstr("the test"));
  return error;
}

TEST(ConnectionString, NamesMayBeInAnyCaseAndPartsInAnyOrder) {
  const auto account = parse(
      " accountkey = a2V5a2V5= ;;ACCOUNTNAME=me;endpointsuffix=x.example;"
      "DefaultEndpointsProtocol=HTTP; ");
  EXPECT_EQ(account.name, "me");
  EXPECT_EQ(account.account_key, "a2V5a2V5=");
  EXPECT_EQ(account.blob_endpoint, "http://me.blob.x.example");
  EXPECT_EQ(account.origin, "the test");
}

TEST(ConnectionString, AnExplicitEndpointWins) {
  const auto account = parse(
      "AccountName=me;AccountKey=a2V5;EndpointSuffix=x.example;"
      "BlobEndpoint=https://blobs.mine.example/;QueueEndpoint=https://q.example");
  EXPECT_EQ(account.blob_endpoint, "https://blobs.mine.example");
  EXPECT_EQ(account.name, "me");
}

TEST(ConnectionString, TheAccountIsFoundInTheEndpointOfASas) {
  const std::string sas = ";SharedAccessSignature=?sv=1&sig=abcd%3D";
  const auto cloud = parse("BlobEndpoint=https://me.blob.core.windows.net" + sas);
  EXPECT_EQ(cloud.name, "me");
  EXPECT_EQ(cloud.sas_token, "sv=1&sig=abcd%3D");
  EXPECT_EQ(parse("BlobEndpoint=http://127.0.0.1:10000/me/" + sas).name, "me");
  EXPECT_EQ(parse("BlobEndpoint=https://blobs.mine.example" + sas).name, "");
}

TEST(ConnectionString, TheDevelopmentStorageMayBeElsewhere) {
  EXPECT_EQ(parse("UseDevelopmentStorage=TRUE").blob_endpoint,
            "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_EQ(
      parse("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://box:1234/")
          .blob_endpoint,
      "http://box:10000/devstoreaccount1");
  refusal_of("UseDevelopmentStorage=false");
  refusal_of("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=box");
}

TEST(ConnectionString, SaysWhichPartIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "is empty"},
      {" ; ; ", "is empty"},
      {"AccountName=me;nonsense", "part number 2"},
      {"AccountName=me;AcountKey=a2V5", "\"AcountKey\""},
      {"AccountName=me;AccountKey=a;accountkey=b", "\"accountkey\" twice"},
      {"AccountKey=a2V5", "neither AccountName nor BlobEndpoint"},
      {"AccountKey=a2V5;BlobEndpoint=https://me.blob.core.windows.net", "no AccountName"},
      {"AccountName=me;AccountKey=a2V5;DefaultEndpointsProtocol=ftp",
       "DefaultEndpointsProtocol"},
      {"AccountName=me;BlobEndpoint=me.blob.core.windows.net", "BlobEndpoint"},
      {"AccountName=me;BlobEndpoint=https://", "BlobEndpoint"},
      {"AccountName=me;BlobEndpoint=https://u:p@h/", "BlobEndpoint"},
      {"AccountName=me;BlobEndpoint=https://h/?sv=1", "SharedAccessSignature"},
      {"AccountName=me;EndpointSuffix=a/b", "EndpointSuffix"},
      {"AccountName=me@evil.example/;AccountKey=a2V5", "AccountName"}};
  for (const auto& [text, words] : cases) {
    EXPECT_THAT(refusal_of(text).what(), HasSubstr(words)) << text;
  }
}

TEST(ConnectionString, NeverShowsAKeyThatWasPastedAlone) {
  const std::string key =
      "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZg==";
  EXPECT_THAT(refusal_of(key).what(),
              AllOf(Not(HasSubstr("Zm9v")), HasSubstr("number 1")));
  EXPECT_THAT(refusal_of("AccountKey=" + key + ";AccountName=a b").what(),
              Not(HasSubstr("Zm9v")));
}

TEST(ConnectionString, SecretsAreKeptOutOfLogs) {
  parse("AccountName=me;AccountKey=a2V5LW51bWJlci1vbmU=");
  parse("AccountName=me;SharedAccessSignature=sv=1&sig=sigsigsig%2Bone%3D");
  for (const char* secret : {"a2V5LW51bWJlci1vbmU=", "sigsigsig%2Bone%3D",
                             "sigsigsig+one=", "sv=1&sig=sigsigsig%2Bone%3D"}) {
    EXPECT_THAT(base::redacted(secret), Not(HasSubstr("one"))) << secret;
  }
}

RC_GTEST_PROP(ConnectionStringProperty, AnyTextIsReadOrRefused,
              (const std::string& text)) {
  try {
    parse(text);
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::kInvalidArgument);
  }
}

AzureAccount resolve(const AzureCredentialOptions& options,
                     std::map<std::string, std::string> variables = {}) {
  return resolve_azure_account(options, environment_of(std::move(variables)));
}

const std::map<std::string, std::string> kVariables = {
    {"AZURE_STORAGE_ACCOUNT", "envaccount"}, {"AZURE_STORAGE_KEY", "ZW52a2V5"}};

TEST(AzureAccountSearch, TheConfiguredStringIsFirst) {
  auto variables = kVariables;
  variables["AZURE_STORAGE_CONNECTION_STRING"] = "AccountName=other;AccountKey=b3RoZXI=";
  const auto account =
      resolve({.connection_string = "AccountName=me;AccountKey=a2V5"}, variables);
  EXPECT_EQ(account.name, "me");
  EXPECT_EQ(account.account_key, "a2V5");
  EXPECT_EQ(account.origin, "storage.credentials.connection_string");
}

TEST(AzureAccountSearch, TheConfiguredStringMayBeCompletedButNotContradicted) {
  const auto account =
      resolve({.account = "me",
               .connection_string = "BlobEndpoint=https://blobs.mine.example",
               .account_key = "a2V5"});
  EXPECT_EQ(account.name, "me");
  EXPECT_EQ(account.account_key, "a2V5");
  const Error error = error_of([] {
    resolve({.account = "me", .connection_string = "AccountName=you;AccountKey=a2V5"});
  });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("\"me\""), HasSubstr("\"you\"")));
}

TEST(AzureAccountSearch, ConfiguredPartsComeBeforeTheEnvironment) {
  auto variables = kVariables;
  variables["AZURE_STORAGE_CONNECTION_STRING"] = "AccountName=me;AccountKey=b3RoZXI=";
  const auto account = resolve({.account = "me", .account_key = "a2V5"}, variables);
  EXPECT_EQ(account.account_key, "a2V5");
  EXPECT_EQ(account.origin, "storage.credentials.account_key");
  EXPECT_EQ(account.blob_endpoint, "https://me.blob.core.windows.net");
  const auto with_sas =
      resolve({.account = "me", .sas_token = " ?sv=1&sig=s"}, variables);
  EXPECT_EQ(with_sas.sas_token, "sv=1&sig=s");
  EXPECT_EQ(with_sas.account_key, "");
  EXPECT_EQ(with_sas.origin, "storage.credentials.sas_token");
}

TEST(AzureAccountSearch, TheEnvironmentGivesWhatTheConfigurationLeavesOut) {
  const auto account = resolve({}, kVariables);
  EXPECT_EQ(account.name, "envaccount");
  EXPECT_EQ(account.account_key, "ZW52a2V5");
  EXPECT_THAT(account.origin, HasSubstr("AZURE_STORAGE_KEY"));
  EXPECT_EQ(resolve({.account = "me"}, {{"AZURE_STORAGE_KEY", "ZW52a2V5"}}).account_key,
            "ZW52a2V5");
  const auto sas = resolve({.account = "me"}, {{"AZURE_STORAGE_SAS_TOKEN", "?sig=s"}});
  EXPECT_EQ(sas.sas_token, "sig=s");
  EXPECT_THAT(sas.origin, HasSubstr("AZURE_STORAGE_SAS_TOKEN"));
}

TEST(AzureAccountSearch, AnotherAccountsKeyIsNeverTaken) {
  EXPECT_EQ(resolve({.account = "me"}, kVariables).account_key, "");
  EXPECT_EQ(resolve({.account = "me"}, {{"AZURE_STORAGE_CONNECTION_STRING",
                                         "AccountName=other;AccountKey=b3RoZXI="}})
                .account_key,
            "");
  EXPECT_EQ(resolve({.account = "envaccount"}, kVariables).account_key, "ZW52a2V5");
}

TEST(AzureAccountSearch, AConfiguredApplicationIsNotOverruledByAKeyInTheEnvironment) {
  for (const AzureCredentialOptions& options :
       {AzureCredentialOptions{.client_id = "c"},
        AzureCredentialOptions{.tenant_id = "t", .client_id = "c", .client_secret = "s"},
        AzureCredentialOptions{.anonymous = true}}) {
    const auto account = resolve(options, kVariables);
    EXPECT_EQ(account.name, "envaccount");
    EXPECT_EQ(account.account_key, "");
  }
}

TEST(AzureAccountSearch, NothingAnywhereIsNotAnError) {
  EXPECT_EQ(resolve({}).blob_endpoint, "");
  EXPECT_EQ(resolve({}).name, "");
}

TEST(AzureAccountSearch, AnAddressIsNoAccountName) {
  const Error error = error_of([] { resolve({.account = "https://me.example/"}); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("storage.account"));
  EXPECT_THAT(
      error_of([] { resolve({}, {{"AZURE_STORAGE_ACCOUNT", "evil.example/"}}); }).what(),
      HasSubstr("AZURE_STORAGE_ACCOUNT"));
}

}  // namespace
}  // namespace cloudsync::auth
