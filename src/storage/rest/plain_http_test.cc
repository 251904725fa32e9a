// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/plain_http.h"

#include <gtest/gtest.h>

#include "cloudsync/error.h"

namespace cloudsync::storage::rest {
namespace {

TEST(PlainHttp, TokensTravelOnlyToThisMachineOrWhereTheUserAllowsIt) {
  StorageOptions options;
  EXPECT_NO_THROW(check_plain_http(options, "https://h", Identity::kToken));
  EXPECT_NO_THROW(check_plain_http(options, "http://127.0.0.1:9000", Identity::kToken));
  EXPECT_NO_THROW(check_plain_http(options, "http://[::1]:9000", Identity::kToken));
  EXPECT_NO_THROW(check_plain_http(options, "http://h:80", Identity::kSignature));
  EXPECT_NO_THROW(check_plain_http(options, "http://h:80", Identity::kNone));
  EXPECT_THROW(check_plain_http(options, "http://h:80", Identity::kToken), Error);
  EXPECT_THROW(check_plain_http(options, "http://127.0.0.1.h.example", Identity::kToken),
               Error);
  options.allow_http = true;
  EXPECT_NO_THROW(check_plain_http(options, "http://h:80", Identity::kToken));
}

}  // namespace
}  // namespace cloudsync::storage::rest
