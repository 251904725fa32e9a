// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cloudsync/cloud_storage.h"
#include "storage/object_store.h"
#include "tests/conformance/server_process.h"

namespace cloudsync::conformance {

// A test that fails for what the server does against its protocol's documentation. It is
// run all the same, and reported as skipped with the reason; one that passes is a
// failure, so that no line stays behind.
struct Lacking {
  std::string test;  // "Suite.Name"
  std::string reason;
  bool tried = true;  // false: it passes at times, or would keep everybody waiting
};

// Points in which the tests ask less of this server, with what it does.
using ServerFaults = std::map<std::string, std::string>;

struct TestServer {
  ServerRecipe recipe;
  // Of the bucket "conformance" of a server that listens at this URL.
  std::function<StorageOptions(const std::string& url)> options;
  // Makes that bucket where a folder of the recipe is not enough.
  std::function<int(int port)> make_bucket;  // the answer's status
  std::string storage_class;  // one besides the default that it keeps; "" = none
  int many_keys = 10'000;     // that it can be asked to hold
  ServerFaults faults;
  std::vector<Lacking> lacks;
  // What the probe finds to be missing, by the names of storage::feature. Tests of it are
  // skipped.
  std::vector<std::string> lacks_features;
  storage::KeyOrder list_order = storage::KeyOrder::kUtf8;
};

TestServer minio();
TestServer versitygw();
TestServer fake_gcs_server();
TestServer azurite();
TestServer moto();
TestServer s3proxy();
TestServer rclone();
TestServer gcp_storage_emulator();

}  // namespace cloudsync::conformance
