// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/server_places.h"

#include "auth/azure/shared_key.h"
#include "base/clock.h"
#include "base/time_format.h"
#include "http/transport.h"
#include "tests/conformance/server_process.h"

namespace cloudsync::conformance {
namespace {

// Azurite's well-known account; its key is published in Microsoft's documentation.
constexpr const char* kAccount = "devstoreaccount1";
constexpr const char* kAccountKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"
    "KBHBeksoGMGw==";

}  // namespace

StorageOptions s3_options(const std::string& url) {
  StorageOptions options;
  options.provider = "s3";
  options.bucket = kBucket;
  options.region = "us-east-1";
  options.endpoint_url = url;
  options.credentials = {{"aws_access_key_id", kUser},
                         {"aws_secret_access_key", kPassword}};
  return options;
}

StorageOptions gcs_options(const std::string& url) {
  StorageOptions options;
  options.provider = "gcs";
  options.bucket = kBucket;
  options.endpoint_url = url;
  options.credentials = {{"anonymous", "true"}};
  return options;
}

StorageOptions azure_options(const std::string& url) {
  StorageOptions options;
  options.provider = "azure";
  options.bucket = kBucket;
  options.endpoint_url = url + "/" + kAccount;
  options.credentials = {{"account_name", kAccount}, {"account_key", kAccountKey}};
  return options;
}

int make_s3_bucket(int port) {
  return loopback_status(port,
                         std::string("PUT /") + kBucket +
                             " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                             "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

int make_gcs_bucket(int port) {
  const std::string body = std::string(R"({"name":")") + kBucket + "\"}";
  return loopback_status(port,
                         "POST /storage/v1/b?project=test HTTP/1.1\r\nHost: 127.0.0.1:" +
                             std::to_string(port) +
                             "\r\nContent-Type: application/json\r\nConnection: close"
                             "\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body);
}

int make_azure_container(int port) {
  const std::string host = "127.0.0.1:" + std::to_string(port);
  const std::string target =
      std::string("/") + kAccount + "/" + kBucket + "?restype=container";
  http::HttpRequest request;
  request.method = "PUT";
  request.url = "http://" + host + target;
  request.headers = {{"x-ms-date", base::format_http_date(base::system_clock().now_ns())},
                     {"x-ms-version", "2023-11-03"}};
  std::string text = "PUT " + target + " HTTP/1.1\r\nHost: " + host + "\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  text +=
      "Authorization: " + auth::shared_key_header({request, 0, kAccount}, kAccountKey) +
      "\r\n";
  return loopback_status(port, text + "Content-Length: 0\r\nConnection: close\r\n\r\n");
}

}  // namespace cloudsync::conformance
