// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_test_bench.h"

#include "auth/azure/shared_key.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "hash/digest.h"
#include "http/curl_transport.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

extern char** environ;

namespace cloudsync::storage::azure {
namespace {

using testing::error_of;
using testing::source_of;
using testing::StringSink;

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
class AzuriteProcess {
 public:
  explicit AzuriteProcess(const std::string& program) {
    const char* base = std::getenv("TMPDIR");
    folder_ = std::string(base == nullptr ? "/tmp" : base) + "/cloudsync-azure-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    port_ = std::to_string(free_port());
    start(program);
  }
  ~AzuriteProcess() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  AzuriteProcess(const AzuriteProcess&) = delete;
  AzuriteProcess& operator=(const AzuriteProcess&) = delete;
  std::string url() const { return "http://127.0.0.1:" + port_; }

 private:
  void start(const std::string& program) {
    std::vector<std::string> arguments = {
        program,      "--silent", "--disableTelemetry", "--skipApiVersionCheck",
        "--location", folder_,    "--blobHost",         "127.0.0.1",
        "--blobPort", port_};
    ::setenv("AZURITE_ACCOUNTS",
             (std::string(testing::kAccount) + ":" + testing::kAccountKey).c_str(), 1);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    ASSERT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers.data(),
                            environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
  }

  std::string folder_;
  std::string port_;
  pid_t pid_ = -1;
};

// Of the whole account, until 2099.
std::string account_sas(const std::string& rights) {
  const std::string text = std::string(testing::kAccount) + "\n" + rights +
                           "\nb\nco\n\n2099-01-01T00:00:00Z\n\n\n2022-11-02\n\n";
  const auto key = base::from_base64(testing::kAccountKey);
  const Sha256Digest signature =
      hash::hmac_sha256(std::as_bytes(std::span(*key)), std::as_bytes(std::span(text)));
  return "sv=2022-11-02&ss=b&srt=co&sp=" + rights + "&se=2099-01-01T00%3A00%3A00Z&sig=" +
         base::percent_encode(base::to_base64(signature));
}

http::HttpResponse create_container(const std::string& endpoint) {
  const auto transport = http::make_curl_transport();
  http::HttpRequest request;
  request.method = "PUT";
  request.url = endpoint + "/" + testing::kAccount + "/box?restype=container";
  request.headers = {
      {"x-ms-version", "2023-11-03"},
      {"x-ms-date", base::format_http_date(base::system_clock().now_ns())}};
  request.headers.emplace_back(
      "authorization",
      auth::shared_key_header({request, 0, testing::kAccount}, testing::kAccountKey));
  return transport->send(request, nullptr, {});
}

// The first request that the server answers ends the wait.
void create_when_ready(const std::string& endpoint) {
  for (int attempt = 0;; ++attempt) {
    try {
      const http::HttpResponse response = create_container(endpoint);
      ASSERT_EQ(response.status, 201) << response.body;
      return;
    } catch (const Error& error) {
      ASSERT_TRUE(error.retryable() && attempt < 600) << error.what();
    }
    base::system_clock().sleep_for(std::chrono::milliseconds(50), {});
  }
}

class AzureAzurite : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* program = std::getenv("CLOUDSYNC_AZURITE");
    if (program == nullptr) return;
    server_ = std::make_unique<AzuriteProcess>(program);
    create_when_ready(server_->url());
    store_ = make_azure_store(options());
  }
  static void TearDownTestSuite() {
    store_.reset();
    server_.reset();
  }
  void SetUp() override {
    if (store_ == nullptr) {
      GTEST_SKIP()
          << "CLOUDSYNC_AZURITE does not name a program (tools/server prints it)";
    }
  }
  static StorageOptions options() {
    StorageOptions options;
    options.bucket = "box";
    options.endpoint_url = server_->url();
    options.account = testing::kAccount;
    options.credentials = {{"account_key", testing::kAccountKey}};
    return options;
  }

  static PutResult put(const std::string& key, const std::string& text,
                       Precondition condition = {}) {
    PutRequest request;
    request.key = {key};
    request.condition = std::move(condition);
    request.md5 = hash::Md5::of(std::as_bytes(std::span(text)));
    request.metadata = {{"mtime", "2023-11-14T22:13:20.25Z"}, {"cs_symlink", "x"}};
    MemorySource source = source_of(text);
    return store_->put(request, source, {});
  }
  static GetResult get(const std::string& key, StringSink& sink,
                       std::optional<ByteRange> range = {}) {
    GetRequest request;
    request.key = {key};
    request.range = range;
    return store_->get(request, sink, {});
  }
  static PartReceipt put_part(const UploadId& upload, std::uint32_t number,
                              const std::string& text) {
    PartRequest part;
    part.key = {"big"};
    part.upload = upload;
    part.number = number;
    part.md5 = hash::Md5::of(std::as_bytes(std::span(text)));
    MemorySource source = source_of(text);
    return store_->multipart()->upload_part(part, source, {});
  }

