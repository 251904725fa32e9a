// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>

#include "auth/azure/azure_account.h"
#include "auth/azure/sas_token.h"
#include "auth/azure/shared_key.h"
#include "base/encoding.h"
#include "base/time_format.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

// Nothing when CLOUDSYNC_VECTORS names no folder with this file.
std::optional<json> vectors(const std::string& name) {
  const char* root = std::getenv("CLOUDSYNC_VECTORS");
  if (root == nullptr) return std::nullopt;
  std::ifstream file(std::string(root) + "/azure/" + name, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return json::parse(text.str());
}

constexpr char kSkipped[] = "CLOUDSYNC_VECTORS names no folder with the azure vectors";

struct Case {
  http::HttpRequest request;
  std::uint64_t length = 0;
};

Case case_of(const json& vector) {
  Case out;
  out.request.method = vector.at("method");
  out.request.url = vector.at("url");
  for (const auto& [name, value] : vector.at("headers").items()) {
    const std::string text = value;
    if (name == "Content-Length") {
      if (text != "foo") out.length = std::stoull(text);
    } else {
      out.request.headers.emplace_back(name, text);
    }
  }
  return out;
}

TEST(SharedKeyVectors, AgreeWithThePublishedSignature) {
  const auto file = vectors("shared-key-and-sas.json");
  if (!file) GTEST_SKIP() << kSkipped;
  const json& vector = file->at("published").at(0);
  const Case c = case_of(vector);
  std::string text =
      shared_key_string_to_sign({c.request, c.length, vector.at("account")});
  // The published case has "foo" for a length.
  text.insert(std::string("POST\nfoo\nfoo\n").size(), "foo");
  EXPECT_EQ(text, vector.at("string_to_sign"));
  EXPECT_EQ(shared_key_signature(text, vector.at("key_b64")), vector.at("signature"));
}

TEST(SharedKeyVectors, AgreeWithThePublishedMacs) {
  const auto file = vectors("shared-key-and-sas.json");
  if (!file) GTEST_SKIP() << kSkipped;
  const json& vector = file->at("published").at(1);
  const std::string raw = vector.at("key_raw");
  const std::string key = base::to_base64(
      std::span(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()));
  for (const json& pair : vector.at("pairs")) {
    EXPECT_EQ(shared_key_signature(pair.at(0), key), pair.at(1));
  }
}

TEST(SharedKeyVectors, AgreeWithTheDerivedRequests) {
  const auto file = vectors("shared-key-and-sas.json");
  if (!file) GTEST_SKIP() << kSkipped;
  int cases = 0;
  for (const json& vector : file->at("derived")) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    Case c = case_of(vector);
    std::reverse(c.request.headers.begin(), c.request.headers.end());
    const SharedKeyRequest request{c.request, c.length, vector.at("account")};
    EXPECT_EQ(shared_key_string_to_sign(request), vector.at("string_to_sign"));
    EXPECT_EQ(shared_key_header(request, vector.at("key_b64")),
              vector.at("authorization"));
    ++cases;
  }
  EXPECT_GE(cases, 7);
}

TEST(SharedKeyVectors, HeadersAreSortedAsTheServiceDoes) {
  const auto file = vectors("header-sort-order.json");
  if (!file) GTEST_SKIP() << kSkipped;
  for (const json& c : file->at("cases")) {
    auto names = c.at("input").get<std::vector<std::string>>();
    std::sort(names.begin(), names.end(), shared_key_header_before);
    EXPECT_EQ(names, c.at("sorted").get<std::vector<std::string>>());
    std::reverse(names.begin(), names.end());
    std::sort(names.begin(), names.end(), shared_key_header_before);
    EXPECT_EQ(names, c.at("sorted").get<std::vector<std::string>>());
  }
}

TEST(SharedKeyVectors, SasTokensAreUnderstood) {
  const auto file = vectors("shared-key-and-sas.json");
  if (!file) GTEST_SKIP() << kSkipped;
  for (const json& c : file->at("sas")) {
    const std::string token = c.at("token");
    EXPECT_EQ(shared_key_signature(c.at("string_to_sign"), c.at("key_b64")),
              c.at("signature"));
    EXPECT_EQ(sas_parameter(token, "sig"), c.at("signature").get<std::string>());
    for (const auto& [name, value] : c.at("params").items()) {
      EXPECT_EQ(sas_parameter(token, name), value.get<std::string>()) << name;
    }
    EXPECT_EQ(sas_expiry_ns(token), base::parse_rfc3339("2026-11-24T00:00:00Z"));
  }
}

TEST(ConnectionStringVectors, AreUnderstood) {
  const auto file = vectors("shared-key-and-sas.json");
  if (!file) GTEST_SKIP() << kSkipped;
  for (const json& c : file->at("connection_strings")) {
    const AzureAccount account = parse_connection_string(c.at("cs"), "the test");
    if (c.contains("blob_host")) {
      EXPECT_EQ(account.blob_endpoint, "https://" + c.at("blob_host").get<std::string>());
    } else {
      EXPECT_EQ(account.blob_endpoint, c.at("blob_endpoint"));
    }
    EXPECT_EQ(account.name, c.value("account", account.name));
    EXPECT_EQ(account.account_key, c.value("key", account.account_key));
  }
}

}  // namespace
}  // namespace cloudsync::auth
