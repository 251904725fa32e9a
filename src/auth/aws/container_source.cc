// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "auth/aws/credential_document.h"
#include "auth/aws/credential_source.h"
#include "auth/service_words.h"
#include "auth/small_file.h"
#include "auth/token_endpoint.h"
#include "auth/url_host.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr char kRelative[] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr char kFull[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr char kToken[] = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr char kTokenFile[] = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
constexpr char kEcsAgent[] = "http://169.254.170.2";
constexpr int kTimeoutSeconds = 5;
constexpr std::size_t kLongestToken = 64 << 10;

// ECS, EKS Pod Identity over IPv4 and IPv6.
constexpr std::array<std::string_view, 3> kPlainHosts = {
    "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};

[[noreturn]] void throw_bad(const char* variable, const std::string& value,
                            const std::string& what) {
  throw Error(ErrorCode::kUnauthenticated,
              std::string(variable) + " is \"" + shown_url(value) + "\", " + what);
}

bool is_plain(const std::string& url) {
  return std::all_of(url.begin(), url.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '@'; });
}

// The authorization token must not travel in the clear to another machine.
std::string checked_full_uri(const std::string& url) {
  const bool https = url.starts_with("https://");
  const bool http = url.starts_with("http://");
  if ((!https && !http) || !is_plain(url) || url_host(url).empty()) {
    throw_bad(kFull, url, "which is no URL with a host");
  }
  const std::string_view host = url_host(url);
  const bool known =
      std::find(kPlainHosts.begin(), kPlainHosts.end(), host) != kPlainHosts.end();
  if (https || known || is_loopback_host(host)) return url;
  throw_bad(kFull, url,
            "but over plain http only loopback, 169.254.170.2, 169.254.170.23 and "
            "[fd00:ec2::23] may be asked; use https");
}

// The id of the task at the end of the path is all that the agent asks for. What is
// shorter than an id is a word that stands in other messages too.
void redact_id(const std::string& id) {
  constexpr std::size_t kShortestId = 16;
  if (id.size() >= kShortestId) base::redact_secret(id);
}

class ContainerSource final : public CredentialSource {
 public:
  explicit ContainerSource(AwsWorld world) : world_(std::move(world)) {}

  std::optional<AwsCredentials> load(const CallContext& context) override;
  std::string place() const override {
    return std::string(kRelative) + " or " + kFull + " in the environment";
  }

 private:
  std::optional<std::string> value(const char* name) const {
    return environment_value(world_.environment, name);
  }
  std::optional<std::string> url() const;
  std::optional<std::string> authorization() const;

  const AwsWorld world_;
};

std::optional<std::string> ContainerSource::url() const {
  if (const auto path = value(kRelative)) {
    // Anything but a slash would make the address part of another one.
    if (path->starts_with('/') && is_plain(*path)) {
      redact_id(path->substr(path->rfind('/') + 1));
      return kEcsAgent + *path;
    }
    throw_bad(kRelative, *path, "which is no path like /v2/credentials/ID");
  }
  const auto full = value(kFull);
  return full ? std::optional(checked_full_uri(*full)) : std::nullopt;
}

std::optional<std::string> ContainerSource::authorization() const {
  if (const auto file = value(kTokenFile))
    return read_secret_line(
        {*file, std::string("the file of ") + kTokenFile, kLongestToken});
  const auto token = value(kToken);
  if (!token) return std::nullopt;
  base::redact_secret(*token);
  if (token->find_first_of("\r\n") == std::string::npos) return token;
  throw Error(ErrorCode::kUnauthenticated,
              std::string(kToken) + " holds a line break, which no token has");
}

std::optional<AwsCredentials> ContainerSource::load(const CallContext& context) {
  const auto address = url();
  if (!address) return std::nullopt;
  CredentialRequest request;
  request.method = "GET";
  request.url = *address;
  request.headers = {{"accept", "application/json"}};
  if (const auto token = authorization()) {
    request.headers.emplace_back("authorization", *token);
  }
  request.bypass_proxy = address->starts_with("http://");
  request.timeout_seconds = kTimeoutSeconds;
  request.purpose = "the container's credentials";
  const http::HttpResponse reply = exchange(*world_.transport, request, context);
  const std::string origin =
      "the container's credential service at " + base::redacted(shown_url(*address));
  if (reply.status == 200) return parse_metadata_credentials(reply.body, origin);
  throw Error(ErrorCode::kUnauthenticated,
              origin + " refused: " + refusal_words(reply) +
                  "; check the role of the task or the pod",
              {reply.status, {}, {}, {}});
}

}  // namespace

std::unique_ptr<CredentialSource> make_container_source(AwsWorld world) {
  return std::make_unique<ContainerSource>(std::move(world));
}

}  // namespace cloudsync::auth
