// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <utility>

#include "storage/storage_testing.h"

namespace cloudsync::storage {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of;
using testing::get;
using testing::keys;
using testing::put;
using Names = std::vector<std::string>;

class LocalStoreTest : public ::testing::Test {
 protected:
  LocalStoreTest() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base ? base : "/tmp") + "/cloudsync-local-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    options.path = directory_;
    bucket = options.path + "/data";
    store = make_local_store(options);
  }
  ~LocalStoreTest() override { fs::remove_all(directory_); }

  void write(const std::string& key, const std::string& content) const {
    fs::create_directories(fs::path(bucket + "/" + key).parent_path());
    std::ofstream(bucket + "/" + key, std::ios::binary) << content;
  }
  std::string read(const std::string& key) const {
    std::ifstream in(bucket + "/" + key, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // kInternal when nothing is thrown.
  static ErrorCode error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  }
  void copy(const std::string& from, const std::string& to) {
    CopyRequest request;
    request.source = {from};
    request.destination = {to};
    store->copy(request, {});
  }
  ErrorCode put_error(const std::string& key, std::string* message = nullptr) {
    try {
      put(*store, key, key.ends_with('/') ? "" : "x");
    } catch (const Error& error) {
      if (message) *message = error.what();
      return error.code();
    }
    return ErrorCode::kInternal;
  }

  StorageOptions options;
  std::string bucket;
  std::unique_ptr<ObjectStore> store;

 private:
  std::string directory_;  // what is removed: never a path that a test may have changed
};

TEST_F(LocalStoreTest, ObjectsAreOrdinaryFiles) {
  put(*store, "dir/sub/a.txt", "hello");
  EXPECT_EQ(read("dir/sub/a.txt"), "hello");
}

TEST_F(LocalStoreTest, ReadingAMissingBucketMakesNothing) {
  EXPECT_TRUE(keys(*store).empty());
  EXPECT_FALSE(store->head({"a"}, {}));
  EXPECT_TRUE(store->describe_bucket({}).exists);
  EXPECT_EQ(store->remove({{"a"}, {}}, {}).outcome, Outcome::kOk);
  EXPECT_FALSE(fs::exists(bucket));
}

TEST_F(LocalStoreTest, ReadingAForeignFolderLeavesNoTrace) {
  write("a", "1");
  keys(*store);
  std::string body;
  get(*store, "a", body);
  EXPECT_EQ(body, "1");
  EXPECT_FALSE(fs::exists(bucket + "/.cloudsync-store"));
}

TEST_F(LocalStoreTest, FilesOfOthersAreObjectsWithAStableToken) {
  write("x/foreign", "1");
  const auto first = store->head({"x/foreign"}, {});
  ASSERT_TRUE(first);
  EXPECT_EQ(store->head({"x/foreign"}, {})->token, first->token);
  EXPECT_EQ(make_local_store(options)->head({"x/foreign"}, {})->token, first->token);
  EXPECT_FALSE(first->md5);
  EXPECT_EQ(store->remove({{"x/foreign"}, first->token}, {}).outcome, Outcome::kOk);
}

