// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_test_bench.h"

#include "base/clock.h"
#include "base/subprocess.h"
#include "hash/digest.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace cloudsync::storage::s3 {
namespace {

using testing::error_of;
using testing::source_of;
using testing::StringSink;

constexpr char kUser[] = "cloudsync-test";
constexpr char kSecret[] = "cloudsync-test-secret";
constexpr char kRegion[] = "eu-test-1";
constexpr char kKmsKey[] = "cloudsync-test-key";
constexpr char kCustomerKey[] = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
constexpr char kOtherKey[] = "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=";

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
class MinioProcess {
 public:
  explicit MinioProcess(const std::string& binary, bool tls = false)
      : scheme_(tls ? "https" : "http") {
    const char* base = std::getenv("TMPDIR");
    std::string pattern =
        std::string(base == nullptr ? "/tmp" : base) + "/cloudsync-s3-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    // A folder of the data directory is a bucket.
    std::filesystem::create_directories(folder_ + "/data/bucket");
    address_ = "127.0.0.1:" + std::to_string(free_port());
    std::filesystem::create_directories(folder_ + "/certs");
    if (tls) make_certificate();
    start(binary);
  }
  ~MinioProcess() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  MinioProcess(const MinioProcess&) = delete;
  MinioProcess& operator=(const MinioProcess&) = delete;
  std::string url() const { return scheme_ + "://" + address_; }
  std::string certificate() const { return folder_ + "/certs/public.crt"; }

 private:
  void make_certificate() {
    const auto made = base::run_subprocess(
        {.argv = {"openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=localhost",
                  "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                  folder_ + "/certs/private.key", "-out", certificate()},
         .extra_environment = {}},
        {});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  void start(const std::string& binary) {
    std::vector<std::string> arguments = {
        binary,   "server",      "--quiet",          "--address",
        address_, "--certs-dir", folder_ + "/certs", folder_ + "/data"};
    std::vector<std::string> variables = {
        "MINIO_ROOT_USER=" + std::string(kUser),
        "MINIO_ROOT_PASSWORD=" + std::string(kSecret),
        "MINIO_BROWSER=off",
        "MINIO_UPDATE=off",
        "MINIO_CI_CD=on",
        "MINIO_SITE_REGION=" + std::string(kRegion),
        "MINIO_KMS_SECRET_KEY=" + std::string(kKmsKey) + ":" + kCustomerKey,
        "HOME=" + folder_};
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> out;
      for (std::string& text : texts) out.push_back(text.data());
      out.push_back(nullptr);
      return out;
    };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    ASSERT_EQ(::posix_spawn(&pid_, binary.c_str(), &actions, nullptr,
                            pointers(arguments).data(), pointers(variables).data()),
              0);
    posix_spawn_file_actions_destroy(&actions);
  }

  std::string scheme_;
  std::string folder_;
  std::string address_;
  pid_t pid_ = -1;
};

// The first request that the server answers ends the wait.
void wait_until_ready(ObjectStore& store) {
  for (int attempt = 0;; ++attempt) {
    try {
      ASSERT_TRUE(store.describe_bucket({}).exists);
      return;
    } catch (const Error& error) {
      ASSERT_TRUE(error.retryable() && attempt < 300) << error.what();
    }
    base::system_clock().sleep_for(std::chrono::milliseconds(50), {});
  }
}

StorageOptions options_of(const MinioProcess& server) {
  StorageOptions options;
  options.bucket = "bucket";
  options.endpoint_url = server.url();
  options.credentials = {{"aws_access_key_id", kUser},
                         {"aws_secret_access_key", kSecret}};
  return options;
}

PutRequest put_request(const std::string& key, const std::string& text) {
  PutRequest request;
  request.key = {key};
  request.md5 = hash::Md5::of(std::as_bytes(std::span(text)));
  return request;
}

PutResult put_to(ObjectStore& store, const std::string& key, const std::string& text) {
  MemorySource source = source_of(text);
  return store.put(put_request(key, text), source, {});
}

std::string content_of(ObjectStore& store, const std::string& key) {
  StringSink sink;
  GetRequest request;
  request.key = {key};
  EXPECT_EQ(store.get(request, sink, {}).outcome, Outcome::kOk) << key;
  return sink.text;
}

PutResult upload_to(ObjectStore& store, const std::string& key,
                    const std::vector<std::string>& parts) {
  MultipartStore& uploads = *store.multipart();
  BeginUploadRequest begin;
  begin.key = {key};
  CompleteRequest complete;
  complete.key = begin.key;
  complete.upload = uploads.begin_upload(begin, {});
  for (const std::string& text : parts) {
    PartRequest part;
    part.key = begin.key;
    part.upload = complete.upload;
    part.number = static_cast<std::uint32_t>(complete.parts.size() + 1);
    part.md5 = hash::Md5::of(std::as_bytes(std::span(text)));
    MemorySource source = source_of(text);
    complete.parts.push_back(uploads.upload_part(part, source, {}));
    complete.size += text.size();
  }
  EXPECT_EQ(uploads.list_parts(begin.key, complete.upload, {})->size(), parts.size());
  return uploads.complete_upload(complete, {});
}

class S3Minio : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* binary = std::getenv("CLOUDSYNC_MINIO");
    if (binary == nullptr) return;
    server_ = std::make_unique<MinioProcess>(binary);
    store_ = make_s3_store(options_of(*server_));
    wait_until_ready(*store_);
  }
  static void TearDownTestSuite() {
    store_.reset();
    server_.reset();
  }
  void SetUp() override {
    if (store_ == nullptr) GTEST_SKIP() << "CLOUDSYNC_MINIO does not name a MinIO binary";
  }

