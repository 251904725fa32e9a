// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <utility>

#include "tests/conformance/conformance_fixture.h"

namespace cloudsync::conformance {
namespace {

using Pieces = std::vector<std::string>;

std::string joined(const Pieces& pieces) {
  std::string whole;
  for (const std::string& piece : pieces) whole += piece;
  return whole;
}

class Multipart : public ConformanceTest {
 protected:
  void SetUp() override {
    ConformanceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    CS_REQUIRE_CAPABILITY(multipart);
    const std::uint64_t multiple = capabilities.part_multiple;
    // The chunks of a session may be smaller; it is for speed that they are not.
    const std::uint64_t smallest =
        capabilities.sequential_parts ? multiple : capabilities.min_part;
    const std::uint64_t least = std::max<std::uint64_t>(smallest, 100'000);
    const auto size =
        static_cast<std::size_t>((least + multiple - 1) / multiple * multiple);
    first = bytes_of_part(size, 1);
    second = bytes_of_part(size, 2);
    last = bytes_of_part(1234, 3);
  }

  UploadId begin(const std::string& name, const Pieces& pieces,
                 Precondition condition = {}) {
    BeginUploadRequest request;
    request.key = key(name);
    request.condition = std::move(condition);
    request.size = joined(pieces).size();
    request.part_size = pieces.at(0).size();
    request.content_type = "text/csv";
    request.storage_class = tested().storage_class;
    request.metadata = {{"mtime", "99.5"}};
    return multipart().begin_upload(request, {});
  }

  // The piece at `index` (from 0) as part number index + 1.
  PartReceipt part(const std::string& name, const UploadId& id, const Pieces& pieces,
                   std::uint32_t index) {
    PartRequest request;
    request.key = key(name);
    request.upload = id;
    request.number = index + 1;
    request.offset = joined(Pieces(pieces.begin(), pieces.begin() + index)).size();
    request.md5 = hash::Md5::of(bytes_of(pieces.at(index)));
    TextSource source(pieces.at(index));
    return multipart().upload_part(request, source, {});
  }

  std::vector<PartReceipt> parts(const std::string& name, const UploadId& id,
                                 const Pieces& pieces) {
    std::vector<PartReceipt> receipts;
    for (std::uint32_t i = 0; i < pieces.size(); ++i) {
      receipts.push_back(part(name, id, pieces, i));
    }
    return receipts;
  }

  PutResult complete(const std::string& name, const UploadId& id, const Pieces& pieces,
                     std::vector<PartReceipt> receipts, Precondition condition = {}) {
    CompleteRequest request;
    request.key = key(name);
    request.upload = id;
    request.parts = std::move(receipts);
    request.size = joined(pieces).size();
    request.condition = std::move(condition);
    request.md5 = hash::Md5::of(bytes_of(joined(pieces)));
    request.content_type = "text/csv";
    request.storage_class = tested().storage_class;
    request.metadata = {{"mtime", "99.5"}};
    return multipart().complete_upload(request, {});
  }

  // Begins, sends all in order and completes.
  PutResult upload(const std::string& name, const Pieces& pieces,
                   const Precondition& condition = {}) {
    const UploadId id = begin(name, pieces, condition);
    return complete(name, id, pieces, parts(name, id, pieces), condition);
  }

  // Made once: so many take their time.
  static const std::string& bytes_of_part(std::size_t size, unsigned seed) {
    static std::map<std::pair<std::size_t, unsigned>, std::string> made;
    std::string& bytes = made[{size, seed}];
    if (bytes.empty()) bytes = pattern(size, seed);
    return bytes;
  }

  static Precondition absent() { return {{}, true}; }
  static Precondition match(const VersionToken& token) { return {token, false}; }

  std::string first, second, last;
};
INSTANTIATE_TEST_SUITE_P(Stores, Multipart, ::testing::ValuesIn(store_cases()),
                         case_name);

TEST_P(Multipart, PartsMakeTheWholeObjectWithItsProperties) {
  const Pieces pieces{first, second, last};
  const UploadId id = begin("dir/big", pieces);
  const auto receipts = parts("dir/big", id, pieces);
  EXPECT_FALSE(store().head(key("dir/big"), {})) << "visible before complete";
  const PutResult result = complete("dir/big", id, pieces, receipts);
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_TRUE(content("dir/big") == joined(pieces));
  const auto info = store().head(key("dir/big"), {});
  EXPECT_EQ(info->token, result.token);
  EXPECT_EQ(info->size, joined(pieces).size());
  EXPECT_EQ(info->metadata->at("mtime"), "99.5");
  EXPECT_EQ(info->content_type, "text/csv");
  if (!tested().storage_class.empty()) {
    EXPECT_EQ(info->storage_class, tested().storage_class);
  }
  if (const auto md5 = storage::told_md5(*info)) {
    EXPECT_EQ(*md5, hash::Md5::of(bytes_of(joined(pieces))));
  }
}

TEST_P(Multipart, PartsComeInAnyOrder) {
  if (capabilities.sequential_parts) GTEST_SKIP() << "parts go in order only";
  const Pieces pieces{first, second, last};
  const UploadId id = begin("big", pieces);
  const auto c = part("big", id, pieces, 2);
  const auto a = part("big", id, pieces, 0);
  const auto b = part("big", id, pieces, 1);
  EXPECT_EQ(complete("big", id, pieces, {a, b, c}).outcome, Outcome::kOk);
  EXPECT_TRUE(content("big") == joined(pieces));
}

TEST_P(Multipart, OnePartIsEnough) {
  EXPECT_EQ(upload("one", {last}).outcome, Outcome::kOk);
  EXPECT_EQ(content("one"), last);
}

TEST_P(Multipart, LastPartMayBeAWholeOne) {
  EXPECT_EQ(upload("two", {first, second}).outcome, Outcome::kOk);
  EXPECT_TRUE(content("two") == first + second);
}

TEST_P(Multipart, ListingShowsOnlyTheFinishedObject) {
  const Pieces pieces{first, last};
  const UploadId id = begin("big", pieces);
  const auto receipts = parts("big", id, pieces);
  EXPECT_TRUE(names().empty());
  complete("big", id, pieces, receipts);
  EXPECT_EQ(names(), std::vector<std::string>{"big"});
}

TEST_P(Multipart, TheOldObjectStaysWholeUntilComplete) {
  put("big", "before");
  const Pieces pieces{first, last};
  const UploadId id = begin("big", pieces);
  const auto receipts = parts("big", id, pieces);
  EXPECT_EQ(content("big"), "before");
  complete("big", id, pieces, receipts);
  EXPECT_TRUE(content("big") == first + last);
}

TEST_P(Multipart, SendingAPartAgainReplacesIt) {
  if (capabilities.sequential_parts) GTEST_SKIP() << "parts go in order only";
  const Pieces pieces{first, last};
  const UploadId id = begin("big", pieces);
  part("big", id, {second, last}, 0);
  const auto receipts = parts("big", id, pieces);
  const auto listed = multipart().list_parts(key("big"), id, {});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->at(0).etag, receipts[0].etag);
  EXPECT_EQ(complete("big", id, pieces, receipts).outcome, Outcome::kOk);
  EXPECT_TRUE(content("big") == joined(pieces));
}

// What a retry does after an answer was lost.
TEST_P(Multipart, SendingTheSamePartAgainIsHarmless) {
  const Pieces pieces{first, second, last};
  const UploadId id = begin("big", pieces);
  part("big", id, pieces, 0);
  const auto a = part("big", id, pieces, 0);
  const auto b = part("big", id, pieces, 1);
  const auto c = part("big", id, pieces, 2);
  EXPECT_EQ(complete("big", id, pieces, {a, b, c}).outcome, Outcome::kOk);
  EXPECT_TRUE(content("big") == joined(pieces));
}

TEST_P(Multipart, WrongMd5OfAPartIsRefused) {
  if (capabilities.sequential_parts) {
    GTEST_SKIP() << "a session is checked as a whole at its end";
  }
  const UploadId id = begin("big", {first});
  PartRequest request;
  request.key = key("big");
  request.upload = id;
  request.number = 1;
  request.md5 = hash::Md5::of(bytes_of(second));
  TextSource source(first);
  EXPECT_THROW(multipart().upload_part(request, source, {}), Error);
  const auto listed = multipart().list_parts(key("big"), id, {});
  EXPECT_TRUE(!listed || listed->empty());
  multipart().abort_upload(key("big"), id, {});
}

TEST_P(Multipart, ListPartsGivesNumberSizeAndEtag) {
  const Pieces pieces{first, second, last};
  const UploadId id = begin("big", pieces);
  const auto a = part("big", id, pieces, 0);
  const auto b = part("big", id, pieces, 1);
  const auto listed = multipart().list_parts(key("big"), id, {});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->at(0).number, 1u);
  EXPECT_EQ(listed->at(0).size, first.size());
  EXPECT_EQ(listed->at(0).etag, a.etag);
  EXPECT_EQ(listed->at(1).etag, b.etag);
  multipart().abort_upload(key("big"), id, {});
}

TEST_P(Multipart, UploadGoesOnFromTheListedParts) {
  const Pieces pieces{first, second, last};
  const UploadId id = begin("big", pieces);
  part("big", id, pieces, 0);
  auto receipts = multipart().list_parts(key("big"), id, {}).value();
  ASSERT_EQ(receipts.size(), 1u);
  receipts.push_back(part("big", id, pieces, 1));
  receipts.push_back(part("big", id, pieces, 2));
  EXPECT_EQ(complete("big", id, pieces, receipts).outcome, Outcome::kOk);
  EXPECT_TRUE(content("big") == joined(pieces));
}

TEST_P(Multipart, AbortedUploadLeavesNothingAndAbortIsIdempotent) {
  const Pieces pieces{first, last};
  const UploadId id = begin("big", pieces);
  part("big", id, pieces, 0);
  multipart().abort_upload(key("big"), id, {});
  EXPECT_NO_THROW(multipart().abort_upload(key("big"), id, {}));
  EXPECT_FALSE(store().head(key("big"), {}));
  EXPECT_TRUE(names().empty());
}

TEST_P(Multipart, PartsOfAnAbortedUploadAreGone) {
  const Pieces pieces{first, last};
  const UploadId id = begin("big", pieces);
  part("big", id, pieces, 0);
  multipart().abort_upload(key("big"), id, {});
  EXPECT_FALSE(multipart().list_parts(key("big"), id, {}));
}

TEST_P(Multipart, AbortSparesTheObjectThatIsThere) {
  put("big", "there already");
  const Pieces pieces{first, last};
  const UploadId id = begin("big", pieces);
  part("big", id, pieces, 0);
  multipart().abort_upload(key("big"), id, {});
  EXPECT_EQ(content("big"), "there already");
}

TEST_P(Multipart, PartOfAGoneUploadIsNotFound) {
  CS_REQUIRE_CAPABILITY(lists_uploads || capabilities.sequential_parts);
  const UploadId id = begin("big", {first, last});
  multipart().abort_upload(key("big"), id, {});
  try {
    part("big", id, {first, last}, 0);
    FAIL() << "a part of an aborted upload was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound) << error.what();
  }
}

TEST_P(Multipart, CompleteOfAGoneUploadIsNotFound) {
  const UploadId id = begin("big", {last});
  const auto receipts = parts("big", id, {last});
  complete("big", id, {last}, receipts);
  store().remove({key("big"), {}}, {});
  try {
    EXPECT_EQ(complete("big", id, {last}, receipts).outcome, Outcome::kNotFound);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound) << error.what();
  }
  EXPECT_FALSE(store().head(key("big"), {}));
}

