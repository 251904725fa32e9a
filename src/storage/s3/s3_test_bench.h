// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "base/time_format.h"
#include "http/scripted_transport.h"
#include "storage/rest/rest_testing.h"
#include "storage/s3/s3_store.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cloudsync::storage::s3::testing {

using rest::testing::error_of;
using rest::testing::source_of;
using rest::testing::StringSink;

inline constexpr std::int64_t kNow = 1'690'000'000'000'000'000;
inline constexpr char kDate[] = "Sat, 22 Jul 2023 04:26:40 GMT";
inline constexpr char kEtag[] = "0cc175b9c0f1b6a831c399e269772661";

class FixedClock final : public base::Clock {
 public:
  std::int64_t now_ns() const override { return now; }
  std::chrono::steady_clock::time_point steady_now() const override { return {}; }
  bool sleep_for(std::chrono::milliseconds, std::stop_token) const override {
    return true;
  }
  std::int64_t now = kNow;
};

// Hands out its credentials in order, the next ones after each invalidate().
class ListedCredentials final : public auth::AwsCredentialsProvider {
 public:
  std::optional<auth::AwsCredentials> credentials(const CallContext&) override {
    if (anonymous) return std::nullopt;
    if (refused && !renewal_failure.empty()) {
      throw Error(ErrorCode::kUnauthenticated, renewal_failure);
    }
    return auth::AwsCredentials{
        "AK" + std::to_string(generation), "secret", token, {}, "test"};
  }
  void invalidate(const auth::AwsCredentials&) override {
    refused = true;
    if (generation < last_generation) ++generation;
  }
  bool anonymous = false;
  std::string token;
  int generation = 0;
  int last_generation = 0;
  std::string renewal_failure;  // thrown once the first ones were refused
  bool refused = false;
};

inline auth::Environment environment_of(std::map<std::string, std::string> variables) {
  variables.emplace("AWS_CONFIG_FILE", "/nonexistent/config");
  variables.emplace("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials");
  return rest::testing::environment_of(std::move(variables));
}

// A store on a scripted transport: AWS by default, a custom endpoint with use_endpoint().
class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.provider = "s3";
    options_.bucket = "bucket";
    options_.region = "eu-west-1";
  }

  ObjectStore& store() {
    if (store_ == nullptr) build();
    return *store_;
  }

  void use_endpoint(const std::string& url) { options_.endpoint_url = url; }

  void answer(int status, http::Headers headers = {}, std::string body = {}) {
    headers.emplace_back("Date", kDate);
    transport().expect(
        http::HttpResponse{status, std::move(headers), std::move(body), 0});
  }
  void answer_error(int status, const std::string& code, const std::string& extra = "") {
    answer(status, {{"x-amz-request-id", "REQ1"}},
           "<?xml version=\"1.0\"?>\n<Error><Code>" + code +
               "</Code><Message>In its own words.</Message>" + extra + "</Error>");
  }
  void answer_object(int status, const std::string& body, http::Headers extra = {}) {
    extra.emplace_back("ETag", '"' + std::string(kEtag) + '"');
    extra.emplace_back("Last-Modified", "Tue, 10 Jan 2023 23:39:32 GMT");
    if (status == 200) extra.emplace_back("Content-Length", std::to_string(body.size()));
    answer(status, std::move(extra), body);
  }

  std::vector<http::ScriptedTransport::Recorded> sent() { return transport().requests(); }
  http::ScriptedTransport::Recorded last() { return sent().back(); }

  http::ScriptedTransport& transport() {
    store();
    return *transport_;
  }

  StorageOptions options_;
  FixedClock clock_;
  ListedCredentials* credentials_ = nullptr;

 private:
  void build() {
    auto transport = std::make_unique<http::ScriptedTransport>();
    auto credentials = std::make_unique<ListedCredentials>();
    transport_ = transport.get();
    credentials_ = credentials.get();
    store_ = make_s3_store(options_, environment_of({}),
                           {std::move(transport), std::move(credentials), clock_});
  }

  http::ScriptedTransport* transport_ = nullptr;
  std::unique_ptr<ObjectStore> store_;
};

}  // namespace cloudsync::storage::s3::testing
