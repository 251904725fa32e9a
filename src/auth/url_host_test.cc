// SPDX-License-Identifier: Apache-2.0
#include "auth/url_host.h"

#include <gtest/gtest.h>

#include <string>

namespace cloudsync::auth {
namespace {

TEST(UrlHost, IsFoundWithoutPortPathAndQuery) {
  EXPECT_EQ(url_host("https://a.example:8443/x?y"), "a.example");
  EXPECT_EQ(url_host("http://127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(url_host("http://[::1]:10000/x"), "[::1]");
  EXPECT_EQ(url_host("http://host?x=://y"), "host");
}

TEST(UrlHost, IsNothingWhereReadersCouldDiffer) {
  for (const char* url : {"", "127.0.0.1", "http://", "http://127.0.0.1:80@evil.example/",
                          "http://127.0.0.1\\@evil.example/", "http://[::1",
                          "http://127.0.0.1 .evil.example/"}) {
    EXPECT_EQ(url_host(url), "") << url;
  }
}

TEST(UrlHost, OnlyThisMachineIsLoopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.255.0.3", "[::1]"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host :
       {"", "127.0.0.1.evil.example", "127.evil.example", "localhost.evil.example",
        "128.0.0.1", "127.0.0", "127.0.0.1.", "127.0.0.256", "127..0.1", "[::2]",
        "10.127.0.1", "127.0.0.0001", "127.-1.0.1"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(UrlHost, OnlyAddressesAreLinkLocal) {
  EXPECT_TRUE(is_link_local_host("169.254.169.254"));
  EXPECT_TRUE(is_link_local_host("169.254.130.2"));
  EXPECT_FALSE(is_link_local_host("169.254.169.254.evil.example"));
  EXPECT_FALSE(is_link_local_host("169.255.0.1"));
}

TEST(UrlHost, WhatIsShownHasNoSecrets) {
  EXPECT_EQ(shown_url("https://u:p@h:1/a@b?sig=x#y"), "https://h:1/a@b");
  EXPECT_EQ(shown_url("https://h/p"), "https://h/p");
  EXPECT_EQ(shown_url("https://u:p@h"), "https://h");
  EXPECT_EQ(shown_url("u:p@h/x\n"), "h/x\\x0a");
  EXPECT_EQ(shown_url("https://a?b@c"), "https://a");
}

}  // namespace
}  // namespace cloudsync::auth
