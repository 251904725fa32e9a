// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/shared_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "auth/auth_testing.h"

namespace cloudsync::auth {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string text_of(const http::HttpRequest& request, std::uint64_t length = 0) {
  return shared_key_string_to_sign({request, length, "acct"});
}

http::HttpRequest get(const std::string& url, http::Headers headers = {}) {
  return {.method = "GET", .url = url, .headers = std::move(headers)};
}

TEST(SharedKey, ANameWithoutAPathIsTheRoot) {
  EXPECT_THAT(text_of(get("https://acct.blob.core.windows.net")), EndsWith("\n/acct/"));
  EXPECT_THAT(text_of(get("https://acct.blob.core.windows.net?comp=list")),
              EndsWith("\n/acct/\ncomp:list"));
}

TEST(SharedKey, AnEmptyQueryAddsNothing) {
  EXPECT_THAT(text_of(get("https://h/c?")), EndsWith("\n/acct/c"));
  EXPECT_THAT(text_of(get("https://h/c?&")), EndsWith("\n/acct/c"));
}

TEST(SharedKey, QueryNamesAreLowerCaseAndValuesDecoded) {
  EXPECT_THAT(text_of(get("https://h/c?Prefix=a%2Fb%20c+d&MARKER&x=1=2")),
              EndsWith("\n/acct/c\nmarker:\nprefix:a/b c d\nx:1=2"));
}

TEST(SharedKey, TheDateHasNoSlotBesideTheServicesOwn) {
  const http::Headers both = {{"Date", "yesterday"}, {"X-Ms-Date", "today"}};
  EXPECT_THAT(text_of(get("https://h/c", both)), Not(HasSubstr("yesterday")));
  EXPECT_THAT(text_of(get("https://h/c", {{"Date", "yesterday"}})),
              HasSubstr("\n\nyesterday\n"));
}

TEST(SharedKey, HeadersOfOneNameAreJoined) {
  EXPECT_THAT(text_of(get("https://h/c", {{"x-ms-a", " 1 "}, {"X-MS-A", "2"}})),
              HasSubstr("\nx-ms-a:1,2\n/acct"));
}

TEST(SharedKey, OtherHeadersAreNotSigned) {
  EXPECT_THAT(text_of(get("https://h/c", {{"Accept", "*/*"}, {"x-ms", "y"}})),
              Not(HasSubstr("y")));
}

TEST(SharedKey, AKeyThatIsNoBase64IsRefusedWithoutShowingIt) {
  for (const char* key : {"", "not base64!", "testkey"}) {
    const Error error = error_of([&] { shared_key_signature("x", key); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), Not(HasSubstr("testkey")));
  }
}

TEST(SharedKeyOrder, AHyphenCountsOnlyBetweenNamesThatAreEqualWithoutIt) {
  EXPECT_TRUE(shared_key_header_before("x-ms-ab", "x-ms-a-b"));
  EXPECT_TRUE(shared_key_header_before("x-ms-a-b", "x-ms-ac"));
  EXPECT_TRUE(shared_key_header_before("x-ms-ab", "x-ms-ab-"));
  EXPECT_FALSE(shared_key_header_before("x-ms-ab", "x-ms-ab"));
}

// std::sort needs it.
RC_GTEST_PROP(SharedKeyOrder, IsStrictAndWeak, ()) {
  const auto name =
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("a1_-'.b\x01")));
  const std::string a = *name;
  const std::string b = *name;
  const std::string c = *name;
  const auto before = shared_key_header_before;
  RC_ASSERT(!before(a, a));
  RC_ASSERT(!(before(a, b) && before(b, a)));
  if (before(a, b) && before(b, c)) RC_ASSERT(before(a, c));
  if (!before(a, b) && !before(b, a) && !before(b, c) && !before(c, b)) {
    RC_ASSERT(!before(a, c) && !before(c, a));
  }
}

RC_GTEST_PROP(SharedKeyText, AnyUrlCanBeSigned, (const std::string& url)) {
  text_of(get(url), 7);
}

}  // namespace
}  // namespace cloudsync::auth
