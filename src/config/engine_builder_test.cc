// SPDX-License-Identifier: Apache-2.0
#include "config/config_testing.h"

namespace cloudsync::config {
namespace {

using EngineBuilder = ConfigTest;

TEST_F(EngineBuilder, BuildsAndConnects) {
  std::filesystem::create_directories(directory_ + "/buckets/data");
  write("storage:\n  provider: local\n  path: buckets\nsync_state_db: s.db\n");
  const auto engine = SyncEngineBuilder::from_config_file(file_);
  EXPECT_EQ(engine->sync_state_db(), "s.db");
  EXPECT_TRUE(engine->cloud_storage().list_files().empty());
  engine->cloud_storage().disconnect();
}

TEST_F(EngineBuilder, ConnectionFailureNamesBucketEndpointAndWhatToCheck) {
  write(
      "storage:\n  provider: s3\n  bucket: my-bucket\n  endpoint_url: "
      "http://127.0.0.1:1\n"
      "  region: us-east-1\n  credentials: {aws_access_key_id: AK, "
      "aws_secret_access_key: word}\n"
      "retry_attempts: 0\n");
  try {
    SyncEngineBuilder::from_config_file(file_);
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_NE(message.find("my-bucket"), std::string::npos);
    EXPECT_NE(message.find("http://127.0.0.1:1"), std::string::npos);
    EXPECT_NE(message.find("check storage.endpoint_url"), std::string::npos);
  }
}

}  // namespace
}  // namespace cloudsync::config
