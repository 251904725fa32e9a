// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cloudsync/cloud_storage.h"
#include "storage/object_store.h"

namespace cloudsync::storage {

// One line per provider in provider_factory.cc: its name and the function that builds its
// store.
std::unique_ptr<ObjectStore> make_object_store(const StorageOptions& options);
std::vector<std::string> provider_names();

}  // namespace cloudsync::storage
