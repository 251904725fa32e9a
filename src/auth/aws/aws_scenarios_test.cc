// SPDX-License-Identifier: Apache-2.0
// Replays the published scenarios of the credential chain: env.json, the files of fs/,
// the exchanges of http-traffic.json and the result of test-case.json.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "auth/aws/aws_world_testing.h"
#include "base/encoding.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string vectors() {
  const char* root = std::getenv("CLOUDSYNC_VECTORS");
  return root == nullptr ? "" : std::string(root) + "/aws-config/test-data/";
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Texts of an error that is expected here, where the published one is the SDK's wording.
struct Refusal {
  ErrorCode code;
  std::string words;
};
const std::map<std::string, Refusal> kRefusals = {
    {"imds_token_fail", {ErrorCode::kUnauthenticated, "switched off for this instance"}},
    {"imds_no_iam_role", {ErrorCode::kUnauthenticated, "the instance has no IAM role"}},
    {"imds_default_chain_error", {ErrorCode::kUnauthenticated, "no IAM role"}},
    {"imds_disabled", {ErrorCode::kUnauthenticated, "AWS_EC2_METADATA_DISABLED"}},
    {"profile_overrides_web_identity",
     {ErrorCode::kUnauthenticated, "credential_source that has no credentials: AWS_ACC"}},
    {"web_identity_source_profile_no_env",
     {ErrorCode::kUnauthenticated, "web_identity_token_file but no role_arn"}},
    {"web_identity_token_invalid_jwt",
     {ErrorCode::kUnauthenticated,
      "InvalidIdentityToken: No OpenIDConnect provider found in your account"}},
    {"sso_no_token_file",
     {ErrorCode::kUnauthenticated,
      "dace00cba5f8355ec9d274ceb2bcebdfbeed0e12.json does not exist"}},
    {"sso_server_error", {ErrorCode::kUnavailable, "HTTP 503"}},
    {"eks_pod_identity_no_token_file",
     {ErrorCode::kUnauthenticated, "No such file or directory"}},
    {"credential_process_failure", {ErrorCode::kUnauthenticated, "exit code 1"}},
    {"credential_process_invalid", {ErrorCode::kUnauthenticated, "no JSON object"}},
    {"empty_config", {ErrorCode::kUnauthenticated, "no AWS credentials were found"}},
    {"invalid_config", {ErrorCode::kInvalidArgument, "Property did not have a name"}},
    {"invalid_sso_credentials_config",
     {ErrorCode::kUnauthenticated, "no sso_account_id"}},
    {"sso_token", {ErrorCode::kUnauthenticated, "no sso_account_id"}},
};

// Everything of the published data is replayed but
// - default-token-provider-chain: bearer tokens for services that are not S3.
const std::set<std::string> kFolders = {"default-credential-provider-chain",
                                        "profile-provider"};

// One request of the script with its answer.
struct Exchange {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;
  std::string body;
  http::HttpResponse response;
};

std::string first_value(const json& value) {
  return value.is_array() ? value.at(0).get<std::string>() : value.get<std::string>();
}

std::string data_of(const json& action) {
  return action.at("Data").at("data").value("Utf8", "");
}

std::vector<Exchange> read_traffic(const std::string& text) {
  std::vector<Exchange> out;
  const json document = json::parse(text);
  for (const json& event : document.at("events")) {
    const json& action = event.at("action");
    if (action.contains("Request")) {
      const json& request = action.at("Request").at("request");
      Exchange next{request.at("method"), request.at("uri"), {}, {}, {}};
      for (const auto& [name, value] : request.at("headers").items()) {
        next.headers[name] = first_value(value);
      }
      out.push_back(std::move(next));
    } else if (action.contains("Response")) {
      const json& response = action.at("Response").at("response").at("Ok");
      out.back().response = http::scripted_response(response.at("status"));
      for (const auto& [name, value] : response.at("headers").items()) {
        out.back().response.headers.emplace_back(name, first_value(value));
      }
    } else if (action.contains("Data")) {
      const bool answer = action.at("Data").at("direction") == "Response";
      (answer ? out.back().response.body : out.back().body) += data_of(action);
    }
  }
  return out;
}

struct SplitUrl {
  std::string base;
  std::multiset<std::string> query;
  bool operator==(const SplitUrl&) const = default;
};

std::multiset<std::string> split_query(const std::string& text) {
  std::multiset<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, '&');) out.insert(part);
  return out;
}

// "https://host" and "https://host/" are one address; parameters have no order.
SplitUrl split_url(const std::string& url) {
  const std::size_t mark = std::min(url.find('?'), url.size());
  std::string base = url.substr(0, mark);
  while (base.ends_with('/')) base.pop_back();
  return {base, split_query(url.substr(std::min(mark + 1, url.size())))};
}