TEST_F(LocalStoreTest, EditByOthersChangesTheTokenAndDropsTheRecord) {
  const auto token = put(*store, "a", "11", {}, {{"mtime", "5"}}).token;
  const auto time = fs::last_write_time(bucket + "/a");
  write("a", "22");
  fs::last_write_time(bucket + "/a", time);
  const auto info = store->head({"a"}, {});
  EXPECT_NE(info->token, token);
  EXPECT_FALSE(info->md5);
  EXPECT_TRUE(info->metadata->empty());
  EXPECT_EQ(put(*store, "a", "33", {token, false}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(store->remove({{"a"}, token}, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(read("a"), "22");
}

TEST_F(LocalStoreTest, RecordWrittenBeforeACrashStillBelongsToItsFile) {
  put(*store, "a", "1", {}, {{"mtime", "5"}});
  for (const auto& entry :
       fs::recursive_directory_iterator(bucket + "/.cloudsync-store/records")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path());
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto begin = text.find("\"ctime\":");
    text.erase(begin, text.find(',', begin) + 1 - begin);
    std::ofstream(entry.path()) << text;
  }
  EXPECT_EQ(store->head({"a"}, {})->metadata->at("mtime"), "5");
}

TEST_F(LocalStoreTest, UnreadableRecordCostsOnlyItsMetadata) {
  const auto token = put(*store, "a", "1", {}, {{"mtime", "5"}}).token;
  for (const auto& entry :
       fs::recursive_directory_iterator(bucket + "/.cloudsync-store/records")) {
    if (entry.is_regular_file()) std::ofstream(entry.path()) << "{\"format\":\"x\"";
  }
  const auto info = store->head({"a"}, {});
  EXPECT_EQ(info->token, token);
  EXPECT_TRUE(info->metadata->empty());
}

TEST_F(LocalStoreTest, ListingCarriesMd5AndMetadataWithoutReadingContent) {
  put(*store, "a", "1", {}, {{"mtime", "5"}});
  const auto info = store->list({}, {}).objects.at(0);
  EXPECT_EQ(info.md5, hash::Md5::of(bytes_of("1")));
  EXPECT_EQ(info.metadata->at("mtime"), "5");
}

TEST_F(LocalStoreTest, SecondStoreOnTheSameFolderSeesTheSameTokens) {
  const auto token = put(*store, "a", "1").token;
  const auto other = make_local_store(options);
  EXPECT_EQ(put(*other, "a", "2", {token, false}).outcome, Outcome::kOk);
  EXPECT_EQ(put(*store, "a", "3", {token, false}).outcome, Outcome::kPreconditionFailed);
}

TEST_F(LocalStoreTest, NestedKeysAreRefusedWithBothReasons) {
  put(*store, "a", "1");
  std::string message;
  EXPECT_EQ(put_error("a/b", &message), ErrorCode::kUnsupported);
  EXPECT_NE(message.find("a file and a directory would need the same name"),
            std::string::npos);
  put(*store, "d/e", "1");
  EXPECT_EQ(put_error("d"), ErrorCode::kUnsupported);
  EXPECT_EQ(put_error("a/"), ErrorCode::kUnsupported);
  EXPECT_EQ(keys(*store), (Names{"a", "d/e"}));
}

TEST_F(LocalStoreTest, EmptyDirectoryOfOthersIsNotInTheWay) {
  fs::create_directories(bucket + "/d");
  EXPECT_EQ(put(*store, "d", "1", {{}, true}).outcome, Outcome::kOk);
  EXPECT_EQ(read("d"), "1");
}

TEST_F(LocalStoreTest, UnsafeKeysAreRefusedForWritesAndAbsentForReads) {
  write("../outside", "secret");
  for (const std::string& key :
       Names{"", "/a", "a//b", ".", "..", "../outside", "a/../../outside", "a/./b",
             ".cloudsync-store/records", std::string("nul\0byte", 8)}) {
    EXPECT_EQ(put_error(key), ErrorCode::kUnsupported) << key;
    std::string body;
    EXPECT_EQ(get(*store, key, body).outcome, Outcome::kNotFound) << key;
    EXPECT_FALSE(store->head({key}, {})) << key;
    EXPECT_EQ(store->remove({{key}, {}}, {}).outcome, Outcome::kOk) << key;
  }
  EXPECT_EQ(put_error(std::string(256, 'x')), ErrorCode::kUnsupported);
  EXPECT_EQ(put(*store, std::string(255, 'x'), "1").outcome, Outcome::kOk);
  EXPECT_EQ(read("../outside"), "secret");
}

TEST_F(LocalStoreTest, WhatIsNoObjectIsNeitherFollowedNorAbsent) {
  fs::create_directories(options.path + "/outside");
  std::ofstream(options.path + "/outside/f") << "secret";
  put(*store, "a", "1");
  fs::create_directory_symlink(options.path + "/outside", bucket + "/link");
  fs::create_symlink(options.path + "/outside/f", bucket + "/file");
  mkfifo((bucket + "/fifo").c_str(), 0600);
  std::string body;
  for (const std::string key :
       {"link", "link/f", "link/new", "link/sub/", "file", "fifo", "fifo/x"}) {
    EXPECT_EQ(error_of([&] { store->head({key}, {}); }), ErrorCode::kAlreadyExists);
    EXPECT_EQ(error_of([&] { get(*store, key, body); }), ErrorCode::kAlreadyExists);
    EXPECT_EQ(put_error(key), ErrorCode::kAlreadyExists) << key;
    EXPECT_EQ(error_of([&] { store->remove({{key}, {}}, {}); }),
              ErrorCode::kAlreadyExists);
    if (!key.ends_with('/')) {
      EXPECT_EQ(error_of([&] { copy("a", key); }), ErrorCode::kAlreadyExists);
    }
    EXPECT_EQ(error_of([&] { copy(key, "b"); }), ErrorCode::kAlreadyExists);
    EXPECT_TRUE(store->remove_many({{DeleteRequest{{key}, {}}}}, {}).at(0).error);
  }
  EXPECT_FALSE(fs::exists(options.path + "/outside/new"));
  EXPECT_TRUE(fs::is_symlink(bucket + "/link"));
}

TEST_F(LocalStoreTest, ListingShowsWhatIsNoObjectAsBlocked) {
  for (const char* key : {"a", "d/x", "z"}) put(*store, key, "1");
  fs::create_symlink("nowhere", bucket + "/b");
  fs::create_symlink("a", bucket + "/d/link");
  mkfifo((bucket + "/d.fifo").c_str(), 0600);
  Names blocked, whole;
  for (const ObjectInfo& info : store->list({}, {}).objects)
    (info.blocked.empty() ? whole : blocked).push_back(info.key.value);
  EXPECT_EQ(whole, (Names{"a", "d/x", "z"}));
  EXPECT_EQ(blocked, (Names{"b", "d.fifo", "d/link"}));
}

TEST_F(LocalStoreTest, ListingBelowALinkIsRefused) {
  put(*store, "a/b/c", "1");
  fs::rename(bucket + "/a", bucket + "/moved");
  fs::create_directory_symlink("moved", bucket + "/a");
  EXPECT_EQ(error_of([&] { keys(*store, "a/"); }), ErrorCode::kUnavailable);
  EXPECT_EQ(error_of([&] { keys(*store, "a/b/"); }), ErrorCode::kUnavailable);
  ListRequest request;
  request.start_after = "a/b/a";
  EXPECT_EQ(error_of([&] { store->list(request, {}); }), ErrorCode::kUnavailable);
}

TEST_F(LocalStoreTest, BucketThatHasGoneIsNotMadeAgain) {
  put(*store, "a", "1");
  fs::rename(bucket, bucket + ".moved");
  EXPECT_EQ(put_error("b"), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { keys(*store); }), ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(bucket));
  fs::create_directory(bucket);  // an empty mount point
  EXPECT_EQ(put_error("b"), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { store->head({"a"}, {}); }), ErrorCode::kNotFound);
  EXPECT_TRUE(fs::is_empty(bucket));
  fs::remove(bucket);
  fs::rename(bucket + ".moved", bucket);
  EXPECT_EQ(keys(*store), Names{"a"});
}

TEST_F(LocalStoreTest, BucketOnAnotherDeviceIsKnownByItsId) {
  put(*store, "a", "1");
  fs::copy(bucket, bucket + ".moved", fs::copy_options::recursive);
  fs::remove_all(bucket);
  fs::rename(bucket + ".moved", bucket);
  EXPECT_EQ(keys(*store), Names{"a"});
}

TEST_F(LocalStoreTest, NewBucketsGetAnIdAndOldOnesWhenAsked) {
  EXPECT_FALSE(store->identity({})->present);
  put(*store, "a", "1");
  const auto identity = store->identity({});
  EXPECT_EQ(identity->id.size(), 32u);
  EXPECT_EQ(store->give_identity({}), identity->id);
  EXPECT_EQ(make_local_store(options)->identity({})->id, identity->id);
  fs::remove(bucket + "/.cloudsync-store/id");
  const auto other = make_local_store(options);
  put(*other, "a", "2");
  EXPECT_EQ(other->identity({})->id, "");
  const std::string given = other->give_identity({});
  EXPECT_EQ(given.size(), 32u);
  EXPECT_EQ(make_local_store(options)->identity({})->id, given);
}

TEST_F(LocalStoreTest, BodiesOfDeadWritersGoAndThoseOfLivingOnesStay) {
  put(*store, "a", "1");
  const std::string tmp = bucket + "/.cloudsync-store/tmp/";
  std::ofstream(tmp + "body-dead") << "partial";
  std::ofstream(tmp + "body-living") << "partial";
  const int living = open((tmp + "body-living").c_str(), O_RDONLY | O_CLOEXEC);
  flock(living, LOCK_SH);
  put(*make_local_store(options), "a", "2");
  EXPECT_FALSE(fs::exists(tmp + "body-dead"));
  EXPECT_TRUE(fs::exists(tmp + "body-living"));
  close(living);
}

TEST_F(LocalStoreTest, RemoveTakesEmptiedDirectoriesButNeverTheBucket) {
  put(*store, "a/b/c/x", "1");
  put(*store, "a/keep", "1");
  store->remove({{"a/b/c/x"}, {}}, {});
  EXPECT_FALSE(fs::exists(bucket + "/a/b"));
  EXPECT_TRUE(fs::exists(bucket + "/a/keep"));
  store->remove({{"a/keep"}, {}}, {});
  EXPECT_FALSE(fs::exists(bucket + "/a"));
  EXPECT_TRUE(fs::exists(bucket));
}

TEST_F(LocalStoreTest, MarkerIsAnEmptyDirectoryThatStays) {
  const auto token = put(*store, "d/e/", "", {}, {{"mtime", "7"}}).token;
  EXPECT_TRUE(fs::is_directory(bucket + "/d/e"));
  EXPECT_EQ(keys(*store), Names{"d/e/"});
  put(*store, "d/e/f", "1");
  EXPECT_EQ(keys(*store), (Names{"d/e/", "d/e/f"}));
  EXPECT_EQ(keys(*store, "d/e/"), (Names{"d/e/", "d/e/f"}));
  store->remove({{"d/e/f"}, {}}, {});
  const auto info = store->head({"d/e/"}, {});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->token, token);
  EXPECT_EQ(info->size, 0u);
  EXPECT_EQ(info->metadata->at("mtime"), "7");
  EXPECT_EQ(put(*store, "d/e/", "", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_NE(put(*store, "d/e/", "").token, token);
  EXPECT_EQ(store->remove({{"d/e/"}, token}, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(store->remove({{"d/e/"}, {}}, {}).outcome, Outcome::kOk);
  EXPECT_FALSE(fs::exists(bucket + "/d"));
}

TEST_F(LocalStoreTest, MarkerCannotHoldBytes) {
  EXPECT_THROW(put(*store, "d/", "bytes"), Error);
}

TEST_F(LocalStoreTest, EmptyDirectoriesAreNoCommonPrefixes) {
  put(*store, "a/b", "1");
  fs::create_directories(bucket + "/empty/deeper");
  ListRequest request;
  request.delimiter = "/";
  EXPECT_EQ(store->list(request, {}).common_prefixes, Names{"a/"});
}

TEST_F(LocalStoreTest, PageTokenWorksInAnotherProcess) {
  for (const char* key : {"a-b", "a/b", "a/c/d", "a/c/e", "a0", "b"})
    put(*store, key, "1");
  Names found;
  ListRequest request;
  request.max_keys = 1;
  do {
    const ListPage page = make_local_store(options)->list(request, {});
    found.push_back(page.objects.at(0).key.value);
    request.page_token = page.next_page_token;
  } while (!request.page_token.empty());
  EXPECT_EQ(found, (Names{"a-b", "a/b", "a/c/d", "a/c/e", "a0", "b"}));
}

TEST_F(LocalStoreTest, DelimiterPageTokenWorksInAnotherProcess) {
  for (const char* key : {"a", "b/c", "b/d", "b0", "c/x"}) put(*store, key, "1");
  Names found;
  ListRequest request;
  request.delimiter = "/";
  request.max_keys = 1;
  do {
    const ListPage page = make_local_store(options)->list(request, {});
    for (const auto& object : page.objects) found.push_back(object.key.value);
    for (const auto& prefix : page.common_prefixes) found.push_back(prefix);
    request.page_token = page.next_page_token;
  } while (!request.page_token.empty() && found.size() < 20);
  EXPECT_EQ(found, (Names{"a", "b/", "b0", "c/"}));
}

TEST_F(LocalStoreTest, UnreadableDirectoryIsBlocked) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads every directory";
  put(*store, "a/b", "1");
  put(*store, "c", "1");
  chmod((bucket + "/a").c_str(), 0);
  EXPECT_EQ(keys(*store), (Names{"a/", "c"}));
  EXPECT_FALSE(store->list({}, {}).objects.at(0).blocked.empty());
  EXPECT_THROW(keys(*store, "a/"), Error);
  EXPECT_THROW(store->head({"a/b"}, {}), Error);
  chmod((bucket + "/a").c_str(), 0700);
}

TEST_F(LocalStoreTest, FailedBodyLeavesNothingBehind) {
  class BreakingSource : public ByteSource {
   public:
    std::uint64_t size() const override { return 100; }
    std::size_t read(MutableBytes out) override {
      if (std::exchange(broken_, true)) throw Error(ErrorCode::kLocalIo, "gone");
      return std::min<std::size_t>(10, out.size());
    }
    void rewind() override {}

   private:
    bool broken_ = false;
  };
  put(*store, "a", "old");
  BreakingSource source;
  PutRequest request;
  request.key = {"a"};
  EXPECT_THROW(store->put(request, source, {}), Error);
  EXPECT_EQ(read("a"), "old");
  EXPECT_TRUE(fs::is_empty(bucket + "/.cloudsync-store/tmp"));
}

TEST_F(LocalStoreTest, UploadIsResumedByAnotherStore) {
  const UploadId id = store->multipart()->begin_upload(
      {{"big"}, {}, 8, 0, "", "", {{"mtime", "3"}}, {}, {}}, {});
  const auto other = make_local_store(options);
  CompleteRequest complete;
  complete.key = {"big"};
  complete.upload = id;
  for (std::uint32_t number = 1; number <= 2; ++number) {
    const std::string body(4, static_cast<char>('0' + number));
    testing::TextSource source(body);
    PartRequest part;
    part.key = complete.key;
    part.upload = id;
    part.number = number;
    other->multipart()->upload_part(part, source, {});
  }
  complete.parts = store->multipart()->list_parts({"big"}, id, {}).value();
  EXPECT_EQ(store->multipart()->complete_upload(complete, {}).outcome, Outcome::kOk);
  EXPECT_EQ(read("big"), "11112222");
  EXPECT_EQ(store->head({"big"}, {})->metadata->at("mtime"), "3");
  EXPECT_TRUE(fs::is_empty(bucket + "/.cloudsync-store/uploads"));
}

TEST_F(LocalStoreTest, UploadIdIsNeverAPath) {
  put(*store, "a", "1");
  EXPECT_FALSE(store->multipart()->list_parts({"a"}, {"../records"}, {}));
  EXPECT_NO_THROW(store->multipart()->abort_upload({"a"}, {".."}, {}));
  EXPECT_EQ(keys(*store), Names{"a"});
}

TEST_F(LocalStoreTest, BucketThatCannotBeMadeIsExplained) {
  options.path += "/file";
  std::ofstream(options.path) << "";
  EXPECT_THROW(make_local_store(options)->describe_bucket({}), Error);
  options.path.clear();
  EXPECT_THROW(make_local_store(options), Error);
  options.path = bucket;
  options.bucket = "a/b";
  EXPECT_THROW(make_local_store(options), Error);
}

// Shows on tmpfs only, whose readings lose names that are replaced meanwhile.
TEST(LocalListing, NamesReplacedDuringTheReadingAreNotMissed) {
  std::string folder = "/dev/shm/cloudsync-local-XXXXXX";
  if (!mkdtemp(folder.data())) GTEST_SKIP() << "no /dev/shm";
  StorageOptions options;
  options.path = folder;
  fs::create_directories(folder + "/data");
  constexpr int kFiles = 2000;
  const auto replace = [&](int i) {
    const std::string fresh = folder + "/fresh";
    std::ofstream(fresh).put('x');
    fs::rename(fresh, folder + "/data/f" + std::to_string(i));
  };
  for (int i = 0; i < kFiles; ++i) replace(i);
  {
    const std::jthread writer([&](const std::stop_token& stop) {
      for (int i = 0; !stop.stop_requested(); ++i) replace(i % kFiles);
    });
    const auto store = make_local_store(options);
    for (int round = 0; round < 30; ++round) EXPECT_EQ(keys(*store).size(), kFiles);
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace cloudsync::storage
