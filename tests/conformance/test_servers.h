// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>

#include "cloudsync/cloud_storage.h"
#include "tests/conformance/server_process.h"

namespace cloudsync::conformance {

// What a server does against its protocol's documentation, in words for the screen. The
// store cannot state these as capabilities: the real service does not have them.
using ServerFaults = std::map<std::string, std::string>;

struct TestServer {
  ServerRecipe recipe;
  // Of the bucket "conformance" of a server that listens at this URL.
  std::function<StorageOptions(const std::string& url)> options;
  // Makes that bucket where a folder of the recipe is not enough.
  std::function<int(int port)> make_bucket;  // the answer's status
  std::string storage_class;                 // one besides the default that it keeps
  int many_keys = 10'000;                    // that it can be asked to hold
  ServerFaults faults;
};

TestServer minio();
TestServer versitygw();
TestServer fake_gcs_server();
TestServer azurite();

}  // namespace cloudsync::conformance
