// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_config.h"

#include "storage/azure/azure_test_bench.h"

namespace cloudsync::storage::azure {
namespace {

using testing::environment_of;
using testing::error_of;
using ::testing::HasSubstr;

class AzureConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.bucket = "box";
    options_.account = "acct";
    options_.credentials["account_key"] = testing::kAccountKey;
  }
  AzureConfig config(std::map<std::string, std::string> variables = {}) {
    return resolve_config(options_,
                          auth::resolve_azure_account(credential_options(options_),
                                                      environment_of(variables)));
  }

  StorageOptions options_;
};

TEST_F(AzureConfigTest, AnAccountLivesAtItsPublicEndpoint) {
  const AzureConfig resolved = config();
  EXPECT_EQ(resolved.endpoint(), "https://acct.blob.core.windows.net");
  EXPECT_TRUE(resolved.capabilities.declared);
  EXPECT_TRUE(resolved.capabilities.crc64nvme);
  EXPECT_TRUE(resolved.capabilities.conditional_batch_delete);
  EXPECT_FALSE(resolved.capabilities.start_after);
  EXPECT_EQ(resolved.capabilities.mtime_style, MtimeStyle::kRfc3339);
  EXPECT_EQ(resolved.capabilities.max_object, 50000ULL * 4000 << 20);
}

TEST_F(AzureConfigTest, TheAccountMayBeNamedAmongTheCredentialsOrTheEnvironment) {
  options_.account.clear();
  options_.credentials["account_name"] = "named";
  EXPECT_EQ(config().account, "named");
  options_.credentials.clear();
  EXPECT_EQ(config({{"AZURE_STORAGE_ACCOUNT", "fromenv"},
                    {"AZURE_STORAGE_KEY", testing::kAccountKey}})
                .endpoint(),
            "https://fromenv.blob.core.windows.net");
}

TEST_F(AzureConfigTest, AConnectionStringNamesTheEndpoint) {
  options_.account.clear();
  options_.credentials = {{"connection_string", "UseDevelopmentStorage=true"}};
  const AzureConfig resolved = config();
  EXPECT_EQ(resolved.endpoint(), "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_EQ(resolved.account, "devstoreaccount1");
  EXPECT_FALSE(resolved.capabilities.declared);
  EXPECT_FALSE(resolved.capabilities.crc64nvme);
}

TEST_F(AzureConfigTest, HostsWithoutNamesHoldTheAccountInThePath) {
  for (const char* url : {"http://127.0.0.1:10000", "http://127.0.0.1:10000/acct/",
                          "http://127.0.0.1:10000/acct"}) {
    options_.endpoint_url = url;
    EXPECT_EQ(config().endpoint(), "http://127.0.0.1:10000/acct") << url;
  }
  options_.endpoint_url = "http://azurite:10000";
  EXPECT_EQ(config().base_path, "/acct");
  options_.endpoint_url = "http://[::1]:10000";
  EXPECT_EQ(config().endpoint(), "http://[::1]:10000/acct");
  options_.endpoint_url = "http://acct.blob.localhost:10000";
  EXPECT_EQ(config().base_path, "");
}

TEST_F(AzureConfigTest, AnEndpointMayNameTheAccount) {
  options_.account.clear();
  options_.credentials = {{"anonymous", "true"}};
  options_.endpoint_url = "https://there.z12.blob.storage.azure.net/";
  EXPECT_EQ(config().account, "there");
  EXPECT_TRUE(config().azure);
  options_.endpoint_url = "https://files.example.com";
  EXPECT_EQ(config().account, "");
  EXPECT_FALSE(config().capabilities.declared);
}

TEST_F(AzureConfigTest, AMissingAccountNamesEveryPlaceToGiveIt) {
  options_.account.clear();
  options_.credentials.clear();
  const Error error = error_of([&] { config(); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  for (const char* place : {"storage.account", "account_name", "connection_string",
                            "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING"}) {
    EXPECT_THAT(error.what(), HasSubstr(place));
  }
}

TEST_F(AzureConfigTest, EndpointsThatHoldSecretsAreRefusedWithoutQuotingThem) {
  options_.endpoint_url = "https://acct.blob.core.windows.net/?sv=1&sig=SECRET";
  const Error error = error_of([&] { config(); });
  EXPECT_THAT(error.what(), HasSubstr("storage.credentials.sas_token"));
  EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("SECRET")));
  for (const char* url : {"acct.blob.core.windows.net", "ftp://x", "https:///x"}) {
    options_.endpoint_url = url;
    EXPECT_EQ(error_of([&] { config(); }).code(), ErrorCode::kInvalidArgument) << url;
  }
}

TEST_F(AzureConfigTest, TiersAreTakenInAnyCaseAndOthersRefused) {
  options_.storage_class = "aRCHIVE";
  EXPECT_EQ(config().storage_class, "Archive");
  options_.storage_class = "STANDARD_IA";
  EXPECT_THAT(error_of([&] { config(); }).what(), HasSubstr("Hot, Cool, Cold, Archive"));
}

TEST_F(AzureConfigTest, ContainersHaveAzuresNames) {
  for (const char* name : {"", "ab", "Box", "a--b", "-ab", "a_b", "a/b"}) {
    options_.bucket = name;
    EXPECT_EQ(error_of([&] { config(); }).code(), ErrorCode::kInvalidArgument) << name;
  }
  for (const char* name : {"$root", "$web", "abc", "a-b-3"}) {
    options_.bucket = name;
    EXPECT_EQ(config().container, name);
  }
}

}  // namespace
}  // namespace cloudsync::storage::azure
