// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "storage/object_store.h"
#include "storage/server_facts.h"
#include "tests/conformance/test_servers.h"

namespace cloudsync::conformance {

// One store under test. `capabilities` says where it deviates; a behaviour that it does
// not claim is skipped with that reason.
struct TestedStore {
  std::shared_ptr<storage::ObjectStore> store;
  storage::Capabilities capabilities;
  std::string skip_reason;    // not empty: this machine cannot run it
  std::string failure;        // not empty: it should run and does not
  std::string storage_class;  // one besides the default that it keeps; "" = none
  int many_keys = 10'000;
  ServerFaults faults;
  std::vector<Lacking> lacks;
  // Of servers: what the probe found, and what the server's description says it finds.
  std::optional<storage::ServerFacts> facts;
  std::vector<std::string> lacks_features;
  storage::KeyOrder list_order = storage::KeyOrder::kUtf8;
  // The same place with a bucket that is not there; nothing where there are no buckets.
  std::shared_ptr<storage::ObjectStore> without_bucket;
};

struct StoreCase {
  std::string name;
  std::function<TestedStore()>
      make;  // called once per test; keys lie below the test's name
};
inline void PrintTo(const StoreCase& store, std::ostream* out) { *out << store.name; }

// A further store is one line here.
std::vector<StoreCase> server_cases();
std::vector<StoreCase> store_cases();  // the servers among them

}  // namespace cloudsync::conformance
