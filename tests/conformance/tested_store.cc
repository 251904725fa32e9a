// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/tested_store.h"

#include <cstdlib>
#include <filesystem>

#include "storage/decorators.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_store.h"
#include "storage/provider_factory.h"

namespace cloudsync::conformance {
namespace {

using storage::ObjectStore;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = temporary_folder() + "/cloudsync-local-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TestedStore tested(std::shared_ptr<ObjectStore> store) {
  TestedStore result;
  result.capabilities = store->capabilities();
  result.store = std::move(store);
  result.storage_class = "COLD";
  return result;
}

TestedStore make_memory() { return tested(std::make_shared<storage::MemoryStore>()); }

// Tokens of the content and no promise beyond S3's.
TestedStore make_memory_like_s3() {
  storage::MemoryStore::Options options;
  options.content_tokens = true;
  return tested(std::make_shared<storage::MemoryStore>(options));
}

// Key order by UTF-16, and properties that only the end of an upload can give.
TestedStore make_memory_like_azure() {
  storage::MemoryStore::Options options;
  options.capabilities.list_order = storage::KeyOrder::kUtf16;
  options.capabilities.start_after = false;
  options.capabilities.metadata_in_listing = true;
  options.properties_at_complete = true;
  return tested(std::make_shared<storage::MemoryStore>(options));
}

TestedStore make_local() {
  auto directory = std::make_shared<TemporaryDirectory>();
  StorageOptions options;
  options.provider = "local";
  options.path = directory->path();
  ObjectStore* raw = storage::make_local_store(options).release();
  return tested(
      std::shared_ptr<ObjectStore>(raw, [directory](ObjectStore* done) { delete done; }));
}

// A server that runs until the test program ends, and what its bucket was seen to honour.
class RunningServer {
 public:
  explicit RunningServer(TestServer server)
      : server_(std::move(server)), process_(server_.recipe) {
    failure_ = process_.failure();
    if (!failure_.empty() || !process_.skip_reason().empty()) return;
    try {
      prepare();
    } catch (const Error& error) {
      failure_ = error.what();
    }
  }

  TestedStore tested_store() const {
    TestedStore result;
    result.skip_reason = process_.skip_reason();
    result.failure = failure_;
    result.capabilities = capabilities_;
    result.storage_class = server_.storage_class;
    result.many_keys = server_.many_keys;
    result.faults = server_.faults;
    result.lacks = server_.lacks;
    result.facts = facts_;
    result.lacks_features = server_.lacks_features;
    result.list_order = server_.list_order;
    if (!result.skip_reason.empty() || !result.failure.empty()) return result;
    StorageOptions options = server_.options(process_.url());
    result.store = storage::make_object_store(options);
    options.bucket = "no-such-bucket";
    result.without_bucket = storage::make_object_store(options);
    return result;
  }

 private:
  void prepare() {
    const int status = server_.make_bucket ? server_.make_bucket(process_.port()) : 200;
    if (status / 100 != 2) {
      failure_ = server_.recipe.name + " answered " + std::to_string(status) +
                 " when the bucket was made";
      return;
    }
    const auto store = storage::make_object_store(server_.options(process_.url()));
    facts_ = storage::probe_server(*store, "", "conformance", {}, {}).facts;
    capabilities_ = facts_.over(store->capabilities());
  }

  TestServer server_;
  ServerProcess process_;
  std::string failure_;
  storage::ServerFacts facts_;
  storage::Capabilities capabilities_;
};

template <TestServer (*Server)()>
TestedStore make_server_store() {
  static const RunningServer server(Server());
  return server.tested_store();
}

}  // namespace

std::vector<StoreCase> server_cases() {
  return {{"minio", make_server_store<minio>},
          {"versitygw", make_server_store<versitygw>},
          {"fake_gcs", make_server_store<fake_gcs_server>},
          {"azurite", make_server_store<azurite>},
          {"moto", make_server_store<moto>},
          {"s3proxy", make_server_store<s3proxy>},
          {"rclone", make_server_store<rclone>},
          {"gcp_emulator", make_server_store<gcp_storage_emulator>}};
}

std::vector<StoreCase> store_cases() {
  std::vector<StoreCase> all{{"memory", make_memory},
                             {"memory_like_s3", make_memory_like_s3},
                             {"memory_like_azure", make_memory_like_azure},
                             {"local", make_local}};
  for (StoreCase& server : server_cases()) all.push_back(std::move(server));
  return all;
}

}  // namespace cloudsync::conformance