  static PutResult put(const std::string& key, const std::string& text,
                       Precondition condition = {}) {
    PutRequest request;
    request.key = {key};
    request.condition = std::move(condition);
    request.md5 = hash::Md5::of(std::as_bytes(std::span(text)));
    request.metadata = {{"mtime", "1700000000.25"}};
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

  static std::unique_ptr<MinioProcess> server_;
  static std::unique_ptr<ObjectStore> store_;
};

std::unique_ptr<MinioProcess> S3Minio::server_;
std::unique_ptr<ObjectStore> S3Minio::store_;

TEST_F(S3Minio, WhatIsPutIsListedAndGot) {
  const std::string key = "p/a b+c%ü&<\x01>";
  const PutResult written = put(key, "hello", {{}, true});
  ASSERT_EQ(written.outcome, Outcome::kOk);
  ListRequest list;
  list.prefix = "p/";
  const ListPage page = store_->list(list, {});
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].key.value, key);
  EXPECT_EQ(page.objects[0].token, written.token);
  StringSink sink;
  const GetResult got = get(key, sink);
  EXPECT_EQ(sink.text, "hello");
  EXPECT_EQ(got.info.token, written.token);
  EXPECT_EQ(got.info.metadata->at("mtime"), "1700000000.25");
  StringSink part;
  get(key, part, ByteRange{1, 3});
  EXPECT_EQ(part.text, "ell");
}

