// SPDX-License-Identifier: Apache-2.0
// Gateways and emulators that lack much.
#include <string>
#include <vector>

#include "storage/server_facts.h"
#include "tests/conformance/server_places.h"
#include "tests/conformance/test_servers.h"

namespace cloudsync::conformance {

namespace feature = storage::feature;

namespace {
// Java and Python take their time, so no more than makes the point.
constexpr int kFewKeys = 300;

// Of gateways that keep each object as a plain file.
std::vector<std::string> of_plain_files() {
  return {feature::kPut,
          feature::kComplete,
          feature::kDelete,
          feature::kConditionalBatchDelete,
          feature::kCopyDestination,
          feature::kNestedKeys,
          feature::kCrc32c,
          feature::kCrc64nvme};
}
}  // namespace

TestServer moto() {
  TestServer server;
  server.recipe = {"moto", "CLOUDSYNC_MOTO", {"-H", "127.0.0.1", "-p", "{port}"}, {},
                   {},     "/moto-api/"};
  server.options = s3_options;
  server.make_bucket = make_s3_bucket;
  server.storage_class = "STANDARD_IA";
  server.many_keys = kFewKeys;
  server.lacks_features = {feature::kComplete, feature::kConditionalBatchDelete,
                           feature::kCopyDestination, feature::kCrc32c,
                           feature::kCrc64nvme};
  const std::string md5 = "moto does not look at Content-MD5";
  const std::string gone = "moto answers 500 for an upload that it does not know";
  server.lacks = {{"Multipart.WrongMd5OfAPartIsRefused", md5},
                  {"Objects.WrongMd5IsRefusedAndNothingIsStored", md5},
                  {"Objects.WrongChecksumSparesTheObjectThatIsThere", md5},
                  {"Multipart.PartOfAGoneUploadIsNotFound", gone},
                  {"Multipart.CompleteOfAGoneUploadIsNotFound", gone},
                  {"Multipart.CopiedPartOfAChangedSourceIsRefused",
                   "moto does not look at the condition on the source of a copied part"},
                  {"Multipart.ListUploadsNamesOpenUploadsOfAKey",
                   "moto lists every upload as begun at the same moment of 2010"}};
  return server;
}

TestServer s3proxy() {
  TestServer server;
  server.recipe = {"s3proxy",
                   "CLOUDSYNC_S3PROXY",
                   {"{port}", "{data}"},
                   {{"S3PROXY_IDENTITY", kUser}, {"S3PROXY_CREDENTIAL", kPassword}},
                   {kBucket},  // a folder is a bucket
                   "/",
                   403};
  server.options = s3_options;
  server.storage_class = "STANDARD_IA";
  server.many_keys = kFewKeys;
  server.lacks_features = of_plain_files();
  server.list_order = storage::KeyOrder::kUtf16;
  const std::string parts = "S3Proxy leaves <IsTruncated> out of its lists of parts";
  server.lacks = {
      {"Multipart.ListPartsGivesNumberSizeAndEtag", parts},
      {"Multipart.UploadGoesOnFromTheListedParts", parts},
      {"Multipart.SendingAPartAgainReplacesIt", parts},
      {"Multipart.WrongMd5OfAPartIsRefused", parts},
      {"Multipart.PartsOfAnAbortedUploadAreGone", parts},
      {"Multipart.PartOfAGoneUploadIsNotFound",
       "S3Proxy takes parts of an upload that was aborted"},
      {"Multipart.ListUploadsNamesOpenUploadsOfAKey",
       "S3Proxy answers 501 when asked for open uploads of a key"},
      {"Multipart.PartsMakeTheWholeObjectWithItsProperties",
       "S3Proxy gives a finished upload another ETag than it answered"},
      {"Listing.KeysComeInTheOrderThatTheStoreStates",
       "S3Proxy percent-encodes its page tokens and does not decode them again: behind a "
       "key that is not plain ASCII its pages go in circles"},
      {"Objects.CopyTakesTheStorageClass", "S3Proxy stores every copy as STANDARD"},
      {"Objects.GetBelowAnObjectIsNotFound",
       "S3Proxy answers 500 for a key below an object"}};
  return server;
}

TestServer rclone() {
  TestServer server;
  server.recipe = {
      "rclone",
      "CLOUDSYNC_RCLONE",
      {"serve", "s3", "--config", "/dev/null", "--vfs-cache-mode", "off", "--auth-key",
       std::string(kUser) + "," + kPassword, "--addr", "127.0.0.1:{port}", "{data}"},
      {},
      {kBucket},  // a folder is a bucket
      "/",
      400};
  server.options = s3_options;
  server.many_keys = kFewKeys;
  server.lacks_features = of_plain_files();
  const std::string cut = "rclone leaves <IsTruncated> out of its lists of ";
  const std::string copy = "rclone takes a part that is to be copied for an empty one";
  server.lacks = {{"Multipart.ListPartsGivesNumberSizeAndEtag", cut + "parts"},
                  {"Multipart.UploadGoesOnFromTheListedParts", cut + "parts"},
                  {"Multipart.ListUploadsNamesOpenUploadsOfAKey", cut + "uploads"},
                  {"Multipart.CopiedPartsTakeRangesOfTheSource", copy},
                  {"Multipart.CopiedPartOfAChangedSourceIsRefused", copy},
                  {"Multipart.SendingAPartAgainReplacesIt",
                   "rclone hands parts on as they come and cannot replace one"},
                  {"Multipart.PartsMakeTheWholeObjectWithItsProperties",
                   "rclone gives a finished upload another ETag than it answered"},
                  {"Conditions.ReadersNeverSeeAMixWhileAnObjectIsReplaced",
                   "rclone writes into the file that it is sending", false}};
  server.faults = {
      {"pinned_get", "rclone does not look at If-Match of a GET"},
      {"emptied_folders", "rclone answers 500 while a folder comes or goes"}};
  return server;
}

TestServer gcp_storage_emulator() {
  TestServer server;
  server.recipe = {
      "gcp-storage-emulator",
      "CLOUDSYNC_GCP_EMULATOR",
      {"-d", "{data}", "start", "-q", "--host", "127.0.0.1", "--port", "{port}"},
      {},
      {},
      "/"};
  server.options = gcs_options;
  server.make_bucket = make_gcs_bucket;
  server.storage_class = "NEARLINE";
  server.many_keys = 60;  // each request takes time in proportion to what is there
  server.lacks_features = {feature::kPut,
                           feature::kComplete,
                           feature::kDelete,
                           feature::kBatchDelete,
                           feature::kConditionalBatchDelete,
                           feature::kCopyDestination,
                           feature::kNestedKeys,
                           feature::kCrc64nvme};
  const std::string session = "gcp-storage-emulator keeps a session that was ended";
  const std::string path = "gcp-storage-emulator takes a key for a path";
  const std::string page = "gcp-storage-emulator sends everything on one page";
  server.lacks = {
      {"Multipart.PartsOfAnAbortedUploadAreGone", session},
      {"Multipart.PartOfAGoneUploadIsNotFound", session},
      {"Objects.DotSegmentsAreKeptOrRefusedButNeverResolved", path},
      {"Objects.UnsafeNamesAreKeptOrRefusedButNeverChanged", path},
      {"Listing.DelimiterPagesNeverRepeatAPrefix", page},
      {"Conditions.ReadersNeverSeeAMixWhileAnObjectIsReplaced",
       "gcp-storage-emulator writes into the file that it is sending", false}};
  server.faults = {{"page_size", page}};
  return server;
}

}  // namespace cloudsync::conformance
