// SPDX-License-Identifier: Apache-2.0
#include "hash/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "hash/checksum_vectors_for_test.h"

namespace cloudsync::hash {
namespace {

using base::to_base64;
using base::to_hex;

Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(DigestTest, Md5OfRfc1321) {
  EXPECT_EQ(to_hex(Md5::of(as_bytes(""))), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(to_hex(Md5::of(as_bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(to_hex(Md5::of(as_bytes("message digest"))),
            "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(DigestTest, Sha256OfFips180) {
  EXPECT_EQ(to_hex(Sha256::of(as_bytes(""))),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(Sha256::of(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, HmacOfRfc4231) {
  const std::string key1(20, '\x0b');
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes(key1), as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(
      to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::string key6(131, '\xaa');
  EXPECT_EQ(to_hex(hmac_sha256(
                as_bytes(key6),
                as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(DigestTest, EmptyKeyIsNotTheLastKey) {
  const char* expected =
      "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), expected);
  hmac_sha256(as_bytes("another key"), as_bytes("x"));
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), expected);
}

TEST(DigestTest, PiecesGiveTheDigestOfTheWhole) {
  const std::string text(100'000, 'q');
  Md5 md5;
  Sha256 sha256;
  for (std::size_t at = 0; at < text.size(); at += 777) {
    md5.update(as_bytes(std::string_view(text).substr(at, 777)));
    sha256.update(as_bytes(std::string_view(text).substr(at, 777)));
  }
  Md5 moved = std::move(md5);
  EXPECT_EQ(moved.finish(), Md5::of(as_bytes(text)));
  EXPECT_EQ(sha256.finish(), Sha256::of(as_bytes(text)));
}

TEST(DigestTest, ThreadsDoNotDisturbEachOther) {
  const std::string a(5000, 'a');
  const std::string b(5000, 'b');
  const Md5Digest of_a = Md5::of(as_bytes(a));
  const Sha256Digest of_b = Sha256::of(as_bytes(b));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 500; ++k) {
        EXPECT_EQ(Md5::of(as_bytes(a)), of_a);
        EXPECT_EQ(Sha256::of(as_bytes(b)), of_b);
      }
    });
  }
}

TEST(DigestTest, AgreesWithThePublishedVectors) {
  const auto vectors = checksum_vectors();
  if (!vectors) GTEST_SKIP() << kNoVectors;
  for (const auto& vector : vectors->at("vectors")) {
    const std::string content = vector_content(vector);
    EXPECT_EQ(to_base64(Md5::of(as_bytes(content))), vector.at("md5_b64")) << vector;
    EXPECT_EQ(to_base64(Sha256::of(as_bytes(content))), vector.at("sha256_b64"))
        << vector;
  }
}

}  // namespace
}  // namespace cloudsync::hash
