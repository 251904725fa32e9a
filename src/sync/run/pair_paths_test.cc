// SPDX-License-Identifier: Apache-2.0
#include "sync/run/pair_paths.h"

#include <gtest/gtest.h>

#include "base/test_directory.h"
#include "cloudsync/error.h"

namespace cloudsync::sync {
namespace {

TEST(PairPaths, BucketAndRootInsideEachOtherAreRefused) {
  const base::TestDirectory place;
  StorageOptions storage;
  storage.provider = "local";
  storage.path = place / "cloud";
  storage.bucket = "data";
  EXPECT_THROW(refuse_nested_bucket(storage, place.path()), Error);
  EXPECT_THROW(refuse_nested_bucket(storage, place / "cloud/data"), Error);
  EXPECT_THROW(refuse_nested_bucket(storage, place / "cloud/data/raw"), Error);
  EXPECT_NO_THROW(refuse_nested_bucket(storage, place / "cloud-of-data"));
  EXPECT_NO_THROW(refuse_nested_bucket(storage, place / "cloud/other"));
  storage.provider = "s3";
  EXPECT_NO_THROW(refuse_nested_bucket(storage, place.path()));
}

}  // namespace
}  // namespace cloudsync::sync
