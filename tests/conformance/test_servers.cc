// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/test_servers.h"

#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "auth/azure/shared_key.h"
#include "base/clock.h"
#include "base/time_format.h"

namespace cloudsync::conformance {
namespace {

constexpr const char* kBucket = "conformance";
constexpr const char* kUser = "conformance";
constexpr const char* kPassword = "conformance-secret";
// Azurite's well-known account; its key is published in Microsoft's documentation.
constexpr const char* kAccount = "devstoreaccount1";
constexpr const char* kAccountKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"
    "KBHBeksoGMGw==";

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

int make_gcs_bucket(int port) {
  const std::string body = std::string(R"({"name":")") + kBucket + "\"}";
  return loopback_status(port,
                         "POST /storage/v1/b?project=test HTTP/1.1\r\nHost: 127.0.0.1:" +
                             std::to_string(port) +
                             "\r\nContent-Type: application/json\r\nConnection: "
                             "close\r\nContent-Length: " +
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

bool holds_attributes(const std::string& folder) {
  std::string place = folder + "/cloudsync-xattr-XXXXXX";
  if (!mkdtemp(place.data())) return false;
  const bool holds = setxattr(place.c_str(), "user.cloudsync", "1", 1, 0) == 0;
  rmdir(place.c_str());
  return holds;
}

}  // namespace

TestServer minio() {
  TestServer server;
  server.recipe = {"minio",
                   "CLOUDSYNC_MINIO",
                   {"server", "--quiet", "--address", "127.0.0.1:{port}", "{data}"},
                   {{"MINIO_ROOT_USER", kUser},
                    {"MINIO_ROOT_PASSWORD", kPassword},
                    {"MINIO_BROWSER", "off"},
                    {"MINIO_UPDATE", "off"},
                    {"MINIO_CI_CD", "on"}},
                   {kBucket},  // a folder of the single drive is a bucket
                   // Answers only once the object layer is up; an open port is too early.
                   "/minio/health/cluster"};
  server.options = s3_options;
  server.storage_class = "REDUCED_REDUNDANCY";
  return server;
}

TestServer versitygw() {
  TestServer server;
  server.recipe = {"versitygw",
                   "CLOUDSYNC_VERSITYGW",
                   {"--port", "127.0.0.1:{port}", "--health", "/health", "posix"},
                   {{"ROOT_ACCESS_KEY", kUser}, {"ROOT_SECRET_KEY", kPassword}},
                   {"attributes", std::string("buckets/") + kBucket},
                   "/health"};
  server.options = s3_options;
  server.faults = {
      {"storage_class", "versitygw stores everything as STANDARD"},
      {"dot_segments", "versitygw takes a key for a path: in/../a is stored as a"}};
  std::vector<std::string>& arguments = server.recipe.arguments;
  if (!holds_attributes(temporary_folder())) {
    arguments.insert(arguments.end(), {"--sidecar", "{data}/attributes"});
    const std::string beside =
        "versitygw keeps attributes beside an object where the "
        "file system has none, and replaces them one by one";
    server.faults.emplace("replaced_metadata", beside);
    server.faults.emplace("mixed_reads", beside);
  }
  arguments.emplace_back("{data}/buckets");
  return server;
}

TestServer fake_gcs_server() {
  TestServer server;
  server.recipe = {"fake-gcs-server",
                   "CLOUDSYNC_FAKE_GCS",
                   {"-scheme", "http", "-host", "127.0.0.1", "-port", "{port}",
                    "-public-host", "127.0.0.1:{port}", "-external-url",
                    "http://127.0.0.1:{port}", "-backend", "memory"},
                   {},
                   {},
                   "/storage/v1/b"};
  server.options = gcs_options;
  server.many_keys = 2500;  // each request takes time in proportion to what is there
  server.make_bucket = make_gcs_bucket;
  server.storage_class = "NEARLINE";
  server.faults = {
      {"status_query",
       "fake-gcs-server makes the part of an object that it has an "
       "object when a session is asked for its status"},
      {"copied_class", "fake-gcs-server gives every copy the bucket's default class"},
      {"pinned_get", "fake-gcs-server does not look at the generation of a GET"},
      {"prefix_pages", "fake-gcs-server repeats common prefixes on every page"}};
  return server;
}

TestServer azurite() {
  TestServer server;
  server.recipe = {
      "azurite",
      "CLOUDSYNC_AZURITE",
      {"--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence",
       "--blobHost", "127.0.0.1", "--blobPort", "{port}"},
      {},
      {},
      "/",
      400};
  server.options = azure_options;
  server.make_bucket = make_azure_container;
  server.storage_class = "Cool";
  return server;
}

}  // namespace cloudsync::conformance
