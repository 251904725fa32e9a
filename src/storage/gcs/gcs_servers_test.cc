// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "http/curl_transport.h"
#include "storage/decorators.h"
#include "storage/gcs/gcs_test_bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

// Against emulators, as far as each honours the protocol: fake-gcs-server for all but
// resuming, gcp-storage-emulator for resuming.

namespace cloudsync::storage::gcs {
namespace {

using ::testing::ElementsAre;
using testing::md5_of;
using testing::source_of;
using testing::StringSink;

constexpr std::uint64_t kPart = 256 << 10;

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(fd, any, length), 0);
  EXPECT_EQ(::getsockname(fd, any, &length), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

// A server of our own on a free port with its own folder; gone with the object.
class ServerProcess {
 public:
  using Arguments = std::function<std::vector<std::string>(const std::string& port,
                                                           const std::string& folder)>;
  explicit ServerProcess(const Arguments& arguments) {
    const char* base = std::getenv("TMPDIR");
    std::string pattern =
        std::string(base == nullptr ? "/tmp" : base) + "/cloudsync-gcs-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    const std::string port = std::to_string(free_port());
    url_ = "http://127.0.0.1:" + port;
    start(arguments(port, folder_));
  }
  ~ServerProcess() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // The first answer ends the wait.
  std::unique_ptr<ObjectStore> make_bucket() {
    const auto transport = http::make_curl_transport();
    const std::string text = R"({"name":"bucket"})";
    for (int attempt = 0;; ++attempt) {
      MemorySource body = source_of(text);
      try {
        const auto answer = transport->send({"POST",
                                             url_ + "/storage/v1/b?project=test",
                                             {{"content-type", "application/json"}},
                                             &body},
                                            nullptr, {});
        EXPECT_EQ(answer.status, 200);
        return make_store();
      } catch (const Error& error) {
        if (attempt == 300) throw;
      }
      base::system_clock().sleep_for(std::chrono::milliseconds(50), {});
    }
  }
  std::unique_ptr<ObjectStore> make_store() const {
    StorageOptions options;
    options.provider = "gcs";
    options.bucket = "bucket";
    options.endpoint_url = url_;
    return make_gcs_store(options);
  }

 private:
  void start(std::vector<std::string> arguments) {
    std::vector<char*> pointers;
    for (std::string& text : arguments) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    EXPECT_EQ(
        ::posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ),
        0);
    posix_spawn_file_actions_destroy(&actions);
  }

  std::string folder_;
  std::string url_;
  pid_t pid_ = -1;
};

std::string big_content() {
  std::string content;
  for (std::size_t i = 0; content.size() < 2 * kPart + 777; ++i)
    content.push_back(static_cast<char>(i * 31 + i / 977));
  return content;
}

BeginUploadRequest begin_request(const std::string& content) {
  BeginUploadRequest begin;
  begin.key = {"big"};
  begin.size = content.size();
  begin.part_size = kPart;
  begin.content_type = "text/plain";
  begin.metadata = {{"mtime", "x"}};
  return begin;
}

PartReceipt send_part(ObjectStore& store, const UploadId& upload,
                      const std::string& content, std::uint32_t number) {
  PartRequest part;
  part.key = {"big"};
  part.upload = upload;
  part.number = number;
  part.offset = (number - 1) * kPart;
  const std::string bytes = content.substr(part.offset, kPart);
  MemorySource source = source_of(bytes);
  return store.multipart()->upload_part(part, source, {});
}

CompleteRequest complete_request(const UploadId& upload, const std::string& content) {
  CompleteRequest complete;
  complete.key = {"big"};
  complete.upload = upload;
  complete.size = content.size();
  complete.md5 = md5_of(content);
  return complete;
}

PutRequest put_request(const std::string& key, const std::string& content) {
  PutRequest request;
  request.key = {key};
  request.md5 = md5_of(content);
  request.content_type = "text/plain";
  request.storage_class = "NEARLINE";
  request.metadata = {{"mtime", "2023-11-14T22:13:20.5Z"}};
  return request;
}

class FakeGcsServer : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* program = std::getenv("CLOUDSYNC_FAKE_GCS");
    if (program == nullptr) GTEST_SKIP() << "CLOUDSYNC_FAKE_GCS names no fake-gcs-server";
    server_ = std::make_unique<ServerProcess>(
        [&](const std::string& port, const std::string&) -> std::vector<std::string> {
          const std::string place = "127.0.0.1:" + port;
          return {program,           "-scheme",  "http",         "-host", "127.0.0.1",
                  "-port",           port,       "-public-host", place,   "-external-url",
                  "http://" + place, "-backend", "memory"};
        });
    store_ = server_->make_bucket();
  }
  PutResult put(const std::string& key, const std::string& content,
                Precondition condition = {}) {
    PutRequest request = put_request(key, content);
    request.condition = std::move(condition);
    MemorySource source = source_of(content);
    return store_->put(request, source, {});
  }

  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(FakeGcsServer, ObjectsGoThereAndBack) {
  EXPECT_TRUE(store_->describe_bucket({}).exists);
  const PutResult stored = put("dir/k", "0123456789");
  const auto info = store_->head({"dir/k"}, {});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->token, stored.token);
  EXPECT_EQ(info->md5, md5_of("0123456789"));
  EXPECT_EQ(info->metadata, put_request("", "").metadata);
  EXPECT_EQ(info->storage_class, "NEARLINE");
  StringSink sink;
  const GetResult got =
      store_->get({{"dir/k"}, ByteRange{3, 4}, stored.token, ""}, sink, {});
  EXPECT_EQ(sink.text, "3456");
  EXPECT_EQ(got.info.size, 10U);
  EXPECT_EQ(got.info.token, stored.token);
  EXPECT_EQ(store_->head({"nope"}, {}), std::nullopt);
  EXPECT_EQ(store_->get({{"nope"}, {}, {}, ""}, sink, {}).outcome, Outcome::kNotFound);
  put("empty", "");
  EXPECT_EQ(store_->get({{"empty"}, ByteRange{0, 5}, {}, ""}, sink, {}).info.size, 0U);
}