std::set<std::string> form_names(const std::string& body) {
  std::set<std::string> out;
  for (const std::string& part : split_query(body)) {
    out.insert(part.substr(0, part.find('=')));
  }
  return out;
}

std::string form_value(const std::string& body, const std::string& name) {
  for (const std::string& part : split_query(body)) {
    if (part.starts_with(name + "=")) return part.substr(name.size() + 1);
  }
  return {};
}

// The recordings were made with other roles, tokens and times than their scenarios name,
// so a form is compared by its fields, and by the values that mean the same in both.
void check_request(const Recorded& got, const Exchange& expected) {
  EXPECT_EQ(got.method, expected.method);
  EXPECT_EQ(split_url(got.url), split_url(expected.url));
  for (const char* name : {"x-amz-sso_bearer_token", "x-aws-ec2-metadata-token",
                           "x-aws-ec2-metadata-token-ttl-seconds"}) {
    const auto found = expected.headers.find(name);
    EXPECT_EQ(got.header(name), found == expected.headers.end() ? "" : found->second)
        << name;
  }
  EXPECT_EQ(got.header("x-amz-security-token").empty(),
            expected.headers.count("x-amz-security-token") == 0);
  EXPECT_EQ(form_names(got.body), form_names(expected.body));
  EXPECT_EQ(form_value(got.body, "Action"), form_value(expected.body, "Action"));
  const bool is_signed = form_value(got.body, "Action") == "AssumeRole";
  EXPECT_EQ(got.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential="),
            is_signed);
}

// Plain http to another machine is refused here, whichever endpoint was asked for; the
// scenarios that override an endpoint mean the order of the settings.
std::string with_https(const std::string& text) {
  return replaced(text, "http://aws.", "https://aws.");
}

// The scenarios' programs are lines for a shell, which credential_process has none of.
std::string with_shell(const std::string& text) {
  const std::string key = "credential_process = ";
  const std::size_t begin = text.find(key);
  if (begin == std::string::npos) return text;
  const std::size_t end = text.find('\n', begin);
  const std::string line = text.substr(begin + key.size(), end - begin - key.size());
  return text.substr(0, begin) + key + "sh -c \"" + line + "\"" + text.substr(end);
}

class Scenario {
 public:
  explicit Scenario(const fs::path& folder)
      : folder_(folder), world_("2008-01-01T00:00:00Z") {
    copy_files();
    if (fs::exists(folder / "http-traffic.json")) {
      traffic_ = read_traffic(with_https(read_text(folder / "http-traffic.json")));
    }
    for (const Exchange& exchange : traffic_) {
      const http::HttpResponse response = exchange.response;
      world_.transport().expect([response](const http::HttpRequest&, const std::string&,
                                           ByteSink*) { return response; });
    }
  }

  void run() {
    const json expected = json::parse(read_text(folder_ / "test-case.json")).at("result");
    const auto chain = make_chain();
    if (expected.contains("Ok")) {
      check_credentials(credentials(*chain), expected.at("Ok"));
    } else {
      check_refusal(error_of([&] { chain->credentials({}); }));
    }
    const auto requests = world_.requests();
    ASSERT_LE(requests.size(), traffic_.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      SCOPED_TRACE("request " + std::to_string(i));
      check_request(requests[i], traffic_[i]);
    }
    EXPECT_EQ(requests.size(), traffic_.size());
  }

 private:
  // The scenarios' paths begin at the root of their own file system.
  std::string at_home(const std::string& text) const {
    return replaced(text, "/token.jwt", world_.path("token.jwt"));
  }

