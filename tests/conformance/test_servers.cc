// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/test_servers.h"

#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "storage/server_facts.h"
#include "tests/conformance/server_places.h"

namespace cloudsync::conformance {

namespace feature = storage::feature;

namespace {

bool holds_attributes(const std::string& folder) {
  std::string place = folder + "/cloudsync-xattr-XXXXXX";
  if (!mkdtemp(place.data())) return false;
  const bool holds = setxattr(place.c_str(), "user.cloudsync", "1", 1, 0) == 0;
  rmdir(place.c_str());
  return holds;
}

}  // namespace

TestServer minio() {
  TestServer server;
  server.recipe = {"minio",
                   "CLOUDSYNC_MINIO",
                   {"server", "--quiet", "--address", "127.0.0.1:{port}", "{data}"},
                   {{"MINIO_ROOT_USER", kUser},
                    {"MINIO_ROOT_PASSWORD", kPassword},
                    {"MINIO_BROWSER", "off"},
                    {"MINIO_UPDATE", "off"},
                    {"MINIO_CI_CD", "on"}},
                   {kBucket},  // a folder of the single drive is a bucket
                   // Answers only once the object layer is up; an open port is too early.
                   "/minio/health/cluster"};
  server.options = s3_options;
  server.storage_class = "REDUCED_REDUNDANCY";
  server.lacks_features = {feature::kDelete, feature::kConditionalBatchDelete,
                           feature::kCopyDestination, feature::kNestedKeys,
                           feature::kCrc32c};
  return server;
}

TestServer versitygw() {
  TestServer server;
  server.recipe = {"versitygw",
                   "CLOUDSYNC_VERSITYGW",
                   {"--port", "127.0.0.1:{port}", "--health", "/health", "posix"},
                   {{"ROOT_ACCESS_KEY", kUser}, {"ROOT_SECRET_KEY", kPassword}},
                   {"attributes", std::string("buckets/") + kBucket},
                   "/health"};
  server.options = s3_options;
  server.storage_class = "";  // stores everything as STANDARD
  server.lacks_features = {feature::kConditionalBatchDelete, feature::kCopyDestination,
                           feature::kNestedKeys, feature::kCrc32c};
  server.faults = {
      {"emptied_folders",
       "versitygw takes a key for a folder while another writer removes an empty one"}};
  server.lacks = {{"Conditions.ReadersNeverSeeAMixWhileAnObjectIsReplaced",
                   "versitygw reads an object's attributes and its bytes one after the "
                   "other, so that the ETag may be that of the version before",
                   false}};
  std::vector<std::string>& arguments = server.recipe.arguments;
  if (!holds_attributes(temporary_folder())) {
    arguments.insert(arguments.end(), {"--sidecar", "{data}/attributes"});
    const std::string beside =
        "versitygw keeps attributes beside an object where the "
        "file system has none, and replaces them one by one";
    server.lacks.push_back({"Objects.MetadataIsReplacedByTheNextPut", beside});
  }
  arguments.emplace_back("{data}/buckets");
  return server;
}

TestServer fake_gcs_server() {
  TestServer server;
  server.recipe = {"fake-gcs-server",
                   "CLOUDSYNC_FAKE_GCS",
                   {"-scheme", "http", "-host", "127.0.0.1", "-port", "{port}",
                    "-public-host", "127.0.0.1:{port}", "-external-url",
                    "http://127.0.0.1:{port}", "-backend", "memory"},
                   {},
                   {},
                   "/storage/v1/b"};
  server.options = gcs_options;
  server.many_keys = 2500;  // each request takes time in proportion to what is there
  server.make_bucket = make_gcs_bucket;
  server.storage_class = "NEARLINE";
  server.lacks_features = {feature::kDelete, feature::kConditionalBatchDelete,
                           feature::kCopyDestination, feature::kCrc64nvme};
  const std::string status =
      "fake-gcs-server makes the part of an object that it has an object when a session "
      "is asked for its status";
  server.lacks = {{"Multipart.ListPartsGivesNumberSizeAndEtag", status},
                  {"Multipart.UploadGoesOnFromTheListedParts", status},
                  {"Objects.CopyTakesTheStorageClass",
                   "fake-gcs-server gives every copy the bucket's default class"},
                  {"Listing.DelimiterPagesNeverRepeatAPrefix",
                   "fake-gcs-server repeats common prefixes on every page"}};
  server.faults = {
      {"pinned_get", "fake-gcs-server does not look at the generation of a GET"}};
  return server;
}

TestServer azurite() {
  TestServer server;
  server.recipe = {
      "azurite",
      "CLOUDSYNC_AZURITE",
      {"--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence",
       "--blobHost", "127.0.0.1", "--blobPort", "{port}"},
      {},
      {},
      "/",
      400};
  server.options = azure_options;
  server.make_bucket = make_azure_container;
  server.storage_class = "Cool";
  server.lacks_features = {feature::kStartAfter, feature::kCrc32c, feature::kCrc64nvme};
  server.list_order = storage::KeyOrder::kUtf16;
  return server;
}

}  // namespace cloudsync::conformance