TEST_P(Multipart, CompleteIfAbsentCreates) {
  CS_REQUIRE_CAPABILITY(conditional_complete);
  EXPECT_EQ(upload("big", {first, last}, absent()).outcome, Outcome::kOk);
  EXPECT_TRUE(content("big") == first + last);
}

TEST_P(Multipart, CompleteIfAbsentOnExistingObjectReportsPreconditionFailed) {
  CS_REQUIRE_CAPABILITY(conditional_complete);
  const UploadId id = begin("big", {last}, absent());
  const auto receipts = parts("big", id, {last});
  put("big", "there already");
  EXPECT_EQ(complete("big", id, {last}, receipts, absent()).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(content("big"), "there already");
  multipart().abort_upload(key("big"), id, {});
}

TEST_P(Multipart, CompleteIfMatchReplacesOnlyThatVersion) {
  CS_REQUIRE_CAPABILITY(conditional_complete);
  const auto old = put("big", "1").token;
  const UploadId id = begin("big", {last}, match(old));
  const auto receipts = parts("big", id, {last});
  const auto now = put("big", "2").token;
  EXPECT_EQ(complete("big", id, {last}, receipts, match(old)).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(content("big"), "2");
  multipart().abort_upload(key("big"), id, {});
  EXPECT_EQ(upload("big", {last}, match(now)).outcome, Outcome::kOk);
  EXPECT_EQ(content("big"), last);
}

TEST_P(Multipart, TwoUploadsOfOneKeyDoNotMeet) {
  const UploadId one = begin("big", {first, last});
  const auto a = part("big", one, {first, last}, 0);
  const UploadId two = begin("big", {second, last});
  const auto b = part("big", two, {second, last}, 0);
  const auto c = part("big", two, {second, last}, 1);
  EXPECT_EQ(complete("big", two, {second, last}, {b, c}).outcome, Outcome::kOk);
  EXPECT_TRUE(content("big") == second + last);
  multipart().abort_upload(key("big"), one, {});
  EXPECT_TRUE(content("big") == second + last);
}

// Some servers (MinIO) list the uploads of one key only, when it is the whole prefix.
TEST_P(Multipart, ListUploadsNamesOpenUploadsOfAKey) {
  CS_REQUIRE_CAPABILITY(lists_uploads);
  const UploadId id = begin("open", {last});
  const UploadId other = begin("other", {last});
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
  CS_REQUIRE_CAPABILITY(part_copies);
  const Pieces pieces{first, second};
  put("from", joined(pieces));
  const auto token = store().head(key("from"), {})->token;
  const UploadId id = begin("to", pieces);
  CopyPartRequest request{key("to"), id, 1, key("from"), token, {0, first.size()}};
  const auto a = multipart().copy_part(request, {});
  request.number = 2;
  request.range = {first.size(), second.size()};
  const auto b = multipart().copy_part(request, {});
  EXPECT_EQ(complete("to", id, pieces, {a, b}).outcome, Outcome::kOk);
  EXPECT_TRUE(content("to") == joined(pieces));
}

TEST_P(Multipart, CopiedPartOfAChangedSourceIsRefused) {
  CS_REQUIRE_CAPABILITY(part_copies);
  CS_REQUIRE_CAPABILITY(conditional_copy_source);
  const auto old = put("from", first).token;
  put("from", second);
  const UploadId id = begin("to", {first});
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