  static std::unique_ptr<AzuriteProcess> server_;
  static std::unique_ptr<ObjectStore> store_;
};

std::unique_ptr<AzuriteProcess> AzureAzurite::server_;
std::unique_ptr<ObjectStore> AzureAzurite::store_;

TEST_F(AzureAzurite, WhatIsPutIsListedAndGot) {
  const std::string key = "p/a b+c%ü&<>";
  const PutResult written = put(key, "hello", {{}, true});
  ASSERT_EQ(written.outcome, Outcome::kOk);
  ListRequest list;
  list.prefix = "p/";
  const ListPage page = store_->list(list, {});
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].key.value, key);
  EXPECT_EQ(page.objects[0].token, written.token);
  EXPECT_EQ(page.objects[0].metadata->at("mtime"), "2023-11-14T22:13:20.25Z");
  EXPECT_EQ(page.objects[0].storage_class, "");
  EXPECT_TRUE(page.objects[0].stored_md5);
  StringSink sink;
  const GetResult got = get(key, sink);
  EXPECT_EQ(sink.text, "hello");
  EXPECT_EQ(got.info.token, written.token);
  EXPECT_EQ(got.info.stored_md5, page.objects[0].stored_md5);
  StringSink part;
  EXPECT_EQ(get(key, part, ByteRange{1, 3}).info.metadata->at("cs_symlink"), "x");
  EXPECT_EQ(part.text, "ell");
}

TEST_F(AzureAzurite, PagesAndPrefixes) {
  for (const char* name : {"d/a", "d/b/1", "d/b/2", "d/c"}) put(name, "1");
  ListRequest list;
  list.prefix = "d/";
  list.delimiter = "/";
  const ListPage flat = store_->list(list, {});
  EXPECT_EQ(flat.objects.size(), 2U);
  EXPECT_EQ(flat.common_prefixes, std::vector<std::string>{"d/b/"});
  list.delimiter = "";
  list.max_keys = 3;
  const ListPage first = store_->list(list, {});
  EXPECT_EQ(first.objects.size(), 3U);
  list.page_token = first.next_page_token;
  const ListPage second = store_->list(list, {});
  EXPECT_EQ(second.objects.size(), 1U);
  EXPECT_EQ(second.next_page_token, "");
}

