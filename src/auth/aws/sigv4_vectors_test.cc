// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "auth/aws/sigv4.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "hash/digest.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

fs::path vectors() {
  const char* root = std::getenv("CLOUDSYNC_VECTORS");
  return root == nullptr ? fs::path() : fs::path(root);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view item = text.substr(0, end);
    const auto equals = std::min(item.find('='), item.size());
    const auto value = item.substr(std::min(equals + 1, item.size()));
    query.emplace_back(base::percent_decode(item.substr(0, equals)),
                       base::percent_decode(value));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return query;
}

// "GET /a b?x=y HTTP/1.1"; the target may hold blanks.
void parse_request_line(const std::string& line, SigningRequest& request) {
  const auto first = line.find(' ');
  const std::string target = line.substr(first + 1, line.rfind(' ') - first - 1);
  const auto question = target.find('?');
  request.method = line.substr(0, first);
  request.path = target.substr(0, question);
  if (question != std::string::npos) {
    request.query = parse_query(std::string_view(target).substr(question + 1));
  }
}

struct Case {
  SigningRequest request;
  SigningScope scope;
  AwsCredentials credentials;
};

// Returns the body.
std::string parse_request(const std::string& text, SigningRequest& request) {
  const auto lines = lines_of(text);
  parse_request_line(lines.at(0), request);
  std::size_t i = 1;
  for (; i < lines.size() && !lines[i].empty(); ++i) {
    const auto colon = lines[i].find(':');
    if (lines[i].starts_with(' ')) {
      request.headers.back().second += "\n" + lines[i];
    } else {
      request.headers.emplace_back(lines[i].substr(0, colon), lines[i].substr(colon + 1));
    }
  }
  return i + 1 < lines.size() ? lines[i + 1] : std::string();
}

Case load_case(const fs::path& folder) {
  const json context = json::parse(read_text(folder / "context.json"));
  Case result;
  const std::string body =
      parse_request(read_text(folder / "request.txt"), result.request);
  const json& keys = context.at("credentials");
  result.credentials.access_key_id = keys.at("access_key_id");
  result.credentials.secret_access_key = keys.at("secret_access_key");
  result.credentials.session_token = keys.value("token", "");
  result.scope.region = context.at("region");
  result.scope.service = context.at("service");
  result.scope.time_ns = *base::parse_rfc3339(context.at("timestamp").get<std::string>());
  result.scope.encode_path_twice = true;
  result.scope.normalize_path = context.at("normalize");
  result.request.payload_hash =
      base::to_hex(hash::Sha256::of(std::as_bytes(std::span(body))));
  auto& headers = result.request.headers;
  headers.emplace_back("X-Amz-Date", base::format_compact(result.scope.time_ns));
  const bool sign_token = !context.value("omit_session_token", false);
  if (sign_token && !result.credentials.session_token.empty()) {
    headers.emplace_back("X-Amz-Security-Token", result.credentials.session_token);
  }
  if (context.at("sign_body")) {
    headers.emplace_back("x-amz-content-sha256", result.request.payload_hash);
  }
  return result;
}

void check_case(const fs::path& folder) {
  SCOPED_TRACE(folder.filename().string());
  const Case c = load_case(folder);
  const std::string canonical = canonical_request(c.request, c.scope);
  EXPECT_EQ(canonical, read_text(folder / "header-canonical-request.txt"));
  const std::string text = string_to_sign(canonical, c.scope);
  EXPECT_EQ(text, read_text(folder / "header-string-to-sign.txt"));
  const std::string signature = read_text(folder / "header-signature.txt");
  EXPECT_EQ(sign(text, c.credentials, c.scope), signature);
  const std::string header = authorization_header(c.request, c.credentials, c.scope);
  EXPECT_NE(read_text(folder / "header-signed-request.txt").find(header),
            std::string::npos)
      << header;
}

TEST(SigV4Vectors, AgreeWithTheOfficialSuite) {
  const fs::path folder = vectors() / "aws-sigv4" / "v4";
  if (!fs::is_directory(folder)) {
    GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with aws-sigv4/v4";
  }
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory()) continue;
    check_case(entry.path());
    ++cases;
  }
  EXPECT_GE(cases, 38);
}

void check_s3_case(const json& example, const json& c) {
  SCOPED_TRACE(c.at("name").get<std::string>());
  SigningScope scope;
  scope.region = example.at("region");
  scope.time_ns = *base::parse_rfc3339("2013-05-24T00:00:00Z");
  const AwsCredentials credentials{
      example.at("access_key_id"), example.at("secret_access_key"), "", {}, ""};
  SigningRequest request{c.at("method"),
                         c.at("canonical_uri"),
                         parse_query(c.at("canonical_query").get<std::string>()),
                         {},
                         c.at("payload_hash")};
  for (const auto& [name, value] : c.at("signed_header_values").items()) {
    request.headers.emplace_back(name, value);
  }
  std::reverse(request.headers.begin(), request.headers.end());
  const std::string canonical = canonical_request(request, scope);
  EXPECT_EQ(canonical, c.at("canonical_request"));
  const std::string text = string_to_sign(canonical, scope);
  EXPECT_EQ(text, c.at("string_to_sign"));
  EXPECT_EQ(sign(text, credentials, scope), c.at("published_signature"));
  if (!c.contains("authorization")) return;
  std::string header = authorization_header(request, credentials, scope);
  for (std::size_t at = 0; (at = header.find(", ")) != std::string::npos;) {
    header.erase(at + 1, 1);
  }
  EXPECT_EQ(header, c.at("authorization"));
}

TEST(SigV4Vectors, AgreeWithTheS3Examples) {
  const fs::path file = vectors() / "s3" / "s3-sigv4-examples.json";
  if (!fs::exists(file)) {
    GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with s3/s3-sigv4-examples.json";
  }
  const json example = json::parse(read_text(file));
  for (const json& c : example.at("cases")) check_s3_case(example, c);
}

}  // namespace
}  // namespace cloudsync::auth
