// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sigv4.h"
#include "auth/google/aws_instance_metadata.h"
#include "auth/google/subject_token.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr char kEmptySha256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view kRegionMark = "{region}";

struct Endpoint {
  std::string host;
  std::string path;
  Pairs query;  // decoded
};

Endpoint split_url(std::string_view url) {
  Endpoint out;
  url.remove_prefix(std::min(url.size(), url.find("://") + 3));
  const std::size_t host_end = std::min(url.find_first_of("/?"), url.size());
  const std::size_t path_end = std::min(url.find('?'), url.size());
  out.host = url.substr(0, host_end);
  out.path = url.substr(host_end, path_end - host_end);
  if (out.path.empty()) out.path = "/";
  std::string_view rest = url.substr(std::min(path_end + 1, url.size()));
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    out.query.emplace_back(
        base::percent_decode(pair.substr(0, equals)),
        base::percent_decode(pair.substr(std::min(equals + 1, pair.size()))));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
  }
  return out;
}

AwsMetadataUrls urls_of(const CredentialDocument& account) {
  const CredentialDocument source = account.object("credential_source");
  return {source.text_or("imdsv2_session_token_url", ""),
          source.text_or("region_url", ""), source.text_or("url", ""),
          account.field_name("credential_source")};
}

// https://google.aip.dev/auth/4117: the caller proves who it is by a request to Amazon
// that it signs and Google sends.
class AwsSubjectToken final : public SubjectTokenSource {
 public:
  AwsSubjectToken(const CredentialDocument& account, const GoogleWorld& world)
      : world_(world),
        audience_(account.text("audience")),
        urls_(urls_of(account)),
        verification_url_(
            account.object("credential_source").text("regional_cred_verification_url")) {
    const CredentialDocument source = account.object("credential_source");
    if (source.text("environment_id") != "aws1") {
      source.refuse("environment_id", "must be \"aws1\", the only version there is");
    }
    if (!verification_url_.starts_with("https://")) {
      source.refuse("regional_cred_verification_url", "must begin with https://");
    }
  }

  std::string read(const CallContext& context) override {
    AwsInstanceMetadata metadata(urls_, world_, context);
    const std::string region = region_of(metadata);
    const auto from_environment = environment_credentials();
    return serialized(from_environment ? *from_environment : metadata.credentials(),
                      region);
  }

 private:
  std::string region_of(AwsInstanceMetadata& metadata) const;
  std::optional<AwsCredentials> environment_credentials() const;
  std::string serialized(const AwsCredentials& credentials,
                         const std::string& region) const;
  Pairs signed_headers(const AwsCredentials& credentials, const std::string& region,
                       const std::string& url) const;

  const GoogleWorld& world_;
  const std::string audience_;
  const AwsMetadataUrls urls_;
  const std::string verification_url_;
};

std::string AwsSubjectToken::region_of(AwsInstanceMetadata& metadata) const {
  std::string region;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (region.empty()) region = environment_value(world_.environment, name).value_or("");
  }
  if (region.empty()) region = metadata.region();
  // It becomes part of the host name that Google will ask.
  const bool plain = std::ranges::all_of(region, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (plain) return region;
  throw Error(ErrorCode::kUnauthenticated, "\"" + base::printable(region.substr(0, 64)) +
                                               "\" (AWS_REGION or " + urls_.named_by +
                                               ") is no AWS region");
}

std::optional<AwsCredentials> AwsSubjectToken::environment_credentials() const {
  const auto variable = [this](const char* name) {
    return environment_value(world_.environment, name).value_or("");
  };
  AwsCredentials found;
  found.access_key_id = variable("AWS_ACCESS_KEY_ID");
  found.secret_access_key = variable("AWS_SECRET_ACCESS_KEY");
  found.session_token = variable("AWS_SESSION_TOKEN");
  if (found.access_key_id.empty() || found.secret_access_key.empty()) return std::nullopt;
  base::redact_secret(found.secret_access_key);
  base::redact_secret(found.session_token);
  return found;
}

Pairs AwsSubjectToken::signed_headers(const AwsCredentials& credentials,
                                      const std::string& region,
                                      const std::string& url) const {
  const Endpoint endpoint = split_url(url);
  SigningScope scope;
  scope.region = region;
  scope.service = "sts";
  scope.time_ns = world_.clock.now_ns();
  scope.encode_path_twice = true;
  scope.normalize_path = true;
  SigningRequest request;
  request.method = "POST";
  request.path = endpoint.path;
  request.query = endpoint.query;
  request.payload_hash = kEmptySha256;
  request.headers = {{"host", endpoint.host},
                     {"x-amz-date", base::format_compact(scope.time_ns)},
                     {"x-goog-cloud-target-resource", audience_}};
  if (!credentials.session_token.empty()) {
    request.headers.emplace_back("x-amz-security-token", credentials.session_token);
  }
  Pairs headers = request.headers;
  headers.emplace_back("Authorization",
                       authorization_header(request, credentials, scope));
  std::ranges::sort(headers);
  return headers;
}

std::string AwsSubjectToken::serialized(const AwsCredentials& credentials,
                                        const std::string& region) const {
  std::string url = verification_url_;
  for (std::size_t at = url.find(kRegionMark); at != std::string::npos;
       at = url.find(kRegionMark, at + region.size())) {
    url.replace(at, kRegionMark.size(), region);
  }
  json headers = json::array();
  for (const auto& [name, value] : signed_headers(credentials, region, url)) {
    headers.push_back({{"key", name}, {"value", value}});
  }
  const json request = {{"url", url}, {"method", "POST"}, {"headers", headers}};
  std::string token = base::percent_encode(
      request.dump(-1, ' ', false, json::error_handler_t::replace), false);
  base::redact_secret(token);
  return token;
}

}  // namespace

std::unique_ptr<SubjectTokenSource> make_aws_subject_token(
    const CredentialDocument& account, const GoogleWorld& world) {
  return std::make_unique<AwsSubjectToken>(account, world);
}

}  // namespace cloudsync::auth::google
