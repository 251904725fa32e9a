// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/own_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>

#include "base/test_directory.h"

namespace cloudsync::sync {
namespace {

using Reach = OwnPlace::Reach;

class OwnFilesTest : public testing::Test {
 protected:
  OwnFiles of(const std::vector<OwnPlace>& places) {
    return OwnFiles(places, {std::filesystem::canonical(directory_.path()).string()});
  }
  MergedItem item(const std::string& key) {
    struct stat status{};
    ::stat((directory_ / key).c_str(), &status);
    MergedItem merged;
    merged.key = key;
    LocalEntry entry;
    entry.key = key;
    entry.stat.dev = status.st_dev;
    entry.stat.ino = status.st_ino;
    merged.local = entry;
    return merged;
  }
  base::TestDirectory directory_;
};

TEST_F(OwnFilesTest, AFileIsKnownByItsPathWhetherItExistsOrNot) {
  const OwnFiles own = of({{directory_ / "conf/cloudsync.yaml", Reach::kFile}});
  EXPECT_TRUE(own.hold("conf/cloudsync.yaml"));
  EXPECT_FALSE(own.hold("conf/cloudsync.yaml.bak"));
  EXPECT_FALSE(own.hold("cloudsync.yaml"));
  EXPECT_FALSE(own.hold("conf"));
}

TEST_F(OwnFilesTest, AnObjectNamedAsTheFolderOfAnExistingFileIsHeldToo) {
  directory_.write("conf/cloudsync.yaml", "x");
  const OwnFiles own = of({{directory_ / "conf/cloudsync.yaml", Reach::kFile}});
  EXPECT_TRUE(own.hold("conf"));
  EXPECT_FALSE(own.hold("conf/other"));
}

TEST_F(OwnFilesTest, AHardLinkIsTheSameFile) {
  directory_.write("cloudsync.yaml", "x");
  std::filesystem::create_hard_link(directory_ / "cloudsync.yaml", directory_ / "copy");
  const OwnFiles own = of({{directory_ / "cloudsync.yaml", Reach::kFile}});
  EXPECT_TRUE(own.hold(item("copy")));
  directory_.write("other", "x");
  EXPECT_FALSE(own.hold(item("other")));
}

TEST_F(OwnFilesTest, EachNameOnTheWayOfALinkIsHeld) {
  directory_.write("real/secret.yaml", "x");
  std::filesystem::create_symlink("real/secret.yaml", directory_ / "hop");
  std::filesystem::create_symlink("hop", directory_ / "cloudsync.yaml");
  const OwnFiles own = of({{directory_ / "cloudsync.yaml", Reach::kFile}});
  for (const char* key : {"cloudsync.yaml", "hop", "real/secret.yaml"}) {
    EXPECT_TRUE(own.hold(key)) << key;
  }
}

TEST_F(OwnFilesTest, ADatabaseHasCompanions) {
  const OwnFiles own = of({{directory_ / "state.db", Reach::kDatabase}});
  for (const char* suffix :
       {"", "-wal", "-shm", ".0123456789abcdef.lock", ".backup-v1-20260101T000000Z",
        ".corrupt-20260101T000000Z"}) {
    EXPECT_TRUE(own.hold("state.db" + std::string(suffix))) << suffix;
  }
  EXPECT_FALSE(own.hold("state.db.md"));
  EXPECT_FALSE(own.hold("state.dbx"));
}

TEST_F(OwnFilesTest, AFolderIsHeldWithAllBelow) {
  const OwnFiles own = of({{directory_ / ".aws", Reach::kFolder}});
  EXPECT_TRUE(own.hold(".aws"));
  EXPECT_TRUE(own.hold(".aws/sso/cache/x"));
  EXPECT_FALSE(own.hold(".aws2/x"));
}

TEST_F(OwnFilesTest, ARootInsideSuchAFolderHoldsNothingElse) {
  std::filesystem::create_directories(directory_ / ".aws/sub");
  const OwnFiles own({{directory_ / ".aws", Reach::kFolder}},
                     {std::filesystem::canonical(directory_ / ".aws/sub").string()});
  EXPECT_TRUE(own.hold("anything"));
}

TEST(OwnPlaces, SettingsEnvironmentAndDefaultChains) {
  StorageOptions storage;
  storage.ca_bundle = "/ca.pem";
  storage.credentials["service_account_file"] = "key.json";
  const std::map<std::string, std::string> variables = {
      {"HOME", "/home/u"}, {"PGPASSFILE", "/pg"}, {"AZURE_CONFIG_DIR", "/az"}};
  const auto places =
      own_places(storage, "state.db", {"/log"}, [&](const std::string& name) {
        const auto it = variables.find(name);
        return it == variables.end() ? std::nullopt : std::optional(it->second);
      });
  std::map<std::string, Reach> found;
  for (const auto& place : places) found[place.path] = place.reach;
  EXPECT_EQ(found.at("state.db"), Reach::kDatabase);
  EXPECT_EQ(found.at("/az"), Reach::kFolder);
  EXPECT_EQ(found.at("/home/u/.aws"), Reach::kFolder);
  for (const char* file : {"/ca.pem", "key.json", "/log", "/pg", "/home/u/.netrc"}) {
    EXPECT_EQ(found.at(file), Reach::kFile) << file;
  }
}

}  // namespace
}  // namespace cloudsync::sync
