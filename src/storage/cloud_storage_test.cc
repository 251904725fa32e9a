// SPDX-License-Identifier: Apache-2.0
#include "cloudsync/cloud_storage.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "storage/file_transfer.h"
#include "storage/memory/memory_store.h"
#include "storage/provider_factory.h"
#include "storage/storage_testing.h"

namespace cloudsync {
namespace {

namespace fs = std::filesystem;

class CloudStorageTest : public ::testing::Test {
 protected:
  CloudStorageTest() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base ? base : "/tmp") + "/cloudsync-storage-XXXXXX";
    directory = mkdtemp(pattern.data());
    options.path = directory + "/buckets";
    options.multipart_threshold = 100'000;
    options.chunk_size = 30'000;
  }
  ~CloudStorageTest() override { fs::remove_all(directory); }

  std::string write(const std::string& name, const std::string& content) {
    const std::string path = directory + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static ErrorCode code_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  }

  std::string directory;
  StorageOptions options;
};

TEST_F(CloudStorageTest, LocalBucketNeedsNoSetUp) {
  LocalCloudStorage cloud(options);
  cloud.connect();
  cloud.connect();
  EXPECT_FALSE(fs::exists(options.path)) << "connecting must not write";
  const std::string etag = cloud.upload_file(write("a.txt", "hello"), "docs/a.txt");
  EXPECT_FALSE(etag.empty());
  EXPECT_EQ(read(options.path + "/data/docs/a.txt"), "hello");
  const auto files = cloud.list_files();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].path, "docs/a.txt");
  EXPECT_EQ(files[0].etag, etag);
}

