// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/log.h"
#include "config/config_testing.h"
#include "config/key_table.h"

namespace cloudsync::config {
namespace {

class LoadConfig : public ConfigTest {
 protected:
  static ConfigValue shown(const LoadedConfig& loaded, const std::string& key) {
    const auto found =
        std::find_if(loaded.values.begin(), loaded.values.end(),
                     [&](const ConfigValue& value) { return value.key == key; });
    return found == loaded.values.end() ? ConfigValue{} : *found;
  }
};

TEST_F(LoadConfig, ReadsTheTemplateOfTheSpecification) {
  environment_ = {{"AWS_ACCESS_KEY_ID", "AKIAEXAMPLE12345"},
                  {"AWS_SECRET_ACCESS_KEY", "hush-hush"}};
  const auto loaded = load(R"(storage:
  provider: s3
  bucket: my-data-bucket
  region: us-east-1
  credentials:
    aws_access_key_id: ${AWS_ACCESS_KEY_ID}
    aws_secret_access_key: ${AWS_SECRET_ACCESS_KEY}

sync_state_db: .sync_state.db
conflict_strategy: timestamp_wins
max_workers: 4
retry_attempts: 3
)");
  EXPECT_EQ(loaded.config.storage.provider, "s3");
  EXPECT_EQ(loaded.config.storage.bucket, "my-data-bucket");
  EXPECT_EQ(loaded.config.storage.region, "us-east-1");
  EXPECT_EQ(loaded.config.storage.credentials.at("aws_secret_access_key"), "hush-hush");
  EXPECT_EQ(loaded.config.engine.max_workers, 4);
  EXPECT_EQ(loaded.config.file, file_);
}

TEST_F(LoadConfig, EveryKeyReachesItsField) {
  const auto loaded = load(kMinimal + R"(  bucket: b
  region: r
  endpoint_url: http://127.0.0.1:9000
  addressing_style: virtual
  profile: p
  project: j
  account: a
  storage_class: COLD
  ca_bundle: /ca.pem
  verify_tls: false
  multipart_threshold: 10MB
  chunk_size: 6MiB
sync_state_db: state/x.db
conflict_strategy: manual
max_workers: 7
retry_attempts: 9
retry_delay_seconds: 0.5
deletes: restore
max_delete: 25
trash: no
trash_retention: 12h
trash_limit: 3GB
content_hash: sha256
require_conditional_writes: true
durability: full
links: preserve
empty_dirs: true
filters:
  - "- *.tmp"
  - "+ *.csv"
)");
  const StorageOptions& storage = loaded.config.storage;
  EXPECT_EQ(storage.bucket + storage.region + storage.profile + storage.project +
                storage.account,
            "brpja");
  EXPECT_EQ(storage.endpoint_url, "http://127.0.0.1:9000");
  EXPECT_EQ(storage.addressing_style, "virtual");
  EXPECT_EQ(storage.storage_class, "COLD");
  EXPECT_EQ(storage.ca_bundle, "/ca.pem");
  EXPECT_FALSE(storage.verify_tls);
  EXPECT_EQ(storage.multipart_threshold, 10'000'000U);
  EXPECT_EQ(storage.chunk_size, 6U << 20);
  EXPECT_EQ(storage.retry_attempts, 9);
  EXPECT_DOUBLE_EQ(storage.retry_delay_seconds, 0.5);
  EXPECT_EQ(loaded.config.sync_state_db, "state/x.db");
  EXPECT_EQ(loaded.config.conflict_strategy, ConflictStrategy::kManual);
  const EngineOptions& engine = loaded.config.engine;
  EXPECT_EQ(engine.max_workers, 7);
  EXPECT_EQ(engine.deletes, Deletes::kRestore);
  EXPECT_FALSE(engine.max_delete.is_percent);
  EXPECT_DOUBLE_EQ(engine.max_delete.value, 25);
  EXPECT_FALSE(engine.trash);
  EXPECT_EQ(engine.trash_retention_seconds, 12 * 3600);
  EXPECT_FALSE(engine.trash_limit.is_percent);
  EXPECT_EQ(engine.trash_limit.bytes, 3'000'000'000U);
  EXPECT_EQ(engine.content_hash, ContentHash::kSha256);
  EXPECT_TRUE(engine.require_conditional_writes);
  EXPECT_EQ(engine.durability, Durability::kFull);
  EXPECT_EQ(engine.links, Links::kPreserve);
  EXPECT_TRUE(engine.empty_dirs);
  EXPECT_EQ(engine.filters, (std::vector<std::string>{"- *.tmp", "+ *.csv"}));
}

TEST_F(LoadConfig, DefaultsAreThoseOfTheTable) {
  const auto loaded = load(kMinimal);
  SyncConfig by_table;
  for (const KeySpec& spec : key_table()) {
    const ConfigValue value = shown(loaded, std::string(spec.key));
    if (value.origin == "default" && !spec.default_value.empty()) {
      EXPECT_EQ(value.value, spec.default_value) << spec.key;
      spec.set(by_table, std::string(spec.default_value));
    }
  }
  const SyncConfig& config = loaded.config;
  EXPECT_EQ(by_table.storage.addressing_style, config.storage.addressing_style);
  EXPECT_EQ(by_table.storage.verify_tls, config.storage.verify_tls);
  EXPECT_EQ(by_table.storage.multipart_threshold, config.storage.multipart_threshold);
  EXPECT_EQ(by_table.storage.chunk_size, config.storage.chunk_size);
  EXPECT_EQ(by_table.storage.retry_attempts, config.storage.retry_attempts);
  EXPECT_DOUBLE_EQ(by_table.storage.retry_delay_seconds,
                   config.storage.retry_delay_seconds);
  EXPECT_EQ(by_table.sync_state_db, config.sync_state_db);
  EXPECT_EQ(by_table.conflict_strategy, config.conflict_strategy);
  EXPECT_EQ(by_table.engine.max_workers, config.engine.max_workers);
  EXPECT_EQ(by_table.engine.deletes, config.engine.deletes);
  EXPECT_DOUBLE_EQ(by_table.engine.max_delete.value, config.engine.max_delete.value);
  EXPECT_TRUE(config.engine.max_delete.is_default);
  EXPECT_EQ(by_table.engine.trash, config.engine.trash);
  EXPECT_EQ(by_table.engine.trash_retention_seconds,
            config.engine.trash_retention_seconds);
  EXPECT_DOUBLE_EQ(by_table.engine.trash_limit.percent, config.engine.trash_limit.percent);
  EXPECT_TRUE(config.engine.trash_limit.is_default);
  EXPECT_EQ(by_table.engine.content_hash, config.engine.content_hash);
  EXPECT_EQ(by_table.engine.durability, config.engine.durability);
  EXPECT_EQ(by_table.engine.links, config.engine.links);
  EXPECT_EQ(by_table.engine.empty_dirs, config.engine.empty_dirs);
}

TEST_F(LoadConfig, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string text = kMinimal + "max_workers: 2\n";
  EXPECT_EQ(shown(load(kMinimal), "max_workers").origin, "default");
  EXPECT_EQ(shown(load(text), "max_workers").origin, file_ + ":4");
  environment_["CLOUDSYNC_MAX_WORKERS"] = "3";
  auto loaded = load(text);
  EXPECT_EQ(loaded.config.engine.max_workers, 3);
  EXPECT_EQ(shown(loaded, "max_workers").origin, "environment CLOUDSYNC_MAX_WORKERS");
  flags_["max_workers"] = "auto";
  loaded = load(text);
  EXPECT_EQ(loaded.config.engine.max_workers, std::nullopt);
  EXPECT_EQ(shown(loaded, "max_workers").origin, "flag");
  EXPECT_EQ(shown(loaded, "max_workers").value, "auto");
}

TEST_F(LoadConfig, EnvironmentReachesNestedKeysAndLists) {
  environment_ = {{"CLOUDSYNC_STORAGE_BUCKET", "other"},
                  {"CLOUDSYNC_FILTERS", "- a\n- b\n"}};
  const auto loaded = load(kMinimal);
  EXPECT_EQ(loaded.config.storage.bucket, "other");
  EXPECT_EQ(loaded.config.engine.filters, (std::vector<std::string>{"- a", "- b"}));
}

TEST_F(LoadConfig, LocalBucketIsDataByDefault) {
  const auto loaded = load(kMinimal);
  EXPECT_EQ(loaded.config.storage.bucket, "data");
  EXPECT_EQ(shown(loaded, "storage.bucket").value, "data");
  EXPECT_EQ(shown(loaded, "storage.bucket").origin, "default");
}

TEST_F(LoadConfig, SecretsAreMaskedAndRedacted) {
  const auto loaded = load(R"(storage:
  provider: s3
  bucket: b
  credentials:
    aws_access_key_id: AKIAIOSFODNN7EXAMPLE
    aws_secret_access_key: very-secret-words
)");
  EXPECT_EQ(shown(loaded, "storage.credentials.aws_access_key_id").value, "***MPLE");
  EXPECT_EQ(shown(loaded, "storage.credentials.aws_secret_access_key").value, "***");
  EXPECT_EQ(base::redacted("it is very-secret-words"), "it is ***");
}

TEST_F(LoadConfig, HomeDirectoryIsExpandedInPaths) {
  environment_["HOME"] = "/home/someone";
  const auto loaded = load("storage:\n  provider: local\n  path: ~/buckets\n");
  EXPECT_EQ(loaded.config.storage.path, "/home/someone/buckets");
}

TEST_F(LoadConfig, EmptyCredentialIsNotGiven) {
  const auto loaded = load(
      "storage:\n  provider: s3\n  bucket: b\n  credentials:\n"
      "    aws_access_key_id: ${UNSET:}\n    aws_secret_access_key: ${UNSET:}\n");
  EXPECT_TRUE(loaded.config.storage.credentials.empty());
}

TEST_F(LoadConfig, EmptyGroupsAreAllowed) {
  EXPECT_EQ(error_of(kMinimal + "  credentials:\n    # none\nfilters:\n"), "");
}

}  // namespace
}  // namespace cloudsync::config
