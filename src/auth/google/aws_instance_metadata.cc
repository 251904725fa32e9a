// SPDX-License-Identifier: Apache-2.0
#include "auth/google/aws_instance_metadata.h"

#include "auth/blank.h"
#include "auth/google/oauth_exchange.h"
#include "auth/service_words.h"
#include "auth/token_endpoint.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace cloudsync::auth::google {
namespace {

using nlohmann::json;

constexpr int kTimeoutSeconds = 5;

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// What stands in a URL or header afterwards.
bool is_plain_line(const std::string& text) {
  return !text.empty() && text.size() <= 4096 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

void AwsInstanceMetadata::refuse(const std::string& reason) const {
  throw Error(ErrorCode::kUnauthenticated,
              "Amazon's instance metadata (" + urls_.named_by + ") " + reason);
}

std::string AwsInstanceMetadata::send(const std::string& method, const std::string& url,
                                      const http::Headers& headers,
                                      const std::string& purpose) {
  CredentialRequest request;
  request.method = method;
  request.url = url;
  request.headers = headers;
  request.bypass_proxy = true;
  request.timeout_seconds = kTimeoutSeconds;
  request.purpose = purpose + " (" + urls_.named_by + ")";
  const auto reply = exchange(*world_.transport, request, context_);
  if (reply.status != 200) refuse("refused " + purpose + ": " + refusal_words(reply));
  return reply.body;
}

const std::string& AwsInstanceMetadata::session_token() {
  if (!session_token_.empty()) return session_token_;
  const http::Headers lifetime = {{"x-aws-ec2-metadata-token-ttl-seconds", "300"}};
  session_token_ = trim_blanks(
      send("PUT", urls_.session_token, lifetime, "the session token of the metadata"));
  if (!is_plain_line(session_token_)) refuse("gave no usable session token");
  base::redact_secret(session_token_);
  return session_token_;
}

std::string AwsInstanceMetadata::get(const std::string& url, const std::string& purpose) {
  http::Headers headers;
  if (!urls_.session_token.empty()) {
    headers.emplace_back("x-aws-ec2-metadata-token", session_token());
  }
  return send("GET", url, headers, purpose);
}

std::string AwsInstanceMetadata::region() {
  if (urls_.region.empty()) {
    refuse("has no region_url; set AWS_REGION or add it");
  }
  std::string zone(trim_blanks(get(urls_.region, "the availability zone")));
  // "us-east-2b" lies in the region us-east-2.
  if (!is_plain_line(zone) || zone.size() < 2) refuse("gave no availability zone");
  zone.pop_back();
  return zone;
}

AwsCredentials AwsInstanceMetadata::credentials() {
  if (urls_.credentials.empty()) {
    refuse(
        "has no url for credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
        "or add it");
  }
  const std::string role(trim_blanks(get(urls_.credentials, "the name of the role")));
  if (!is_plain_line(role)) refuse("names no role; attach one to the instance");
  const std::string base =
      urls_.credentials.ends_with('/') ? urls_.credentials : urls_.credentials + "/";
  const json document =
      json::parse(get(base + base::percent_encode(role, false), "the role's credentials"),
                  nullptr, false);
  AwsCredentials found;
  if (document.is_object()) {
    found.access_key_id = text_of(document, "AccessKeyId");
    found.secret_access_key = text_of(document, "SecretAccessKey");
    found.session_token = text_of(document, "Token");
  }
  base::redact_secret(found.secret_access_key);
  base::redact_secret(found.session_token);
  const bool usable = is_plain_line(found.access_key_id) &&
                      !found.secret_access_key.empty() &&
                      (found.session_token.empty() || is_plain_line(found.session_token));
  if (!usable) {
    refuse("gave no usable credentials for the role " + base::printable(role));
  }
  return found;
}

}  // namespace cloudsync::auth::google
