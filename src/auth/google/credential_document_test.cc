// SPDX-License-Identifier: Apache-2.0
#include "auth/google/credential_document.h"

#include "auth/google/google_auth_testing.h"
#include "base/log.h"

#include <rapidcheck.h>

namespace cloudsync::auth::google {
namespace {

using ::testing::HasSubstr;

CredentialDocument document(const std::string& text) {
  return CredentialDocument::parse(text, "/keys/a.json");
}

Error refusal(const std::function<void()>& read) {
  Error error = error_of(read);
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("/keys/a.json"));
  return error;
}

TEST(CredentialDocumentTest, OnlyAJsonObjectIsADocument) {
  for (const char* text : {"", "[]", "null", "{", "{\"a\":1}x", "\"a\"", "\xFF\xFE{}"}) {
    EXPECT_THAT(refusal([&] { document(text); }).what(), HasSubstr("no JSON object"));
  }
}

TEST(CredentialDocumentTest, NullCountsAsAbsent) {
  const auto found = document(R"({"a":null})");
  EXPECT_FALSE(found.has("a"));
  EXPECT_EQ(found.text_or("a", "x"), "x");
  EXPECT_THAT(refusal([&] { found.text("a"); }).what(),
              HasSubstr("the field \"a\" of /keys/a.json is missing"));
}

TEST(CredentialDocumentTest, WrongTypesAreRefusedNamingTheField) {
  const auto found = document(R"({"n":1,"t":"x","l":[1],"o":{"i":{"v":2}},"f":1.5,
                                  "big":18446744073709551615,"h":{"k":5}})");
  EXPECT_THAT(refusal([&] { found.text("n"); }).what(), HasSubstr("\"n\""));
  EXPECT_THAT(refusal([&] { found.pem("n"); }).what(), HasSubstr("must be text"));
  refusal([&] { found.integer_or("t", 0); });
  refusal([&] { found.integer_or("f", 0); });
  refusal([&] { found.integer_or("big", 0); });
  refusal([&] { found.texts("t"); });
  refusal([&] { found.texts("l"); });
  refusal([&] { found.text_map("t"); });
  refusal([&] { found.text_map("h"); });
  refusal([&] { found.object("t"); });
  EXPECT_THAT(refusal([&] { found.object("o").object("i").text("v"); }).what(),
              HasSubstr("\"o.i.v\""));
}

// They end up in headers.
TEST(CredentialDocumentTest, ControlCharactersAreRefused) {
  const auto found = document(R"({"a":"x\r\nevil: 1","h":{"k":"v\n"},"m":{"k\n":"v"}})");
  refusal([&] { found.text("a"); });
  refusal([&] { found.text_map("h"); });
  refusal([&] { found.text_map("m"); });
}

TEST(CredentialDocumentTest, SecretsAreRegistered) {
  const auto found = document(R"({"s":"hush-hush-1","p":"line-one\nline-two"})");
  found.secret("s");
  found.pem("p");
  EXPECT_EQ(base::redacted("a hush-hush-1 b"), "a *** b");
  EXPECT_EQ(base::redacted("line-one\nline-two"), "***");
}

TEST(CredentialDocumentTest, AnyBytesGiveADocumentOrAnErrorOfOurs) {
  EXPECT_TRUE(rc::check([](const std::string& text, bool braces) {
    try {
      const auto found = document(braces ? R"({"type":")" + text + "\"}" : text);
      found.text_or("type", "");
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ErrorCode::kUnauthenticated);
    }
  }));
}

}  // namespace
}  // namespace cloudsync::auth::google
