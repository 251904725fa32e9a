// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_encryption.h"

#include "base/log.h"
#include "storage/s3/s3_headers.h"
#include "storage/s3/s3_test_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::storage::s3 {
namespace {

using ::testing::Contains;
using testing::error_of;
using ::testing::HasSubstr;
using testing::kEtag;
using ::testing::Not;
using testing::source_of;

constexpr char kKey[] = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";  // 32 times "A"
constexpr char kKeyMd5[] = "UhbdzFjo2t5SVgded/ZC2g==";
constexpr char kSse[] = "x-amz-server-side-encryption";
constexpr char kKmsKey[] = "x-amz-server-side-encryption-aws-kms-key-id";
constexpr char kCustomer[] = "x-amz-server-side-encryption-customer-";
constexpr char kSource[] = "x-amz-copy-source-server-side-encryption-customer-";

StorageOptions kms_options() {
  StorageOptions options;
  options.server_side_encryption = "aws:kms";
  options.sse_kms_key_id = "alias/mine";
  return options;
}

StorageOptions customer_options() {
  StorageOptions options;
  options.sse_customer_key = kKey;
  return options;
}

std::string refusal(const StorageOptions& options) {
  const Error error = error_of([&] { encryption_of(options); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  return error.what();
}

TEST(S3Encryption, SettingsAreCheckedByName) {
  StorageOptions options;
  options.server_side_encryption = "rot13";
  EXPECT_THAT(refusal(options), HasSubstr("storage.server_side_encryption: 'rot13'"));
  options.server_side_encryption = "AES256";
  options.sse_kms_key_id = "k";
  EXPECT_THAT(refusal(options), HasSubstr("storage.sse_kms_key_id needs"));
  options = kms_options();
  options.sse_kms_key_id = "k\r\nx-injected: 1";
  EXPECT_THAT(refusal(options), HasSubstr("storage.sse_kms_key_id: 'k"));
  options = customer_options();
  options.server_side_encryption = "AES256";
  EXPECT_THAT(
      refusal(options),
      HasSubstr("storage.sse_customer_key and storage.server_side_encryption cannot"));
}

TEST(S3Encryption, ACustomersKeyIsCheckedAndKeptSecret) {
  StorageOptions options;
  for (const char* bad :
       {"c2hvcnQta2V5", "no base64!", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"}) {
    options.sse_customer_key = bad;
    EXPECT_THAT(refusal(options), HasSubstr("must be 32 bytes in base64"));
    EXPECT_THAT(refusal(options), Not(HasSubstr(bad)));
  }
  const Encryption encryption = encryption_of(customer_options());
  EXPECT_EQ(encryption.customer_key_md5, kKeyMd5);
  EXPECT_EQ(base::redacted(std::string("key ") + kKey), "key ***");
}

// What each kind of request carries, as the service would look for it.
class EncryptedStore : public testing::StoreTest {
 protected:
  void encrypt_with(const StorageOptions& encryption) {
    options_.server_side_encryption = encryption.server_side_encryption;
    options_.sse_kms_key_id = encryption.sse_kms_key_id;
    options_.sse_customer_key = encryption.sse_customer_key;
    if (!encryption.sse_customer_key.empty()) {
      confirmation_ = {{std::string(kCustomer) + "algorithm", "AES256"}};
    } else if (!encryption.server_side_encryption.empty()) {
      confirmation_ = {{kSse, encryption.server_side_encryption}};
    }
  }

  void confirm(const std::string& body = "") {
    http::Headers headers = confirmation_;
    headers.emplace_back("ETag", '"' + std::string(kEtag) + '"');
    answer(200, headers, body);
  }
  PutResult put() {
    PutRequest request;
    request.key = {"k"};
    request.md5 = Md5Digest{1};
    MemorySource source = source_of("hello");
    return store().put(request, source, {});
  }
  UploadId begin() {
    BeginUploadRequest request;
    request.key = {"k"};
    return store().multipart()->begin_upload(request, {});
  }
  void expect_customer_key(const std::string& prefix) {
    EXPECT_EQ(last().header(prefix + "algorithm"), "AES256") << last().url;
    EXPECT_EQ(last().header(prefix + "key"), kKey) << last().url;
    EXPECT_EQ(last().header(prefix + "key-md5"), kKeyMd5) << last().url;
    EXPECT_THAT(last().header("authorization"), HasSubstr(prefix + "key"))
        << "not signed: " << last().url;
  }
  void expect_no_source_key() {
    EXPECT_EQ(last().header(std::string(kSource) + "key"), "") << last().url;
  }

  http::Headers confirmation_;
};

constexpr char kBegun[] =
    "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
    "</InitiateMultipartUploadResult>";
constexpr char kCopied[] =
    "<CopyObjectResult><ETag>\"e\"</ETag><LastModified>2023-01-10T23:39:32Z"
    "</LastModified></CopyObjectResult>";

TEST_F(EncryptedStore, KmsIsAskedForWhereObjectsBegin) {
  encrypt_with(kms_options());
  confirm();
  put();
  EXPECT_EQ(last().header(kSse), "aws:kms");
  EXPECT_EQ(last().header(kKmsKey), "alias/mine");
  EXPECT_NE(last().header("content-md5"), "");
  confirm(kBegun);
  begin();
  EXPECT_EQ(last().header(kSse), "aws:kms");
  answer_object(200, "");
  confirm(kCopied);
  store().copy({{"s"}, {}, {"d"}, {}, 0}, {});
  EXPECT_EQ(last().header(kSse), "aws:kms");
  EXPECT_EQ(last().header(kKmsKey), "alias/mine");
  answer_object(200, "");
  store().head({"k"}, {});
  EXPECT_EQ(last().header(kSse), "");
}

TEST_F(EncryptedStore, ACustomersKeyTravelsWithEveryRequestOfAnObject) {
  encrypt_with(customer_options());
  confirm();
  put();
  expect_customer_key(kCustomer);
  answer_object(200, "");
  store().head({"k"}, {});
  expect_customer_key(kCustomer);
  answer_object(200, "x");
  testing::StringSink sink;
  GetRequest get;
  get.key = {"k"};
  store().get(get, sink, {});
  expect_customer_key(kCustomer);
  expect_no_source_key();
}

TEST_F(EncryptedStore, ACustomersKeyTravelsWithTheWholeUpload) {
  encrypt_with(customer_options());
  MultipartStore& uploads = *store().multipart();
  confirm(kBegun);
  begin();
  expect_customer_key(kCustomer);
  PartRequest part;
  part.key = {"k"};
  part.upload = {"u"};
  part.number = 1;
  part.md5 = Md5Digest{1};
  MemorySource source = source_of("x");
  confirm();
  CompleteRequest complete;
  complete.key = {"k"};
  complete.upload = {"u"};
  complete.parts = {uploads.upload_part(part, source, {})};
  expect_customer_key(kCustomer);
  answer(200, {}, "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>");
  uploads.list_parts({"k"}, {"u"}, {});
  expect_customer_key(kCustomer);
  confirm(
      "<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag>"
      "</CompleteMultipartUploadResult>");
  uploads.complete_upload(complete, {});
  expect_customer_key(kCustomer);
  expect_no_source_key();
}

TEST_F(EncryptedStore, CopiesNeedTheKeyForBothEnds) {
  encrypt_with(customer_options());
  answer_object(200, "");
  confirm(kCopied);
  store().copy({{"s"}, {}, {"d"}, {}, 0}, {});
  expect_customer_key(kCustomer);
  expect_customer_key(kSource);
  answer(200, {}, "<CopyPartResult><ETag>\"e\"</ETag></CopyPartResult>");
  CopyPartRequest part;
  part.key = {"k"};
  part.upload = {"u"};
  part.number = 1;
  part.source = {"s"};
  part.range = {0, 5};
  store().multipart()->copy_part(part, {});
  expect_customer_key(kCustomer);
  expect_customer_key(kSource);
}

TEST_F(EncryptedStore, ListingsAndDeletionsCarryNoKey) {
  encrypt_with(customer_options());
  answer(204);
  store().remove({{"k"}, {}}, {});
  EXPECT_EQ(last().header(std::string(kCustomer) + "key"), "");
}

// A server without encryption ignores the wish and stores the content in the clear.
TEST_F(EncryptedStore, AnUnconfirmedEncryptionIsAnError) {
  encrypt_with(kms_options());
  confirmation_.clear();
  confirm();
  const Error error = error_of([&] { put(); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("storage.server_side_encryption"));
  confirm();
  PartRequest part;
  part.key = {"k"};
  part.upload = {"u"};
  MemorySource source = source_of("x");
  EXPECT_EQ(error_of([&] { store().multipart()->upload_part(part, source, {}); }).code(),
            ErrorCode::kUnsupported);
}

TEST_F(EncryptedStore, AnUnconfirmedCustomersKeyIsAnError) {
  encrypt_with(customer_options());
  confirmation_ = {{kSse, "AES256"}};
  confirm();
  EXPECT_THAT(error_of([&] { put(); }).what(), HasSubstr("storage.sse_customer_key"));
}

// With these the ETag has the shape of an MD5 and is none.
TEST_F(EncryptedStore, TheEtagIsTakenForAnMd5OnlyWhereItIsOne) {
  const auto vouched = [&](const http::Headers& said) {
    http::HttpResponse response;
    response.status = 200;
    response.headers = said;
    response.headers.emplace_back("etag", '"' + std::string(kEtag) + '"');
    return put_result(response, '"' + std::string(kEtag) + '"', 0).md5.has_value();
  };
  EXPECT_TRUE(vouched({}));
  EXPECT_TRUE(vouched({{kSse, "AES256"}}));
  EXPECT_FALSE(vouched({{kSse, "aws:kms"}}));
  EXPECT_FALSE(vouched({{kSse, "aws:kms:dsse"}}));
  EXPECT_FALSE(vouched({{kSse, "aws:something-new"}}));
  EXPECT_FALSE(vouched({{std::string(kCustomer) + "algorithm", "AES256"}}));
}

TEST_F(EncryptedStore, RequesterPaysIsSaidInEveryRequest) {
  options_.requester_pays = true;
  confirm();
  put();
  EXPECT_EQ(last().header("x-amz-request-payer"), "requester");
  EXPECT_THAT(last().header("authorization"), HasSubstr("x-amz-request-payer"));
  answer(200, {},
         "<ListBucketResult><Prefix/><IsTruncated>false</IsTruncated></ListBucketResult>");
  store().list({}, {});
  EXPECT_EQ(last().header("x-amz-request-payer"), "requester");
  answer(204);
  store().multipart()->abort_upload({"k"}, {"u"}, {});
  EXPECT_EQ(last().header("x-amz-request-payer"), "requester");
}

TEST_F(EncryptedStore, AnObjectUnderAnotherKeyIsToldWithTheSettingToCheck) {
  encrypt_with(customer_options());
  answer(400);
  EXPECT_THAT(error_of([&] { store().head({"k"}, {}); }).what(),
              HasSubstr("check storage.sse_customer_key"));
}

}  // namespace
}  // namespace cloudsync::storage::s3
