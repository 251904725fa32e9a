// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/scripted_transport.h"
#include "storage/azure/azure_fake_service.h"
#include "storage/azure/azure_store.h"
#include "storage/rest/rest_testing.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cloudsync::storage::azure::testing {

using rest::testing::environment_of;
using rest::testing::error_of;
using rest::testing::source_of;
using rest::testing::StringSink;

// Sleeping takes no time but on this clock.
class FixedClock final : public base::Clock {
 public:
  std::int64_t now_ns() const override { return now; }
  std::chrono::steady_clock::time_point steady_now() const override { return steady; }
  bool sleep_for(std::chrono::milliseconds duration,
                 std::stop_token stop) const override {
    steady += duration;
    ++sleeps;
    if (on_sleep) on_sleep();
    return !stop.stop_requested();
  }
  std::int64_t now = kNow;
  mutable std::chrono::steady_clock::time_point steady;
  mutable int sleeps = 0;
  std::function<void()> on_sleep;
};

// Hands out bearer tokens, the next one after each renew().
class ListedTokens final : public auth::AzureAuthorizer {
 public:
  explicit ListedTokens(int last) : last_(last) {}
  void authorize(http::HttpRequest& request, std::uint64_t, const CallContext&) override {
    request.headers.emplace_back("authorization", "Bearer T" + std::to_string(token));
  }
  bool renew(const http::HttpRequest&, const CallContext&) override {
    ++renewals;
    return token < last_ && ++token > 0;
  }
  std::string origin() const override { return "listed tokens"; }
  std::string readable_source(const std::string& url) const override {
    return url + "?sig=SECRET";
  }
  int token = 0;
  int renewals = 0;

 private:
  int last_;
};

// A store with Shared Key before the fake service; expect_answer() goes before it.
class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.provider = "azure";
    options_.bucket = "box";
    options_.credentials = {{"account_name", kAccount}, {"account_key", kAccountKey}};
  }

  ObjectStore& store() {
    if (store_ == nullptr) {
      store_ = make_azure_store(options_, environment_of({}),
                                {transport_, std::move(authorizer_), clock_});
    }
    return *store_;
  }
  MultipartStore& multipart() { return *store().multipart(); }

  void use_tokens(int last) {
    auto tokens = std::make_unique<ListedTokens>(last);
    tokens_ = tokens.get();
    authorizer_ = std::move(tokens);
    service_.anyone_may = true;
  }

  void expect_answer(int status, http::Headers headers, std::string body = {}) {
    transport_->expect(
        http::HttpResponse{status, std::move(headers), std::move(body), 0});
  }
  void expect_error(int status, const std::string& code, const std::string& extra = "") {
    expect_answer(status,
                  {{"x-ms-error-code", code},
                   {"x-ms-request-id", "REQ1"},
                   {"date", "Sat, 22 Jul 2023 04:26:40 GMT"}},
                  "<?xml version=\"1.0\"?><Error><Code>" + code +
                      "</Code><Message>In its own words.</Message>" + extra + "</Error>");
  }

  PutResult put(const std::string& key, const std::string& text,
                Precondition condition = {}) {
    PutRequest request;
    request.key = {key};
    request.condition = std::move(condition);
    MemorySource source = source_of(text);
    return store().put(request, source, {});
  }
  GetResult get(const std::string& key, std::optional<ByteRange> range = {},
                std::optional<VersionToken> if_match = {}) {
    GetRequest request;
    request.key = {key};
    request.range = range;
    request.if_match = std::move(if_match);
    sink_.text.clear();
    return store().get(request, sink_, {});
  }

  std::vector<http::ScriptedTransport::Recorded> sent() { return transport_->requests(); }
  http::ScriptedTransport::Recorded last() { return sent().back(); }

  StorageOptions options_;
  FixedClock clock_;
  FakeService service_;
  StringSink sink_;
  ListedTokens* tokens_ = nullptr;
  std::shared_ptr<http::ScriptedTransport> transport_ =
      std::make_shared<http::ScriptedTransport>(
          [this](const http::HttpRequest& request, const std::string& body,
                 ByteSink* sink) { return service_.serve(request, body, sink); });

 private:
  std::unique_ptr<auth::AzureAuthorizer> authorizer_;
  std::unique_ptr<ObjectStore> store_;
};

}  // namespace cloudsync::storage::azure::testing