TEST_F(S3Minio, PreconditionsAndChecksumsAreHeldToThePromise) {
  const PutResult first = put("c", "one");
  EXPECT_EQ(put("c", "two", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(put("c", "two", {VersionToken{"wrong"}, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(put("c", "two", {first.token, false}).outcome, Outcome::kOk);
  EXPECT_EQ(put("absent", "x", {first.token, false}).outcome,
            Outcome::kPreconditionFailed);
  PutRequest damaged;
  damaged.key = {"d"};
  damaged.md5 = Md5Digest{1};
  MemorySource source = source_of("x");
  EXPECT_EQ(error_of([&] { store_->put(damaged, source, {}); }).code(),
            ErrorCode::kDataCorrupt);
}

TEST_F(S3Minio, AnEmptyObjectIsReadByRangeToo) {
  put("empty", "");
  StringSink sink;
  const GetResult got = get("empty", sink, ByteRange{0, 100});
  EXPECT_EQ(got.outcome, Outcome::kOk);
  EXPECT_EQ(got.info.size, 0U);
}

TEST_F(S3Minio, PartsBecomeOneObject) {
  MultipartStore& uploads = *store_->multipart();
  BeginUploadRequest begin;
  begin.key = {"big"};
  const UploadId upload = uploads.begin_upload(begin, {});
  const std::string first(5 << 20, 'a');
  CompleteRequest complete;
  complete.key = begin.key;
  complete.upload = upload;
  complete.condition.if_absent = true;
  complete.parts = {put_part(upload, 1, first), put_part(upload, 2, "tail")};
  EXPECT_EQ(uploads.list_parts(begin.key, upload, {})->size(), 2U);
  EXPECT_EQ(uploads.complete_upload(complete, {}).outcome, Outcome::kOk);
  EXPECT_FALSE(uploads.list_parts(begin.key, upload, {}).has_value());
  complete.condition = {};
  EXPECT_EQ(error_of([&] { uploads.complete_upload(complete, {}); }).code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(store_->head(begin.key, {})->size, first.size() + 4);
  uploads.abort_upload(begin.key, upload, {});
}

TEST_F(S3Minio, CopiesAndDeletions) {
  const PutResult source = put("src", "text");
  CopyRequest copy;
  copy.source = {"src"};
  copy.destination = {"dst copy"};
  copy.source_if_match = source.token;
  const PutResult copied = store_->copy(copy, {});
  EXPECT_EQ(copied.outcome, Outcome::kOk);
  EXPECT_EQ(store_->head(copy.destination, {})->metadata->at("mtime"), "1700000000.25");
  copy.source_if_match = VersionToken{"wrong"};
  EXPECT_EQ(store_->copy(copy, {}).outcome, Outcome::kPreconditionFailed);
  const std::vector<DeleteRequest> requests = {
      {{"src"}, {}}, {{"dst copy"}, {}}, {{"no"}, {}}};
  for (const DeleteResult& result : store_->remove_many(requests, {})) {
    EXPECT_FALSE(result.error.has_value());
  }
  EXPECT_FALSE(store_->head({"src"}, {}).has_value());
  EXPECT_EQ(store_->remove({{"src"}, {}}, {}).outcome, Outcome::kOk);
}

TEST_F(S3Minio, RefusalsAreToldInTheServersWords) {
  StorageOptions options;
  options.bucket = "bucket";
  options.endpoint_url = server_->url();
  options.credentials = {{"aws_access_key_id", kUser},
                         {"aws_secret_access_key", "wrong-secret"}};
  const Error secret = error_of([&] { make_s3_store(options)->describe_bucket({}); });
  EXPECT_EQ(secret.code(), ErrorCode::kUnauthenticated) << secret.what();
  EXPECT_THAT(secret.what(), ::testing::HasSubstr("SignatureDoesNotMatch"));
  options.credentials["aws_secret_access_key"] = kSecret;
  options.bucket = "no-such-bucket";
  EXPECT_FALSE(make_s3_store(options)->describe_bucket({}).exists);
  EXPECT_THAT(error_of([&] { make_s3_store(options)->list({}, {}); }).what(),
              ::testing::HasSubstr("NoSuchBucket"));
}

TEST_F(S3Minio, AWrongRegionIsCorrectedFromTheServersWords) {
  StorageOptions options = options_of(*server_);
  options.region = "us-wrong-1";
  const auto other = make_s3_store(options);
  EXPECT_EQ(put_to(*other, "region", "x").outcome, Outcome::kOk);
  EXPECT_EQ(other->describe_bucket({}).region, kRegion);
}

TEST_F(S3Minio, BadCredentialsAreToldWithTheirOrigin) {
  StorageOptions options = options_of(*server_);
  options.credentials["aws_access_key_id"] = "nobody";
  const Error key = error_of([&] { make_s3_store(options)->describe_bucket({}); });
  EXPECT_EQ(key.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(key.what(), ::testing::HasSubstr("InvalidAccessKeyId"));
  EXPECT_THAT(key.what(), ::testing::HasSubstr("the credentials come from "));
  options = options_of(*server_);
  options.credentials["aws_session_token"] = "ended";
  const Error token = error_of([&] { make_s3_store(options)->describe_bucket({}); });
  EXPECT_EQ(token.code(), ErrorCode::kUnauthenticated) << token.what();
  options.credentials = {{"anonymous", "true"}};
  const Error anonymous = error_of([&] { put_to(*make_s3_store(options), "k", "x"); });
  EXPECT_EQ(anonymous.code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(anonymous.what(),
              ::testing::HasSubstr("s3:PutObject on this key; give it"));
}

TEST_F(S3Minio, ServiceKeysEncryptAndTheEtagIsNoLongerTrusted) {
  for (const std::string algorithm : {"AES256", "aws:kms"}) {
    StorageOptions options = options_of(*server_);
    options.server_side_encryption = algorithm;
    if (algorithm == "aws:kms") options.sse_kms_key_id = kKmsKey;
    const auto encrypting = make_s3_store(options);
    const std::string key = "sse " + algorithm;
    const PutResult written = put_to(*encrypting, key, "hello");
    const Md5Digest md5 = *put_request(key, "hello").md5;
    EXPECT_EQ(written.md5.value_or(md5), md5);
    EXPECT_EQ(store_->head({key}, {})->md5.value_or(md5), md5);
    EXPECT_EQ(store_->head({key}, {})->md5.has_value(), algorithm == "AES256");
    EXPECT_EQ(content_of(*store_, key), "hello");
    EXPECT_EQ(encrypting->copy({{key}, {}, {key + " copy"}, {}, 5}, {}).outcome,
              Outcome::kOk);
    EXPECT_EQ(content_of(*store_, key + " copy"), "hello");
    upload_to(*encrypting, key + " parts", {std::string(5 << 20, 'a'), "tail"});
    EXPECT_EQ(content_of(*store_, key + " parts").size(), (5U << 20) + 4);
    PutRequest damaged = put_request("damaged", "hello");
    MemorySource other = source_of("other");
    EXPECT_EQ(error_of([&] { encrypting->put(damaged, other, {}); }).code(),
              ErrorCode::kDataCorrupt);
  }
}

TEST_F(S3Minio, AKmsKeyThatIsNotThereIsToldWithItsSetting) {
  StorageOptions options = options_of(*server_);
  options.server_side_encryption = "aws:kms";
  options.sse_kms_key_id = "no-such-key";
  const Error error = error_of([&] { put_to(*make_s3_store(options), "k", "x"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.what();
  EXPECT_THAT(error.what(), ::testing::HasSubstr("storage.sse_kms_key_id"));
}

// MinIO takes customers' keys over TLS only.
class S3MinioTls : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* binary = std::getenv("CLOUDSYNC_MINIO");
    if (binary == nullptr) GTEST_SKIP() << "CLOUDSYNC_MINIO does not name a MinIO binary";
    server_ = std::make_unique<MinioProcess>(binary, true);
    plain_ = with_key("");
    wait_until_ready(*plain_);
  }

  std::unique_ptr<ObjectStore> with_key(const std::string& key) const {
    StorageOptions options = options_of(*server_);
    options.ca_bundle = server_->certificate();
    options.sse_customer_key = key;
    return make_s3_store(options);
  }

  std::unique_ptr<MinioProcess> server_;
  std::unique_ptr<ObjectStore> plain_;
};

TEST_F(S3MinioTls, ACustomersKeyWritesReadsCopiesAndUploads) {
  const auto store = with_key(kCustomerKey);
  EXPECT_FALSE(put_to(*store, "a", "hello").md5.has_value());
  EXPECT_FALSE(store->head({"a"}, {})->md5.has_value());
  EXPECT_EQ(content_of(*store, "a"), "hello");
  EXPECT_EQ(store->copy({{"a"}, {}, {"copy"}, {}, 5}, {}).outcome, Outcome::kOk);
  EXPECT_EQ(content_of(*store, "copy"), "hello");
  const std::string first(5 << 20, 'a');
  upload_to(*store, "parts", {first, "tail"});
  EXPECT_EQ(content_of(*store, "parts"), first + "tail");
  MultipartStore& uploads = *store->multipart();
  BeginUploadRequest begin;
  begin.key = {"copied"};
  CompleteRequest complete;
  complete.key = begin.key;
  complete.upload = uploads.begin_upload(begin, {});
  CopyPartRequest part{begin.key, complete.upload, 1, {"parts"}, {}, {0, first.size()}};
  complete.parts = {uploads.copy_part(part, {})};
  complete.size = first.size();
  EXPECT_EQ(uploads.complete_upload(complete, {}).outcome, Outcome::kOk);
  EXPECT_EQ(content_of(*store, "copied"), first);
}

TEST_F(S3MinioTls, WithoutItsKeyAnObjectCannotBeReadAndTheSettingIsTold) {
  put_to(*with_key(kCustomerKey), "a", "hello");
  put_to(*plain_, "plain", "hello");
  const auto read = [](ObjectStore& store, const std::string& key) {
    return error_of([&] {
      StringSink sink;
      GetRequest request;
      request.key = {key};
      store.get(request, sink, {});
    });
  };
  EXPECT_THAT(read(*plain_, "a").what(), ::testing::HasSubstr("sse_customer_key"));
  EXPECT_FALSE(read(*with_key(kOtherKey), "a").retryable());
  EXPECT_FALSE(read(*with_key(kCustomerKey), "plain").retryable());
  EXPECT_FALSE(error_of([&] { plain_->head({"a"}, {}); }).retryable());
}

}  // namespace
}  // namespace cloudsync::storage::s3
