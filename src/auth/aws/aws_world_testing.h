// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "auth/auth_testing.h"
#include "auth/aws/aws_credential_chain.h"
#include "base/clock.h"
#include "base/time_format.h"
#include "http/scripted_transport.h"

namespace cloudsync::auth {

// A clock that stands until it is moved.
class StandingClock final : public base::Clock {
 public:
  explicit StandingClock(const std::string& time) { set(time); }
  void set(const std::string& time) { now_ns_ = base::parse_rfc3339(time).value(); }
  void advance(std::chrono::nanoseconds by) { now_ns_ += by.count(); }
  std::int64_t now_ns() const override { return now_ns_; }
  std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::now();
  }
  bool sleep_for(std::chrono::milliseconds, std::stop_token) const override {
    throw std::logic_error("nothing here may sleep");
  }

 private:
  std::atomic<std::int64_t> now_ns_{0};
};

using Variables = std::map<std::string, std::string>;
using Recorded = http::ScriptedTransport::Recorded;

// A home, a clock and services that answer from a script.
class TestWorld {
 public:
  explicit TestWorld(const std::string& time = "2026-01-02T03:04:05Z") : clock_(time) {}

  AwsWorld world(const Variables& variables = {}) {
    return {home_.environment(variables), transport_, clock_};
  }
  std::unique_ptr<AwsCredentialsProvider> chain(
      const Variables& variables = {}, const AwsCredentialOptions& options = {}) {
    return make_aws_credential_chain(options, world(variables));
  }
  AwsCredentials find(const Variables& variables = {},
                      const AwsCredentialOptions& options = {}) {
    return chain(variables, options)->credentials({}).value();
  }
  Error failure(const Variables& variables = {},
                const AwsCredentialOptions& options = {}) {
    return error_of([&] { chain(variables, options)->credentials({}); });
  }

  // `name` is relative to the home.
  std::string path(const std::string& name) const { return home_.path() + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
  }
  void write_config(const std::string& text) const { home_.write("config", text); }

  TestWorld& answer(int status, const std::string& body, http::Headers headers = {}) {
    transport_->expect(http::scripted_response(status, std::move(headers), body));
    return *this;
  }
  // The next request finds nobody.
  TestWorld& silence() {
    transport_->expect([](const http::HttpRequest&, const std::string&,
                          ByteSink*) -> http::HttpResponse {
      throw Error(ErrorCode::kUnavailable, "connection refused");
    });
    return *this;
  }
  std::vector<Recorded> requests() const { return transport_->requests(); }
  Recorded last() const { return transport_->requests().back(); }
  http::ScriptedTransport& transport() { return *transport_; }
  StandingClock& clock() { return clock_; }

 private:
  ScratchHome home_;
  StandingClock clock_;
  std::shared_ptr<http::ScriptedTransport> transport_ =
      std::make_shared<http::ScriptedTransport>();
};

inline std::string sts_answer(const std::string& action, const std::string& expiration,
                              const std::string& key = "ASIAROLE") {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" +
         action + "Result><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>role_secret</SecretAccessKey><SessionToken>"
         "role_token</SessionToken><Expiration>" +
         expiration + "</Expiration></Credentials></" + action + "Result></" + action +
         "Response>";
}

inline std::string sts_refusal(const std::string& code, const std::string& message) {
  return "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
         "<Type>Sender</Type><Code>" +
         code + "</Code><Message>" + message +
         "</Message></Error><RequestId>req-1</RequestId></ErrorResponse>";
}

inline std::string metadata_answer(const std::string& expiration,
                                   const std::string& key = "ASIAMETA") {
  return R"({"Code":"Success","Type":"AWS-HMAC","AccessKeyId":")" + key +
         R"(","SecretAccessKey":"meta_secret","Token":"meta_token","Expiration":")" +
         expiration + "\"}";
}

}  // namespace cloudsync::auth