TEST_F(FakeGcsServer, ConditionsOnUploadsAndChecksumsHold) {
  const PutResult first = put("k", "one", {{}, true});
  EXPECT_EQ(first.outcome, Outcome::kOk);
  EXPECT_EQ(put("k", "two", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(put("k", "two", {VersionToken{"17"}, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(put("k", "two", {first.token, false}).outcome, Outcome::kOk);
  PutRequest wrong = put_request("w", "other");
  MemorySource source = source_of("hello");
  EXPECT_EQ(testing::error_of([&] { store_->put(wrong, source, {}); }).code(),
            ErrorCode::kDataCorrupt);
}

TEST_F(FakeGcsServer, AReplacedObjectIsNotReadAsTheOldOne) {
  const PutResult first = put("k", "one");
  put("k", "two");
  StringSink sink;
  EXPECT_EQ(testing::error_of([&] {
              store_->get({{"k"}, {}, first.token, ""}, sink, {});
            }).code(),
            ErrorCode::kPreconditionFailed);
  EXPECT_EQ(sink.text, "");
}

TEST_F(FakeGcsServer, ListingsPageInOrderWithMetadata) {
  for (const char* key : {"a", "a-b", "a/b", "b", "\xEE\x80\x80", "\xF0\x9F\x98\x80"})
    put(key, "x");
  std::vector<std::string> keys;
  ListRequest request;
  request.start_after = "a";
  request.max_keys = 2;
  do {
    const ListPage page = store_->list(request, {});
    for (const ObjectInfo& info : page.objects) {
      keys.push_back(info.key.value);
      EXPECT_EQ(info.metadata, put_request("", "").metadata);
    }
    request.page_token = page.next_page_token;
  } while (!request.page_token.empty());
  EXPECT_THAT(keys, ElementsAre("a-b", "a/b", "b", "\xEE\x80\x80", "\xF0\x9F\x98\x80"));
}

TEST_F(FakeGcsServer, ASessionBecomesAnObject) {
  const std::string content = big_content();
  const UploadId upload = store_->multipart()->begin_upload(begin_request(content), {});
  for (std::uint32_t number = 1; number <= 3; ++number)
    send_part(*store_, upload, content, number);
  EXPECT_EQ(store_->head({"big"}, {}), std::nullopt);
  EXPECT_EQ(
      store_->multipart()->complete_upload(complete_request(upload, content), {}).outcome,
      Outcome::kOk);
  const auto info = store_->head({"big"}, {});
  EXPECT_EQ(info->md5, md5_of(content));
  EXPECT_EQ(info->content_type, "text/plain");
  EXPECT_EQ(info->metadata, (Metadata{{"mtime", "x"}}));
  const UploadId aborted = store_->multipart()->begin_upload(begin_request(content), {});
  EXPECT_NO_THROW(store_->multipart()->abort_upload({"big"}, aborted, {}));
}

TEST_F(FakeGcsServer, CopiesAndBatches) {
  const PutResult a = put("a", "content");
  EXPECT_EQ(store_->copy({{"a"}, a.token, {"b/c"}, {{}, true}, 7}, {}).outcome,
            Outcome::kOk);
  EXPECT_EQ(store_->head({"b/c"}, {})->metadata, put_request("", "").metadata);
  EXPECT_EQ(store_->copy({{"nope"}, {}, {"x"}, {}, 0}, {}).outcome, Outcome::kNotFound);
  const std::vector<DeleteRequest> requests = {{{"a"}, {}}, {{"b/c"}, {}}, {{"no"}, {}}};
  for (const DeleteResult& result : store_->remove_many(requests, {}))
    EXPECT_FALSE(result.error);
  EXPECT_TRUE(store_->list({}, {}).objects.empty());
  EXPECT_EQ(store_->remove({{"a"}, {}}, {}).outcome, Outcome::kOk);
}

TEST_F(FakeGcsServer, TheProbeFindsOutWhatItHonours) {
  EXPECT_FALSE(store_->capabilities().declared);
  const Capabilities found =
      probe_server(*store_, "", "id", {}, {}).facts.over(store_->capabilities());
  EXPECT_TRUE(found.conditional_put);
  EXPECT_FALSE(found.conditional_delete);
  EXPECT_FALSE(found.conditional_batch_delete);
  EXPECT_TRUE(found.conditional_complete);
  EXPECT_TRUE(found.nested_keys);
  EXPECT_TRUE(found.start_after);
  EXPECT_FALSE(found.crc64nvme);
  EXPECT_EQ(found.list_order, KeyOrder::kUtf8);
  EXPECT_TRUE(store_->list({}, {}).objects.empty());
}

TEST(GcpStorageEmulator, AnUploadGoesOnInAnotherProcess) {
  const char* program = std::getenv("CLOUDSYNC_GCP_EMULATOR");
  if (program == nullptr)
    GTEST_SKIP() << "CLOUDSYNC_GCP_EMULATOR names no gcp-storage-emulator";
  ServerProcess server([&](const std::string& port,
                           const std::string& folder) -> std::vector<std::string> {
    return {program, "-d", folder, "start", "-q", "--host", "127.0.0.1", "--port", port};
  });
  const auto first = server.make_bucket();
  const std::string content = big_content();
  const UploadId upload = first->multipart()->begin_upload(begin_request(content), {});
  EXPECT_EQ(first->multipart()->list_parts({"big"}, upload, {})->size(), 0U);
  send_part(*first, upload, content, 1);

  const auto second = server.make_store();
  const auto parts = second->multipart()->list_parts({"big"}, upload, {});
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->size(), 1U);
  send_part(*second, upload, content, 2);
  send_part(*second, upload, content, 3);
  EXPECT_EQ(
      second->multipart()->complete_upload(complete_request(upload, content), {}).outcome,
      Outcome::kOk);
  EXPECT_EQ(second->head({"big"}, {})->md5, md5_of(content));
}

}  // namespace
}  // namespace cloudsync::storage::gcs
