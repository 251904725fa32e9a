// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/tested_store.h"

#include <cstdlib>
#include <filesystem>

#include "storage/decorators.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_store.h"
#include "storage/provider_factory.h"
#include "tests/conformance/minio_server.h"

namespace cloudsync::conformance {
namespace {

using storage::ObjectStore;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base ? base : "/tmp") + "/cloudsync-local-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TestedStore make_memory() {
  auto store = std::make_shared<storage::MemoryStore>();
  return {store, store->capabilities(), ""};
}

// Tokens of the content and no promise beyond S3's.
TestedStore make_memory_like_s3() {
  storage::MemoryStore::Options options;
  options.content_tokens = true;
  auto store = std::make_shared<storage::MemoryStore>(options);
  return {store, store->capabilities(), ""};
}

TestedStore make_local() {
  auto directory = std::make_shared<TemporaryDirectory>();
  StorageOptions options;
  options.provider = "local";
  options.path = directory->path();
  auto store = storage::make_local_store(options);
  const storage::Capabilities capabilities = store->capabilities();
  ObjectStore* raw = store.release();
  return {
      std::shared_ptr<ObjectStore>(raw, [directory](ObjectStore* done) { delete done; }),
      capabilities, ""};
}

TestedStore make_minio() {
  MinioServer& server = MinioServer::shared();
  if (!server.skip_reason().empty()) return {nullptr, {}, server.skip_reason()};
  std::shared_ptr<ObjectStore> store = storage::make_object_store(server.options());
  static const storage::Capabilities probed =
      storage::probe_capabilities(*store, "", "conformance", {});
  return {store, probed, ""};
}

}  // namespace

std::vector<StoreCase> store_cases() {
  return {{"memory", make_memory},
          {"memory_like_s3", make_memory_like_s3},
          {"local", make_local},
          {"minio", make_minio}};
}

}  // namespace cloudsync::conformance
