// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/aws_credential_chain.h"

#include <utility>
#include <vector>

#include "auth/aws/credential_source.h"
#include "auth/refreshing.h"
#include "base/log.h"
#include "base/time_format.h"
#include "cloudsync/error.h"
#include "http/curl_transport.h"

namespace cloudsync::auth {
namespace {

using Sources = std::vector<std::unique_ptr<CredentialSource>>;

class AnonymousProvider final : public AwsCredentialsProvider {
 public:
  std::optional<AwsCredentials> credentials(const CallContext&) override {
    return std::nullopt;
  }
  void invalidate(const AwsCredentials&) override {}
};

class ChainProvider final : public AwsCredentialsProvider {
 public:
  ChainProvider(Sources sources, const base::Clock& clock)
      : sources_(std::move(sources)),
        clock_(clock),
        current_([this](const CallContext& context) { return load(context); }, {},
                 clock) {}

  std::optional<AwsCredentials> credentials(const CallContext& context) override {
    return current_.get(context);
  }
  void invalidate(const AwsCredentials& refused) override {
    if (!current_.invalidate(refused)) return;
    for (const auto& source : sources_) source->forget();
  }

 private:
  AwsCredentials load(const CallContext& context);
  AwsCredentials load_chosen(const CallContext& context);
  void accept(const AwsCredentials& found);
  void require_valid(const AwsCredentials& credentials) const;
  [[noreturn]] void throw_nothing_found() const;

  const Sources sources_;
  const base::Clock& clock_;
  // Of load() only, which runs once at a time.
  CredentialSource* chosen_ =
      nullptr;          // gave credentials and stays the one that is asked
  std::string origin_;  // of what it gave last
  Refreshing<AwsCredentials> current_;
};

AwsCredentials ChainProvider::load(const CallContext& context) {
  if (chosen_ != nullptr) return load_chosen(context);
  for (const auto& source : sources_) {
    auto found = source->load(context);
    if (!found) continue;
    accept(*found);
    chosen_ = source.get();
    return *std::move(found);
  }
  throw_nothing_found();
}

// A file that another tool is writing looks empty for a moment; asking the next place
// then would go on as somebody else.
AwsCredentials ChainProvider::load_chosen(const CallContext& context) {
  auto found = chosen_->load(context);
  if (!found) {
    throw Error(ErrorCode::kUnauthenticated,
                "the AWS credentials came from " + origin_ +
                    ", which has none any more; put them back, or start anew to use "
                    "others");
  }
  accept(*found);
  return *std::move(found);
}

void ChainProvider::accept(const AwsCredentials& found) {
  base::redact_secret(found.secret_access_key);
  base::redact_secret(found.session_token);
  require_valid(found);
  origin_ = found.origin;
}

void ChainProvider::require_valid(const AwsCredentials& credentials) const {
  if (!credentials.expires_ns || *credentials.expires_ns > clock_.now_ns()) return;
  throw Error(ErrorCode::kUnauthenticated,
              "the AWS credentials from " + credentials.origin + " expired at " +
                  base::format_rfc3339(*credentials.expires_ns) + "; renew them");
}

void ChainProvider::throw_nothing_found() const {
  std::string places;
  for (const auto& source : sources_) {
    const std::string place = source->place();
    if (!place.empty()) places.append(places.empty() ? "" : ", ").append(place);
  }
  throw Error(ErrorCode::kUnauthenticated,
              "no AWS credentials were found; searched: " + places +
                  ". Set one of these, or ask for anonymous access if the bucket is "
                  "public");
}

bool names_default_profile(const AwsCredentialOptions& options, const AwsWorld& world) {
  return selected_profile(world.environment, options.profile) == "default";
}

Sources make_sources(const AwsCredentialOptions& options, const AwsWorld& world) {
  Sources out;
  const bool chosen = !options.profile.empty();
  out.push_back(make_static_source(options));
  if (!chosen) out.push_back(make_environment_source(world.environment));
  const bool in_two = !chosen && names_default_profile(options, world);
  out.push_back(make_profile_source(
      options, world, in_two ? ProfilePart::kRolesAndKeys : ProfilePart::kAll));
  if (!chosen) out.push_back(make_web_identity_source(options, world));
  if (in_two) {
    out.push_back(make_profile_source(options, world, ProfilePart::kLoginsAndPrograms));
  }
  out.push_back(make_container_source(world));
  out.push_back(make_imds_source(options, world, ImdsUse::kLastPlace));
  return out;
}

http::CurlOptions transport_options(const AwsCredentialOptions& options,
                                    const Environment& environment) {
  http::CurlOptions out;
  out.ca_bundle = options.ca_bundle;
  out.add_to_system = true;
  if (out.ca_bundle.empty()) {
    out.ca_bundle = environment_value(environment, "AWS_CA_BUNDLE").value_or("");
  }
  return out;
}

}  // namespace

std::unique_ptr<AwsCredentialsProvider> make_aws_credential_chain(
    const AwsCredentialOptions& options, AwsWorld world) {
  if (options.anonymous) return std::make_unique<AnonymousProvider>();
  return std::make_unique<ChainProvider>(make_sources(options, world), world.clock);
}

std::unique_ptr<AwsCredentialsProvider> make_aws_credential_chain(
    const AwsCredentialOptions& options, Environment environment) {
  std::shared_ptr<http::HttpTransport> transport =
      http::make_curl_transport(transport_options(options, environment));
  return make_aws_credential_chain(
      options,
      AwsWorld{std::move(environment), std::move(transport), base::system_clock()});
}

}  // namespace cloudsync::auth