TEST_F(AzureAzurite, PreconditionsAndChecksumsAreHeldToThePromise) {
  const PutResult first = put("c", "one");
  EXPECT_EQ(put("c", "two", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(put("c", "two", {VersionToken{"0x8D0WRONG"}, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(put("c", "two", {first.token, false}).outcome, Outcome::kOk);
  EXPECT_EQ(put("absent", "x", {first.token, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(store_->remove({{"c"}, first.token}, {}).outcome,
            Outcome::kPreconditionFailed);
  PutRequest damaged;
  damaged.key = {"d"};
  damaged.md5 = Md5Digest{1};
  MemorySource source = source_of("x");
  EXPECT_EQ(error_of([&] { store_->put(damaged, source, {}); }).code(),
            ErrorCode::kDataCorrupt);
}

TEST_F(AzureAzurite, EmptyAndArchivedBlobs) {
  put("empty", "");
  StringSink sink;
  EXPECT_EQ(get("empty", sink, ByteRange{0, 100}).outcome, Outcome::kOk);
  PutRequest cold;
  cold.key = {"frozen"};
  cold.storage_class = "archive";
  MemorySource source = source_of("x");
  store_->put(cold, source, {});
  EXPECT_EQ(get("frozen", sink).outcome, Outcome::kArchived);
  EXPECT_TRUE(store_->head({"frozen"}, {})->archived);
}

TEST_F(AzureAzurite, PartsBecomeOneObject) {
  MultipartStore& uploads = *store_->multipart();
  BeginUploadRequest begin;
  begin.key = {"big"};
  const UploadId upload = uploads.begin_upload(begin, {});
  EXPECT_TRUE(uploads.list_parts(begin.key, upload, {})->empty());
  const std::string first(1 << 20, 'a');
  CompleteRequest complete;
  complete.key = begin.key;
  complete.upload = upload;
  complete.condition.if_absent = true;
  complete.md5 = Md5Digest{5};
  complete.metadata = {{"mtime", "x"}};
  const PartReceipt tail = put_part(upload, 2, "tail");
  complete.parts = {put_part(upload, 1, first), tail};
  const auto listed = uploads.list_parts(begin.key, upload, {});
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ(listed->at(1).etag, tail.etag);
  EXPECT_EQ(uploads.complete_upload(complete, {}).outcome, Outcome::kOk);
  complete.condition = {};
  EXPECT_EQ(error_of([&] { uploads.complete_upload(complete, {}); }).code(),
            ErrorCode::kNotFound);
  const auto info = store_->head(begin.key, {});
  EXPECT_EQ(info->size, first.size() + 4);
  EXPECT_EQ(info->stored_md5, complete.md5);
  EXPECT_EQ(info->metadata, complete.metadata);
}

TEST_F(AzureAzurite, CopiesAndDeletions) {
  const PutResult source = put("src é", "text");
  CopyRequest copy;
  copy.source = {"src é"};
  copy.destination = {"dst copy"};
  copy.source_if_match = source.token;
  EXPECT_EQ(store_->copy(copy, {}).outcome, Outcome::kOk);
  EXPECT_EQ(store_->head(copy.destination, {})->metadata->at("cs_symlink"), "x");
  copy.condition.if_absent = true;
  EXPECT_EQ(store_->copy(copy, {}).outcome, Outcome::kPreconditionFailed);
  copy.source_if_match = VersionToken{"0x8D0WRONG"};
  EXPECT_EQ(store_->copy(copy, {}).outcome, Outcome::kPreconditionFailed);
  put("kept", "1");
  const std::vector<DeleteRequest> requests = {{{"src é"}, source.token},
                                               {{"dst copy"}, {}},
                                               {{"no"}, {}},
                                               {{"kept"}, VersionToken{"0x8D0WRONG"}}};
  const auto results = store_->remove_many(requests, {});
  ASSERT_EQ(results.size(), 4U);
  for (const DeleteResult& result : results) {
    EXPECT_FALSE(result.error) << result.error->what();
  }
  EXPECT_EQ(results[3].outcome, Outcome::kPreconditionFailed);
  EXPECT_FALSE(store_->head({"src é"}, {}));
  EXPECT_FALSE(store_->head({"dst copy"}, {}));
  EXPECT_TRUE(store_->head({"kept"}, {}));
}

TEST_F(AzureAzurite, ASasIsEnoughForCopiesAndBatches) {
  StorageOptions by_sas = options();
  by_sas.credentials = {{"sas_token", account_sas("rwdlac")}};
  const auto store = make_azure_store(by_sas);
  put("sas/a", "1");
  CopyRequest copy;
  copy.source = {"sas/a"};
  copy.destination = {"sas/b"};
  EXPECT_EQ(store->copy(copy, {}).outcome, Outcome::kOk);
  const auto results = store->remove_many(
      std::vector<DeleteRequest>{{{"sas/a"}, {}}, {{"sas/b"}, {}}}, {});
  for (const DeleteResult& result : results) {
    EXPECT_FALSE(result.error) << result.error->what();
  }
  EXPECT_FALSE(store->head({"sas/a"}, {}));
}

TEST_F(AzureAzurite, ASasWithoutTheRightIsToldWhichOne) {
  put("protected", "1");
  StorageOptions by_sas = options();
  by_sas.credentials = {{"sas_token", account_sas("rl")}};
  const auto store = make_azure_store(by_sas);
  EXPECT_TRUE(store->describe_bucket({}).exists);
  const Error error = error_of([&] { store->remove({{"protected"}, {}}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied) << error.what();
  EXPECT_THAT(error.what(), ::testing::HasSubstr("d (delete)"));
  const auto results = store->remove_many(
      std::vector<DeleteRequest>{{{"protected"}, {}}, {{"absent"}, {}}}, {});
  EXPECT_EQ(results[0].error.value().code(), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(store_->head({"protected"}, {}));
}

TEST_F(AzureAzurite, RefusalsAreToldInTheServicesWords) {
  StorageOptions wrong = options();
  wrong.credentials["account_key"] = "d3Jvbmcta2V5";
  const Error key = error_of([&] { make_azure_store(wrong)->describe_bucket({}); });
  EXPECT_EQ(key.detail().http_status, 403) << key.what();
  wrong = options();
  wrong.bucket = "no-such-box";
  EXPECT_FALSE(make_azure_store(wrong)->describe_bucket({}).exists);
  EXPECT_THAT(error_of([&] { make_azure_store(wrong)->list({}, {}); }).what(),
              ::testing::HasSubstr("ContainerNotFound"));
}

}  // namespace
}  // namespace cloudsync::storage::azure
