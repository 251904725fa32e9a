// SPDX-License-Identifier: Apache-2.0
#include "http/curl_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::http {
namespace {

using ::testing::HasSubstr;

TEST(UrlAuthority, LeavesOutUserPathAndQuery) {
  EXPECT_EQ(url_authority("https://u:p@host:1/a?b=@c"), "host:1");
  EXPECT_EQ(url_authority("http://host?x"), "host");
  EXPECT_EQ(url_authority("host/x"), "host");
}

TEST(CurlFailure, CertificateProblemIsFinalAndNamesTheBundle) {
  const HttpRequest request{"PUT", "https://s3.example/b"};
  for (const CURLcode code : {CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE}) {
    const Error error = curl_failure(code, request, "self-signed certificate");
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_FALSE(error.retryable());
    EXPECT_THAT(error.what(), HasSubstr("PUT to s3.example failed: self-signed"));
    EXPECT_THAT(error.what(), HasSubstr("ca_bundle"));
  }
}

TEST(CurlFailure, NetworkTroubleMayPass) {
  const HttpRequest request{"GET", "https://s3.example/b"};
  for (const CURLcode code :
       {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT,
        CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE,
        CURLE_SSL_CONNECT_ERROR}) {
    const Error error = curl_failure(code, request, "");
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << code;
    EXPECT_TRUE(error.retryable()) << code;
  }
}

TEST(CurlFailure, BadUrlIsTheUsersToFix) {
  const HttpRequest request{"GET", "https://s3 .example/b"};
  EXPECT_EQ(curl_failure(CURLE_URL_MALFORMAT, request, "").code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace cloudsync::http
