// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/conformance_fixture.h"

namespace cloudsync::conformance {
namespace {

class Multipart : public ConformanceTest {
 protected:
  void SetUp() override {
    ConformanceTest::SetUp();
    if (IsSkipped()) return;
    CS_REQUIRE_CAPABILITY(multipart);
    const auto size = static_cast<std::size_t>(capabilities.min_part);
    first = pattern(std::max<std::size_t>(size, 100'000), 1);
    second = pattern(first.size(), 2);
    last = pattern(1234, 3);
  }

  UploadId begin(const std::string& name) {
    BeginUploadRequest request;
    request.key = key(name);
    request.content_type = "text/csv";
    request.metadata = {{"mtime", "99.5"}};
    return multipart().begin_upload(request, {});
  }

  PartReceipt part(const std::string& name, const UploadId& id, std::uint32_t number,
                   const std::string& bytes) {
    PartRequest request;
    request.key = key(name);
    request.upload = id;
    request.number = number;
    request.md5 = hash::Md5::of(bytes_of(bytes));
    TextSource source(bytes);
    return multipart().upload_part(request, source, {});
  }

  PutResult complete(const std::string& name, const UploadId& id,
                     std::vector<PartReceipt> parts, Precondition condition = {}) {
    CompleteRequest request;
    request.key = key(name);
    request.upload = id;
    for (const auto& receipt : parts) request.size += receipt.size;
    request.parts = std::move(parts);
    request.condition = std::move(condition);
    return multipart().complete_upload(request, {});
  }

  std::string first, second, last;
};
INSTANTIATE_TEST_SUITE_P(Stores, Multipart, testing::ValuesIn(store_cases()), case_name);

TEST_P(Multipart, PartsInAnyOrderMakeTheWholeObject) {
  const UploadId id = begin("dir/big");
  const auto c = part("dir/big", id, 3, last);
  const auto a = part("dir/big", id, 1, first);
  const auto b = part("dir/big", id, 2, second);
  EXPECT_FALSE(store().head(key("dir/big"), {})) << "visible before complete";
  const PutResult result = complete("dir/big", id, {a, b, c});
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(content("dir/big"), first + second + last);
  const auto info = store().head(key("dir/big"), {});
  EXPECT_EQ(info->token, result.token);
  EXPECT_EQ(info->metadata->at("mtime"), "99.5");
  EXPECT_EQ(info->content_type, "text/csv");
  if (info->md5) {
    EXPECT_EQ(*info->md5, hash::Md5::of(bytes_of(first + second + last)));
  }
}

TEST_P(Multipart, OnePartIsEnough) {
  const UploadId id = begin("one");
  EXPECT_EQ(complete("one", id, {part("one", id, 1, last)}).outcome, Outcome::kOk);
  EXPECT_EQ(content("one"), last);
}

TEST_P(Multipart, SendingAPartAgainReplacesIt) {
  const UploadId id = begin("big");
  part("big", id, 1, second);
  const auto a = part("big", id, 1, first);
  const auto b = part("big", id, 2, last);
  const auto parts = multipart().list_parts(key("big"), id, {});
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ(parts->at(0).etag, a.etag);
  EXPECT_EQ(complete("big", id, {a, b}).outcome, Outcome::kOk);
  EXPECT_EQ(content("big"), first + last);
}

TEST_P(Multipart, WrongMd5OfAPartIsRefused) {
  const UploadId id = begin("big");
  PartRequest request;
  request.key = key("big");
  request.upload = id;
  request.number = 1;
  request.md5 = hash::Md5::of(bytes_of(second));
  TextSource source(first);
  EXPECT_THROW(multipart().upload_part(request, source, {}), Error);
  EXPECT_TRUE(multipart().list_parts(key("big"), id, {})->empty());
  multipart().abort_upload(key("big"), id, {});
}

TEST_P(Multipart, ListPartsGivesNumberSizeAndEtag) {
  const UploadId id = begin("big");
  const auto b = part("big", id, 2, last);
  const auto a = part("big", id, 1, first);
  const auto parts = multipart().list_parts(key("big"), id, {});
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ(parts->at(0).number, 1u);
  EXPECT_EQ(parts->at(0).size, first.size());
  EXPECT_EQ(parts->at(0).etag, a.etag);
  EXPECT_EQ(parts->at(1).etag, b.etag);
  multipart().abort_upload(key("big"), id, {});
}

TEST_P(Multipart, AbortedUploadIsGoneAndAbortIsIdempotent) {
  const UploadId id = begin("big");
  part("big", id, 1, first);
  multipart().abort_upload(key("big"), id, {});
  EXPECT_FALSE(multipart().list_parts(key("big"), id, {}));
  EXPECT_NO_THROW(multipart().abort_upload(key("big"), id, {}));
  EXPECT_FALSE(store().head(key("big"), {}));
}

TEST_P(Multipart, PartOfAGoneUploadIsNotFound) {
  const UploadId id = begin("big");
  multipart().abort_upload(key("big"), id, {});
  try {
    part("big", id, 1, last);
    FAIL() << "a part of an aborted upload was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound) << error.what();
  }
}

TEST_P(Multipart, CompleteOfAGoneUploadIsNotFound) {
  const UploadId id = begin("big");
  const auto a = part("big", id, 1, last);
  complete("big", id, {a});
  try {
    EXPECT_EQ(complete("big", id, {a}).outcome, Outcome::kNotFound);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound) << error.what();
  }
}

TEST_P(Multipart, CompleteIfAbsentOnExistingObjectReportsPreconditionFailed) {
  CS_REQUIRE_CAPABILITY(conditional_complete);
  put("big", "there already");
  const UploadId id = begin("big");
  const auto a = part("big", id, 1, last);
  EXPECT_EQ(complete("big", id, {a}, {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(content("big"), "there already");
  multipart().abort_upload(key("big"), id, {});
  EXPECT_FALSE(multipart().list_parts(key("big"), id, {}));
}

TEST_P(Multipart, CompleteIfMatchReplacesOnlyThatVersion) {
  CS_REQUIRE_CAPABILITY(conditional_complete);
  const auto old = put("big", "1").token;
  const auto now = put("big", "2").token;
  const UploadId id = begin("big");
  const auto a = part("big", id, 1, last);
  EXPECT_EQ(complete("big", id, {a}, {old, false}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(content("big"), "2");
  const UploadId again = begin("big");
  const auto b = part("big", again, 1, last);
  EXPECT_EQ(complete("big", again, {b}, {now, false}).outcome, Outcome::kOk);
  EXPECT_EQ(content("big"), last);
  multipart().abort_upload(key("big"), id, {});
}

// Some servers (MinIO) list the uploads of one key only, when it is the whole prefix.
TEST_P(Multipart, ListUploadsNamesOpenUploadsOfAKey) {
  const UploadId id = begin("open");
  const UploadId other = begin("other");
  const auto uploads = multipart().list_uploads(key("open").value, {});
  ASSERT_EQ(uploads.size(), 1u);
  EXPECT_EQ(uploads[0].key, key("open"));
  EXPECT_EQ(uploads[0].upload, id);
  EXPECT_GT(uploads[0].initiated_ns, 1'600'000'000'000'000'000);
  multipart().abort_upload(key("open"), id, {});
  multipart().abort_upload(key("other"), other, {});
  EXPECT_TRUE(multipart().list_uploads(key("open").value, {}).empty());
}

TEST_P(Multipart, CopiedPartsTakeRangesOfTheSource) {
  const std::string whole = first + second;
  put("from", whole);
  const auto token = store().head(key("from"), {})->token;
  const UploadId id = begin("to");
  CopyPartRequest request{key("to"), id, 1, key("from"), token, {0, first.size()}};
  const auto a = multipart().copy_part(request, {});
  request.number = 2;
  request.range = {first.size(), second.size()};
  const auto b = multipart().copy_part(request, {});
  CompleteRequest done{key("to"), id, {a, b}, {}, whole.size(), {}};
  EXPECT_EQ(multipart().complete_upload(done, {}).outcome, Outcome::kOk);
  EXPECT_TRUE(content("to") == whole);
}

TEST_P(Multipart, CopiedPartOfAChangedSourceIsRefused) {
  CS_REQUIRE_CAPABILITY(conditional_copy_source);
  const auto old = put("from", first).token;
  put("from", second);
  const UploadId id = begin("to");
  const CopyPartRequest request{key("to"), id, 1, key("from"), old, {0, first.size()}};
  try {
    multipart().copy_part(request, {});
    FAIL() << "a part was copied from another version";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kPreconditionFailed) << error.what();
  }
  multipart().abort_upload(key("to"), id, {});
}

}  // namespace
}  // namespace cloudsync::conformance
