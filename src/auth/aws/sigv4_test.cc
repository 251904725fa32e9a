// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sigv4.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "auth/aws/signing_key.h"
#include "base/encoding.h"
#include "base/time_format.h"

namespace cloudsync::auth {
namespace {

constexpr char kEmptyHash[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

AwsCredentials example_credentials() {
  return {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", {}, ""};
}

SigningScope example_scope() {
  SigningScope scope;
  scope.region = "us-east-1";
  scope.time_ns = *base::parse_rfc3339("2013-05-24T00:00:00Z");
  return scope;
}

SigningRequest example_get() {
  return {"GET",
          "/test.txt",
          {},
          {{"Host", "examplebucket.s3.amazonaws.com"},
           {"x-amz-date", "20130524T000000Z"},
           {"Range", "bytes=0-9"},
           {"x-amz-content-sha256", kEmptyHash}},
          kEmptyHash};
}

TEST(SigV4, SignsThePublishedGetObjectExample) {
  EXPECT_EQ(authorization_header(example_get(), example_credentials(), example_scope()),
            "AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature="
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, SignsThePublishedListObjectsExample) {
  SigningRequest request = example_get();
  request.path = "/";
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  request.headers.erase(request.headers.begin() + 2);
  const auto scope = example_scope();
  const auto text = string_to_sign(canonical_request(request, scope), scope);
  EXPECT_EQ(sign(text, example_credentials(), scope),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, DerivesThePublishedSigningKey) {
  const SigningKey key = derive_signing_key(
      {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3"});
  EXPECT_EQ(base::to_hex(key),
            "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378");
}

TEST(SigV4, S3PathIsSignedAsSentWhileOtherServicesEncodeAndNormalize) {
  SigningRequest request{"GET", "/a/./b%20c//d", {}, {}, kEmptyHash};
  SigningScope scope = example_scope();
  EXPECT_TRUE(canonical_request(request, scope).starts_with("GET\n/a/./b%20c//d\n"));
  scope.encode_path_twice = true;
  EXPECT_TRUE(canonical_request(request, scope).starts_with("GET\n/a/./b%2520c//d\n"));
  scope.normalize_path = true;
  EXPECT_TRUE(canonical_request(request, scope).starts_with("GET\n/a/b%2520c/d\n"));
}

TEST(SigV4, EmptyPathIsTheRoot) {
  const SigningRequest request{"GET", "", {}, {}, kEmptyHash};
  EXPECT_TRUE(canonical_request(request, example_scope()).starts_with("GET\n/\n"));
}

TEST(SigV4, QueryIsEncodedThenSortedAndValuelessNamesKeepTheEqualsSign) {
  EXPECT_EQ(canonical_query({{"uploads", ""}, {"b", "x y/z"}, {"a", "2"}, {"a", "1"}}),
            "a=1&a=2&b=x%20y%2Fz&uploads=");
}

TEST(SigV4, HeaderValuesAreTrimmedAndRepeatedNamesJoined) {
  const SigningRequest request{
      "GET", "/", {}, {{"X-B", "  a \t b "}, {"x-a", ""}, {"x-b", "c"}}, kEmptyHash};
  EXPECT_EQ(canonical_request(request, example_scope()),
            std::string("GET\n/\n\nx-a:\nx-b:a b,c\n\nx-a;x-b\n") + kEmptyHash);
}

TEST(SigningKeyCache, GivesEachThreadTheKeyOfItsOwnInputs) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&wrong, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string secret = "secret" + std::to_string((i + t) % 12);
        const SigningKeyInputs inputs{secret, "20130524", "us-east-1", "s3"};
        if (signing_key(inputs) != derive_signing_key(inputs)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(SigningKeyCache, EveryInputMatters) {
  std::set<SigningKey> keys;
  for (const SigningKeyInputs& inputs : {SigningKeyInputs{"s", "20130524", "r", "s3"},
                                         {"t", "20130524", "r", "s3"},
                                         {"s", "20130525", "r", "s3"},
                                         {"s", "20130524", "q", "s3"},
                                         {"s", "20130524", "r", "sts"}}) {
    keys.insert(signing_key(inputs));
  }
  EXPECT_EQ(keys.size(), 5U);
}

}  // namespace
}  // namespace cloudsync::auth
