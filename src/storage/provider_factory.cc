// SPDX-License-Identifier: Apache-2.0
#include "storage/provider_factory.h"

#include <array>

#include "storage/azure/azure_store.h"
#include "storage/gcs/gcs_store.h"
#include "storage/local/local_store.h"
#include "storage/s3/s3_store.h"

namespace cloudsync::storage {
namespace {

struct Provider {
  const char* name;
  std::unique_ptr<ObjectStore> (*make)(const StorageOptions&);
};

constexpr std::array kProviders{
    Provider{"s3",
             [](const StorageOptions& options) { return s3::make_s3_store(options); }},
    Provider{"gcs",
             [](const StorageOptions& options) { return gcs::make_gcs_store(options); }},
    Provider{
        "azure",
        [](const StorageOptions& options) { return azure::make_azure_store(options); }},
    Provider{"local",
             [](const StorageOptions& options) { return make_local_store(options); }},
};

}  // namespace

std::vector<std::string> provider_names() {
  std::vector<std::string> names;
  for (const Provider& provider : kProviders) names.emplace_back(provider.name);
  return names;
}

std::unique_ptr<ObjectStore> make_object_store(const StorageOptions& options) {
  std::string known;
  for (const Provider& provider : kProviders) {
    if (options.provider == provider.name) return provider.make(options);
    known += (known.empty() ? "" : ", ") + std::string(provider.name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "storage.provider '" + options.provider +
                  "' is not known; this version has: " + known);
}

}  // namespace cloudsync::storage