TEST_F(CloudStorageTest, DownloadReplacesTheFileAndKeepsModeAndTime) {
  LocalCloudStorage cloud(options);
  const std::string source = write("a.txt", "hello");
  fs::last_write_time(source, fs::file_time_type::clock::now() - std::chrono::hours(48));
  cloud.upload_file(source, "a.txt");
  const std::string target = write("b.txt", "old content");
  chmod(target.c_str(), 0640);
  std::uint64_t moved = 0;
  const std::string md5 =
      cloud.download_file("a.txt", target, [&](std::uint64_t bytes) { moved += bytes; });
  EXPECT_EQ(md5, "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(read(target), "hello");
  EXPECT_EQ(moved, 5u);
  struct stat st{};
  stat(target.c_str(), &st);
  EXPECT_EQ(st.st_mode & 07777, 0640u);
  EXPECT_EQ(fs::last_write_time(target), fs::last_write_time(source));
  for (const auto& entry : fs::directory_iterator(directory)) {
    EXPECT_FALSE(entry.path().string().ends_with(".cloudsync-part"));
  }
}

TEST_F(CloudStorageTest, LargeFileGoesInPartsAndComesBackWhole) {
  LocalCloudStorage cloud(options);
  std::string content(250'001, '\0');
  for (std::size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<char>(i * 31 / 7);
  std::uint64_t moved = 0;
  cloud.upload_file(write("big", content), "big",
                    [&](std::uint64_t bytes) { moved += bytes; });
  EXPECT_EQ(moved, content.size());
  EXPECT_TRUE(cloud.store().multipart()->list_uploads("", {}).empty());
  cloud.download_file("big", directory + "/sub/back");
  EXPECT_TRUE(read(directory + "/sub/back") == content);
}

TEST_F(CloudStorageTest, UploadReplacesWhatIsThere) {
  LocalCloudStorage cloud(options);
  const auto first = cloud.upload_file(write("a", "1"), "a");
  const auto second = cloud.upload_file(write("a", "1"), "a");
  EXPECT_NE(first, second);
  cloud.upload_file(write("a", "22"), "a");
  EXPECT_EQ(cloud.list_files().at(0).size, 2u);
}

TEST_F(CloudStorageTest, DeleteSaysWhetherThereWasSomething) {
  LocalCloudStorage cloud(options);
  cloud.upload_file(write("a", "1"), "x/a");
  EXPECT_TRUE(cloud.delete_file("x/a"));
  EXPECT_FALSE(cloud.delete_file("x/a"));
}

TEST_F(CloudStorageTest, ListingStopsWhenItsVisitorSaysSo) {
  LocalCloudStorage cloud(options);
  for (const char* name : {"a", "b", "c"}) cloud.upload_file(write("f", name), name);
  std::vector<std::string> seen;
  cloud.for_each_file("", [&](const CloudFile& file) {
    seen.push_back(file.path);
    return seen.size() < 2;
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
}

TEST_F(CloudStorageTest, AbsentThingsAreNotFound) {
  LocalCloudStorage cloud(options);
  EXPECT_EQ(code_of([&] { cloud.download_file("absent", directory + "/x"); }),
            ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(directory + "/x"));
  EXPECT_EQ(code_of([&] { cloud.upload_file(directory + "/absent", "a"); }),
            ErrorCode::kNotFound);
  EXPECT_EQ(code_of([&] { cloud.upload_file(directory, "a"); }),
            ErrorCode::kInvalidArgument);
}

// Damages the bodies of its first answers, and need not vouch for what it sends.
class DamagingStore final : public storage::MemoryStore {
 public:
  using MemoryStore::MemoryStore;
  int damaged = 0;  // answers from now on
  bool vouches = true;
  std::vector<bool> fresh_connections;

  storage::GetResult get(const storage::GetRequest& request, ByteSink& sink,
                         const CallContext& context) override {
    fresh_connections.push_back(request.fresh_connection);
    MemorySink body;
    auto result = MemoryStore::get(request, body, context);
    if (damaged > 0 && damaged-- > 0) body.content.back() ^= std::byte{1};
    sink.write(body.content);
    if (!vouches) result.info.md5.reset();
    return result;
  }

 private:
  struct MemorySink final : ByteSink {
    std::vector<std::byte> content;
    void write(Bytes bytes) override {
      content.insert(content.end(), bytes.begin(), bytes.end());
    }
  };
};

class FetchTest : public CloudStorageTest {
 protected:
  std::string fetch() {
    return base::to_hex(storage::fetch_file(store, options, {"a"}, target,
                                            [&](std::uint64_t n) { moved += n; }, {}));
  }

  DamagingStore store;
  std::string target = write("b", "before");
  std::uint64_t moved = 0;
};

TEST_F(FetchTest, DamagedContentIsFetchedOnceMoreOverANewConnection) {
  store.put_directly("a", "hello");
  store.damaged = 1;
  EXPECT_EQ(fetch(), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(read(target), "hello");
  EXPECT_EQ(moved, 5U);
  EXPECT_EQ(store.fresh_connections, (std::vector{false, true}));
}

TEST_F(FetchTest, ContentThatIsDamagedTwiceNeverReachesTheTarget) {
  store.put_directly("a", "hello");
  store.damaged = 2;
  EXPECT_EQ(code_of([&] { fetch(); }), ErrorCode::kDataCorrupt);
  EXPECT_EQ(read(target), "before");
  EXPECT_EQ(store.fresh_connections.size(), 2U);
}

TEST_F(FetchTest, AStoredHashAloneDecidesUnlessItIsIgnored) {
  store.put_directly("a", "jello", {{"md5chksum", "XUFAKrxLKna5cZ2REBfFkg=="}});
  store.vouches = false;
  EXPECT_EQ(code_of([&] { fetch(); }), ErrorCode::kDataCorrupt);
  EXPECT_EQ(read(target), "before");
  options.ignore_stored_md5 = true;
  fetch();
  EXPECT_EQ(read(target), "jello");
}

TEST_F(FetchTest, AStoredHashDecidesNothingBesideTheServicesOwn) {
  store.put_directly("a", "jello", {{"md5chksum", "XUFAKrxLKna5cZ2REBfFkg=="}});
  fetch();
  EXPECT_EQ(read(target), "jello");
}

TEST_F(CloudStorageTest, UnknownProviderNamesTheKnownOnes) {
  options.provider = "ftp";
  try {
    make_cloud_storage(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    const std::string words = error.what();
    EXPECT_TRUE(
        words.starts_with("storage.provider 'ftp' is not known; this version has: s3, "))
        << words;
    EXPECT_TRUE(words.ends_with(", local")) << words;
  }
}

TEST_F(CloudStorageTest, MissingPathSaysWhatIsNeeded) {
  options.path.clear();
  LocalCloudStorage cloud(options);
  EXPECT_EQ(code_of([&] { cloud.connect(); }), ErrorCode::kInvalidArgument);
}

TEST_F(CloudStorageTest, TheRegionIsAskedForOnlyWhereThereIsOne) {
  for (const char* provider : {"s3", "gcs"}) {
    StorageOptions remote;
    remote.provider = provider;
    remote.bucket = "bucket";
    remote.endpoint_url = "http://127.0.0.1:1";
    remote.credentials["anonymous"] = "true";
    remote.retry_attempts = 0;
    const auto cloud = make_cloud_storage(remote);
    try {
      cloud->connect();
      FAIL();
    } catch (const Error& error) {
      const bool region = std::string(error.what()).find("region") != std::string::npos;
      EXPECT_EQ(region, std::string(provider) == "s3") << error.what();
    }
  }
}

TEST_F(CloudStorageTest, PathThatIsNoDirectoryIsNamedWhenConnecting) {
  options.path = write("file", "");
  LocalCloudStorage cloud(options);
  try {
    cloud.connect();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(options.path + "' is not a directory"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace cloudsync
