// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/auth_testing.h"
#include "auth/google/google_credentials.h"
#include "auth/google/token_source.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/test_directory.h"
#include "base/time_format.h"
#include "http/scripted_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudsync::auth::google {

using http::scripted_response;
using nlohmann::json;
using Variables = std::map<std::string, std::string>;
using FormFields = std::map<std::string, std::string>;

inline constexpr std::int64_t kTestSecond = 1'000'000'000;
inline constexpr std::int64_t kTestStart = 1'800'000'000 * kTestSecond;  // 2027-01-15

class FakeClock final : public base::Clock {
 public:
  std::int64_t now_ns() const override { return now_; }
  std::chrono::steady_clock::time_point steady_now() const override { return {}; }
  bool sleep_for(std::chrono::milliseconds, std::stop_token) const override {
    throw std::logic_error("credentials do not sleep");
  }
  void advance(std::chrono::seconds by) { now_ += by.count() * kTestSecond; }

 private:
  std::atomic<std::int64_t> now_ = kTestStart;
};

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using TestKey = std::unique_ptr<EVP_PKEY, FreeKey>;

inline std::string pem_of(EVP_PKEY* key, const EVP_CIPHER* cipher = nullptr) {
  BIO* bio = BIO_new(BIO_s_mem());
  char phrase[] = "secret phrase";
  PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, cipher == nullptr ? nullptr : phrase,
                                cipher == nullptr ? 0 : 13, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

// One for all tests: making it takes a while.
inline EVP_PKEY* test_key() {
  static const TestKey key(EVP_RSA_gen(2048));
  return key.get();
}

struct DecodedJwt {
  json header;
  json claims;
  bool signature_is_good = false;
};

inline std::string from_base64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  const auto bytes = base::from_base64(text).value();
  return {bytes.begin(), bytes.end()};
}

inline DecodedJwt decode_jwt(const std::string& jwt, EVP_PKEY* key) {
  const std::size_t dot = jwt.find('.');
  const std::size_t last = jwt.rfind('.');
  if (dot == last) throw std::runtime_error("no JWT: " + jwt);
  DecodedJwt out;
  out.header = json::parse(from_base64url(jwt.substr(0, dot)));
  out.claims = json::parse(from_base64url(jwt.substr(dot + 1, last - dot - 1)));
  const std::string signature = from_base64url(jwt.substr(last + 1));
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(digest, nullptr, EVP_sha256(), nullptr, key);
  out.signature_is_good =
      EVP_DigestVerify(digest, reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(),
                       reinterpret_cast<const unsigned char*>(jwt.data()), last) == 1;
  EVP_MD_CTX_free(digest);
  return out;
}

inline FormFields decode_form(const std::string& body) {
  FormFields out;
  std::size_t at = 0;
  while (at < body.size()) {
    const std::size_t end = std::min(body.find('&', at), body.size());
    const std::string pair = body.substr(at, end - at);
    const std::size_t equals = pair.find('=');
    out[base::percent_decode(pair.substr(0, equals), true)] =
        base::percent_decode(pair.substr(equals + 1), true);
    at = end + 1;
  }
  return out;
}

struct FakeRequest {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool bypass_proxy = false;
  FormFields form() const { return decode_form(body); }
};

// Answers by the URL up to the query. What no service is at cannot be reached.
class FakeInternet {
 public:
  using Serve = std::function<http::HttpResponse(const FakeRequest&)>;

  void serve(const std::string& url, Serve serve) {
    const std::lock_guard lock(mutex_);
    services_[url] = std::move(serve);
  }
  void serve(const std::string& url, int status, const std::string& body) {
    serve(url, [status, body](const FakeRequest&) {
      return scripted_response(status, {{"content-type", "application/json"}}, body);
    });
  }
  std::shared_ptr<http::HttpTransport> transport() { return transport_; }
  std::vector<FakeRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<std::string> urls() const {
    std::vector<std::string> out;
    for (const auto& request : requests()) out.push_back(request.url);
    return out;
  }

 private:
  http::HttpResponse answer(const http::HttpRequest& request, const std::string& body) {
    FakeRequest seen = {request.method, request.url, {}, body, request.bypass_proxy};
    for (auto [name, value] : request.headers) {
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      seen.headers[name] = value;
    }
    Serve serve;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(seen);
      const auto found = services_.find(seen.url.substr(0, seen.url.find('?')));
      if (found != services_.end()) serve = found->second;
    }
    if (serve) return serve(seen);
    throw Error(ErrorCode::kUnavailable, "could not connect to " + request.url);
  }

  mutable std::mutex mutex_;
  std::map<std::string, Serve> services_;  // guarded by mutex_
  std::vector<FakeRequest> requests_;      // guarded by mutex_
  std::shared_ptr<http::ScriptedTransport> transport_ =
      std::make_shared<http::ScriptedTransport>(
          [this](const http::HttpRequest& request, const std::string& body, ByteSink*) {
            return answer(request, body);
          });
};

inline std::string token_json(const std::string& token, int seconds = 3600) {
  return json{{"access_token", token}, {"expires_in", seconds}, {"token_type", "Bearer"}}
      .dump();
}

inline constexpr char kOauthUrl[] = "https://oauth2.googleapis.com/token";
inline constexpr char kStsUrl[] = "https://sts.googleapis.com/v1/token";
inline constexpr char kIamUrl[] =
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    "robot@p.iam.gserviceaccount.com:generateAccessToken";
inline constexpr char kAudience[] =
    "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/"
    "providers/prov";

inline json service_account_json() {
  return {{"type", "service_account"},  {"client_email", "sa@p.iam.gserviceaccount.com"},
          {"private_key_id", "key-17"}, {"private_key", pem_of(test_key())},
          {"project_id", "p"},          {"token_uri", kOauthUrl}};
}

inline json authorized_user_json() {
  return {{"type", "authorized_user"},
          {"client_id", "client.apps.example"},
          {"client_secret", "client-secret-value"},
          {"refresh_token", "refresh-token-value"},
          {"quota_project_id", "payer"}};
}

inline json external_account_json(const json& credential_source) {
  return {{"type", "external_account"},
          {"audience", kAudience},
          {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"},
          {"token_url", kStsUrl},
          {"credential_source", credential_source}};
}

// A home, an internet and a clock of its own.
class GoogleCredentialsFixture : public ::testing::Test {
 protected:
  GoogleWorld world() {
    Variables variables = variables_;
    variables.try_emplace("HOME", home_.path());
    return {environment_of(variables), internet_.transport(), clock_};
  }
  std::string write(const std::string& name, const json& document) {
    home_.write(name, document.dump());
    return home_ / name;
  }
  std::unique_ptr<AccessTokenProvider> provider(const std::string& file = "") {
    GoogleCredentialOptions options;
    options.service_account_file = file;
    return make_google_credentials(options, world());
  }
  std::unique_ptr<AccessTokenProvider> provider_for(const json& document) {
    return provider(write("key.json", document));
  }
  Error failure_of(AccessTokenProvider& tokens) {
    return error_of([&] { tokens.token({}); });
  }
  Error failure_for(const json& document) { return failure_of(*provider_for(document)); }

  base::TestDirectory home_;
  FakeInternet internet_;
  FakeClock clock_;
  Variables variables_;
};

}  // namespace cloudsync::auth::google