  void copy_files() {
    if (!fs::exists(folder_ / "fs")) return;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "fs")) {
      if (!entry.is_regular_file()) continue;
      const auto name = fs::relative(entry.path(), folder_ / "fs").string();
      const std::string text = read_text(entry.path());
      const bool config = name.ends_with("config");
      world_.write(name, config ? with_shell(with_https(at_home(text))) : text);
    }
  }

  std::unique_ptr<AwsCredentialsProvider> make_chain() {
    auto variables = json::parse(with_https(at_home(read_text(folder_ / "env.json"))))
                         .get<Variables>();
    const auto home = variables.find("HOME");
    if (home != variables.end()) home->second = world_.path("home");
    // Nothing here waits and asks again by itself, so an attempt more stands for it.
    if (folder_.filename() == "imds_default_chain_retries") {
      variables["AWS_METADATA_SERVICE_NUM_ATTEMPTS"] = "2";
    }
    AwsCredentialOptions options;
    // These test the source for profiles alone.
    if (folder_.parent_path().filename() == "profile-provider") {
      options.profile = "default";
      variables["AWS_EC2_METADATA_DISABLED"] = "true";
    }
    AwsWorld world = world_.world();
    world.environment = environment_of(variables);
    return make_aws_credential_chain(options, world);
  }

  // With the loop that repeats whole calls.
  static AwsCredentials credentials(AwsCredentialsProvider& chain) {
    for (int attempt = 1;; ++attempt) {
      try {
        return chain.credentials({}).value();
      } catch (const Error& error) {
        if (!error.retryable() || attempt == 3) throw;
      }
    }
  }

  static void check_credentials(const AwsCredentials& got, const json& expected) {
    EXPECT_EQ(got.access_key_id, expected.at("access_key_id"));
    EXPECT_EQ(got.secret_access_key, expected.at("secret_access_key"));
    EXPECT_EQ(got.session_token, expected.value("session_token", ""));
    EXPECT_EQ(got.expires_ns.has_value(), expected.contains("expiry"));
    if (got.expires_ns && expected.contains("expiry")) {
      EXPECT_EQ(*got.expires_ns / 1'000'000'000, expected.at("expiry"));
    }
  }

  void check_refusal(const Error& error) const {
    const auto found = kRefusals.find(folder_.filename().string());
    ASSERT_NE(found, kRefusals.end()) << error.what();
    EXPECT_EQ(error.code(), found->second.code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(found->second.words));
  }

  fs::path folder_;
  TestWorld world_;
  std::vector<Exchange> traffic_;
};

TEST(AwsCredentialScenarios, EndAsTheSdksDo) {
  if (vectors().empty() || !fs::exists(vectors())) {
    GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with the credential scenarios";
  }
  std::size_t count = 0;
  for (const std::string& kind : kFolders) {
    for (const auto& entry : fs::directory_iterator(vectors() + kind)) {
      SCOPED_TRACE(kind + "/" + entry.path().filename().string());
      ++count;
      const Error unexpected = error_of([&] { Scenario(entry.path()).run(); });
      EXPECT_STREQ(unexpected.what(), "nothing was thrown");
    }
  }
  EXPECT_GE(count, 47U);
}

// The service's address, as the request for its first answer shows it.
void check_container_vector(const json& test) {
  SCOPED_TRACE(test.at("docs").get<std::string>());
  TestWorld world;
  const json& result = test.at("result");
  world.answer(200, metadata_answer("2030-01-01T00:00:00Z"));
  Variables variables = test.at("env").get<Variables>();
  variables["AWS_EC2_METADATA_DISABLED"] = "true";
  if (result.contains("Ok")) {
    world.find(variables);
    EXPECT_EQ(world.last().url, result.at("Ok"));
  } else {
    EXPECT_EQ(world.failure(variables).code(), ErrorCode::kUnauthenticated);
    EXPECT_TRUE(world.requests().empty());
  }
}

TEST(AwsCredentialScenarios, ContainerAddressesAreThoseOfTheSdks) {
  std::ifstream file(vectors() + "ecs-tests.json");
  if (!file) GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with the ECS tests";
  const json document = json::parse(file);
  for (const json& test : document.at("tests")) check_container_vector(test);
  EXPECT_GE(document.at("tests").size(), 11U);
}

void check_imds_vector(const json& test) {
  SCOPED_TRACE(test.at("docs").get<std::string>());
  TestWorld world;
  world.answer(200, "imds-session-1").answer(404, "");
  Variables variables = test.at("env").get<Variables>();
  for (const auto& [name, text] : test.at("fs").items()) {
    variables["AWS_CONFIG_FILE"] = world.write(name, text.get<std::string>());
  }
  const Error error = world.failure(variables);
  const json& result = test.at("result");
  if (result.contains("Ok")) {
    ASSERT_FALSE(world.requests().empty()) << error.what();
    EXPECT_EQ(world.requests().front().url, result.at("Ok"));
  } else {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(world.requests().empty());
  }
}

TEST(AwsCredentialScenarios, MetadataAddressesAreThoseOfTheSdks) {
  std::ifstream file(vectors() + "imds-config/imds-endpoint-tests.json");
  if (!file) GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with the IMDS tests";
  const json document = json::parse(file);
  for (const json& test : document.at("tests")) {
    // The SDK's own client options; here only environment and profile say it.
    const bool by_code =
        test.contains("mode_override") || test.contains("endpoint_override");
    if (!by_code) check_imds_vector(test);
  }
}

}  // namespace
}  // namespace cloudsync::auth
