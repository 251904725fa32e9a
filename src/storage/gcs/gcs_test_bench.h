// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "cloudsync/error.h"
#include "hash/digest.h"
#include "storage/gcs/gcs_fake_service_test.h"
#include "storage/gcs/gcs_store.h"
#include "storage/rest/rest_testing.h"

namespace cloudsync::storage::gcs::testing {

using rest::testing::environment_of;
using rest::testing::error_of;
using rest::testing::source_of;
using rest::testing::StringSink;

// token-1, and the next one after each invalidate().
class CountedTokens final : public auth::AccessTokenProvider {
 public:
  std::optional<auth::AccessToken> token(const CallContext&) override {
    ++asked;
    return auth::AccessToken{"token-" + std::to_string(generation), {}, "test", quota};
  }
  void invalidate(const auth::AccessToken&) override {
    if (generation < last_generation) ++generation;
  }
  int asked = 0;
  int generation = 1;
  int last_generation = 1;
  std::string quota;
};

inline Md5Digest md5_of(std::string_view text) {
  return hash::Md5::of(std::as_bytes(std::span(text)));
}

// A store on the scripted service.
class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.provider = "gcs";
    options_.bucket = "bucket";
  }

  ObjectStore& store() {
    if (store_ == nullptr) store_ = make_store();
    return *store_;
  }
  MultipartStore& sessions() { return *store().multipart(); }

  // A further process on the same bucket.
  std::unique_ptr<ObjectStore> make_store() {
    auto tokens = std::make_unique<CountedTokens>();
    tokens_ = tokens.get();
    return make_gcs_store(options_, environment_of({}), {service_, std::move(tokens)});
  }

  PutResult put(const std::string& key, const std::string& content,
                Precondition condition = {}) {
    PutRequest request;
    request.key = {key};
    request.condition = std::move(condition);
    request.md5 = md5_of(content);
    MemorySource source = source_of(content);
    return store().put(request, source, {});
  }

  StorageOptions options_;
  std::shared_ptr<FakeGcs> service_ = std::make_shared<FakeGcs>();
  CountedTokens* tokens_ = nullptr;

 private:
  std::unique_ptr<ObjectStore> store_;
};

}  // namespace cloudsync::storage::gcs::testing
