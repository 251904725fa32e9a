// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_requests.h"

#include "storage/azure/azure_names.h"
#include "storage/azure/azure_test_bench.h"
#include "storage/azure/azure_wire.h"

namespace cloudsync::storage::azure {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

std::string header(const AzureRequest& request, const std::string& name) {
  for (const auto& [given, value] : request.headers) {
    if (given == name) return value;
  }
  return "";
}

const RequestBuilder kBuild{"Cool"};

TEST(AzureRequests, AListingAsksForMetadataAndNothingThatIsNoBlob) {
  ListRequest request;
  request.prefix = "p/";
  request.max_keys = 100000;
  request.page_token = "2!88!MDAw";
  const AzureRequest built = kBuild.list(request);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"restype", "container"}, {"comp", "list"}, {"include", "metadata"},
      {"maxresults", "5000"},   {"prefix", "p/"}, {"marker", "2!88!MDAw"}};
  EXPECT_EQ(built.query, expected);
}

TEST(AzureRequests, APutSaysWhatTheBlobShallBe) {
  PutRequest request;
  request.key = {"k"};
  request.md5 = Md5Digest{};
  request.content_type = "text/plain";
  request.metadata = {{"mtime", "x"}};
  request.condition.if_match = VersionToken{"0x1"};
  const AzureRequest built = kBuild.put(request);
  EXPECT_EQ(header(built, "x-ms-blob-type"), "BlockBlob");
  EXPECT_EQ(header(built, "x-ms-blob-content-type"), "text/plain");
  EXPECT_EQ(header(built, "x-ms-blob-content-md5"), "AAAAAAAAAAAAAAAAAAAAAA==");
  EXPECT_EQ(header(built, "content-md5"), "AAAAAAAAAAAAAAAAAAAAAA==");
  EXPECT_EQ(header(built, "x-ms-access-tier"), "Cool");
  EXPECT_EQ(header(built, "x-ms-meta-mtime"), "x");
  EXPECT_EQ(header(built, "if-match"), "\"0x1\"");
  request.storage_class = "hot";
  EXPECT_EQ(header(kBuild.put(request), "x-ms-access-tier"), "Hot");
  request.condition.if_absent = true;
  EXPECT_THROW(kBuild.put(request), Error);
}

TEST(AzureRequests, WritesCarryWhatAnOwnerGave) {
  const auto expect_all = [](const AzureRequest& built) {
    EXPECT_EQ(header(built, "x-ms-blob-cache-control"), "max-age=60");
    EXPECT_EQ(header(built, "x-ms-blob-content-disposition"), "inline");
    EXPECT_EQ(header(built, "x-ms-blob-content-language"), "de");
    EXPECT_EQ(header(built, "x-ms-tags"), "a=1%262&b=");
  };
  PutRequest put;
  put.key = {"k"};
  EXPECT_EQ(header(kBuild.put(put), "x-ms-tags"), "");
  put.served = {"max-age=60", "inline", "de"};
  put.tags = {{"a", "1&2"}, {"b", ""}};
  expect_all(kBuild.put(put));
  CompleteRequest complete;
  complete.key = put.key;
  complete.upload = {"0123456789abcdef0123456789abcdef"};
  complete.served = put.served;
  complete.tags = put.tags;
  expect_all(kBuild.put_block_list(complete));
}

// azure-sdk-for-cpp, test/ut: "Hello Azure!".
TEST(AzureRequests, Crc64IsWrittenLowestByteFirst) {
  EXPECT_EQ(crc64_base64(0xc7a37fbfa4d9380eULL), "DjjZpL9/o8c=");
}

TEST(AzureRequests, ARangeTravelsWhereSharedKeyDoesNotSignIt) {
  GetRequest request;
  request.key = {"k"};
  request.range = ByteRange{5, 10};
  request.version_id = "2023-01-01T00:00:00.0000000Z";
  const AzureRequest built = kBuild.get(request);
  EXPECT_EQ(header(built, "x-ms-range"), "bytes=5-14");
  EXPECT_EQ(built.query.at(0).second, request.version_id);
}

TEST(AzureRequests, ACommitNamesItsOwnUncommittedBlocksOnly) {
  CompleteRequest request;
  request.key = {"k"};
  request.upload = {"00000000000000000000000000000000"};
  request.parts = {{1, 1, "", {}}, {2, 1, "", {}}};
  const AzureRequest built = kBuild.put_block_list(request);
  EXPECT_EQ(built.body,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
            "<Uncommitted>AAAAAAAAAAAAAAAAAAAAAAAAAAE=</Uncommitted>"
            "<Uncommitted>AAAAAAAAAAAAAAAAAAAAAAAAAAI=</Uncommitted></BlockList>");
  EXPECT_EQ(header(built, "x-ms-blob-content-md5"), "");
}

TEST(AzureRequests, NamesThatTheServiceWouldChangeAreRefused) {
  const std::string deep = [] {
    std::string name;
    for (int i = 0; i < 254; ++i) name += "d/";
    return name + "f";
  }();
  for (const std::string& name :
       {std::string(), std::string("a\\b"), std::string("a."), std::string("a./b"),
        std::string(".."), std::string("a/./b"), std::string("\xFF"),
        std::string(1025, 'a'), deep}) {
    EXPECT_EQ(error_of([&] { kBuild.head({name}); }).code(), ErrorCode::kInvalidArgument)
        << name;
  }
  for (const std::string& name :
       {std::string("a/b"), std::string("marker/"), std::string(".hidden"),
        std::string("a..b"), std::string(1024, 'a'), std::string("a//b")}) {
    EXPECT_NO_THROW(kBuild.head({name})) << name;
  }
}

TEST(AzureRequests, CharactersAreCountedNotBytes) {
  std::string name;
  for (int i = 0; i < 512; ++i) name += "\xF0\x9F\x98\x80";
  EXPECT_NO_THROW(kBuild.head({name}));
  EXPECT_THROW(kBuild.head({name + "x"}), Error);
}

TEST(AzureRequests, MetadataNamesAreIdentifiers) {
  for (const char* name : {"cs-symlink", "1a", "", "a b"}) {
    const Error error = error_of([&] { check_metadata({{name, "x"}}); });
    EXPECT_THAT(error.what(), HasSubstr("letters, digits and underscores"));
  }
  EXPECT_THROW(check_metadata({{"a", "\xC3\xA4"}}), Error);
  EXPECT_THROW(check_metadata({{"a", std::string(8192, 'x')}}), Error);
  EXPECT_NO_THROW(check_metadata({{"cs_symlink", "x"}, {"_1", ""}}));
}

}  // namespace
}  // namespace cloudsync::storage::azure
