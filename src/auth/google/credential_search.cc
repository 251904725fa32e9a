// SPDX-License-Identifier: Apache-2.0
#include "auth/google/credential_search.h"

#include "auth/google/metadata_server.h"
#include "auth/small_file.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

#include <vector>

namespace cloudsync::auth::google {
namespace {

constexpr char kVariable[] = "GOOGLE_APPLICATION_CREDENTIALS";
constexpr char kAdcFile[] = "application_default_credentials.json";

using Places = std::vector<std::string>;  // searched in vain, and why

std::string in_home(const Environment& environment, const std::string& path) {
  const auto home = environment_value(environment, "HOME");
  if (!home) return {};
  return home->ends_with('/') ? *home + path : *home + "/" + path;
}

std::string expanded(const Environment& environment, const std::string& path) {
  return path.starts_with("~/") ? in_home(environment, path.substr(2)) : path;
}

// "" where neither CLOUDSDK_CONFIG nor HOME says.
std::string adc_path(const Environment& environment) {
  const auto folder = environment_value(environment, "CLOUDSDK_CONFIG");
  if (!folder) return in_home(environment, std::string(".config/gcloud/") + kAdcFile);
  return *folder + (folder->ends_with('/') ? "" : "/") + kAdcFile;
}

std::unique_ptr<TokenSource> from_gcloud(const GoogleWorld& world, Places& places) {
  const std::string path = adc_path(world.environment);
  if (path.empty()) {
    places.push_back(std::string("gcloud's ") + kAdcFile + " (HOME is not set)");
    return nullptr;
  }
  if (read_small_file({path, "gcloud's credential file"})) {
    return make_file_source(path, "gcloud's application default credentials", world);
  }
  places.push_back(base::printable(path) + " (no such file)");
  return nullptr;
}

std::unique_ptr<TokenSource> from_machine(const GoogleWorld& world, Places& places,
                                          const CallContext& context) {
  const auto skip = environment_value(world.environment, "NO_GCE_CHECK").value_or("");
  if (skip == "true" || skip == "True" || skip == "1") {
    places.emplace_back("the metadata server (not asked: NO_GCE_CHECK is set)");
    return nullptr;
  }
  auto server = std::make_unique<MetadataServer>(world, kStorageScope);
  const auto absence = server->absence(context);
  if (!absence) return server;
  places.push_back("the metadata server (" + *absence + ")");
  return nullptr;
}

[[noreturn]] void throw_nothing_found(const Places& places) {
  std::string text = "no Google credentials were found; searched: ";
  for (std::size_t i = 0; i < places.size(); ++i) {
    text.append(i == 0 ? "" : ", ").append(places[i]);
  }
  text +=
      ". Run `gcloud auth application-default login`, set "
      "GOOGLE_APPLICATION_CREDENTIALS to a key file, or ask for anonymous access if the "
      "bucket is public";
  throw Error(ErrorCode::kUnauthenticated, std::move(text));
}

}  // namespace

std::unique_ptr<TokenSource> find_token_source(const GoogleCredentialOptions& options,
                                               const GoogleWorld& world,
                                               const CallContext& context) {
  if (!options.service_account_file.empty()) {
    return make_file_source(expanded(world.environment, options.service_account_file),
                            "named by storage.credentials.service_account_file", world);
  }
  if (const auto path = environment_value(world.environment, kVariable)) {
    return make_file_source(*path, std::string("named by ") + kVariable, world);
  }
  Places places = {std::string(kVariable) + " (not set)"};
  if (auto source = from_gcloud(world, places)) return source;
  if (auto source = from_machine(world, places, context)) return source;
  throw_nothing_found(places);
}

}  // namespace cloudsync::auth::google
