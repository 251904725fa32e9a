// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/byte_stream.h"
#include "base/call_context.h"
#include "cloudsync/error.h"
#include "cloudsync/types.h"

namespace cloudsync::storage {

// A full key in the bucket: bytes, never a file system path.
struct ObjectKey {
  std::string value;
  auto operator<=>(const ObjectKey&) const = default;
};

// Names exactly one stored content of a key; opaque, compared for equality only. S3 and
// Azure: the ETag without quotes; GCS: the generation; local: made of the file's stat.
struct VersionToken {
  std::string value;
  auto operator<=>(const VersionToken&) const = default;
};

struct UploadId {
  std::string value;
  auto operator<=>(const UploadId&) const = default;
};

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// What readers over HTTP are told beside the content type; kept as it was given.
struct ServedHeaders {
  std::string cache_control;
  std::string content_disposition;
  std::string content_language;
  bool operator==(const ServedHeaders&) const = default;
};

using Tags = std::map<std::string, std::string>;

// The order in which `list` yields keys.
enum class KeyOrder { kUtf8, kUtf16, kComponent, kNone };

// How a file's modification time is written into object metadata: the form that rclone,
// gsutil and gcloud read on that provider.
enum class MtimeStyle {
  kDecimalSeconds,     // mtime=1700000000.123456789 (S3)
  kRfc3339,            // mtime=2023-11-14T22:13:20.123456789Z (Azure)
  kRfc3339AndSeconds,  // the same and goog-reserved-file-mtime=1700000000 (GCS)
};

// What this store honours. Data, so that the planner reads it and decorators can overlay
// it.
struct Capabilities {
  bool declared =
      true;  // false: a custom endpoint whose answers must be probed before a mutation
  bool conditional_put = true;
  bool conditional_complete = true;
  bool conditional_delete = true;
  bool conditional_batch_delete =
      false;  // per-key condition inside remove_many is honoured
  bool conditional_copy_source = true;
  bool conditional_copy_destination = false;
  // The token is made of the content (an ETag of S3), so that an object which was deleted
  // and written again has the token of the one before.
  bool tokens_recur = false;
  bool nested_keys = true;  // can hold and list `a` beside `a/b`
  bool metadata_in_listing = false;
  // Metadata and what is served with an object travel as header lines: printable ASCII.
  bool ascii_properties = true;
  bool start_after = true;
  bool crc64nvme = false;  // checksum kinds a write may carry
  bool crc32c = false;
  bool multipart = false;
  bool sequential_parts = false;  // parts go in order, one at a time (a GCS session)
  bool part_copies = true;        // copy_part exists
  bool lists_uploads = true;      // list_uploads knows uploads whose id was lost
  // Every body travels under a signed SHA-256 that the server checks (S3 over plain
  // http): another checksum would prove nothing more.
  bool signed_payload = false;
  KeyOrder list_order = KeyOrder::kUtf8;
  MtimeStyle mtime_style = MtimeStyle::kDecimalSeconds;
  std::uint64_t max_single_copy = 5ULL << 30;  // bytes one copy() takes; above: copy_part
  std::uint64_t max_single_put = 5ULL << 30;   // bytes
  std::uint64_t max_object = 50ULL << 40;      // bytes
  std::uint64_t min_part = 5ULL << 20;         // bytes, all parts but the last
  std::uint64_t max_part = 5ULL << 30;         // bytes
  std::uint64_t part_multiple = 1;  // bytes; all parts but the last are a multiple
  std::uint32_t max_parts = 10000;
  std::uint32_t batch_delete_limit = 1000;  // keys in one remove_many request
};

struct ObjectInfo {
  ObjectKey key;
  std::uint64_t size = 0;
  VersionToken token;
  std::string version_id;             // the provider's version, "" when it gave none
  std::int64_t last_modified_ns = 0;  // the server's clock
  // MD5 of the whole content, computed by the service itself.
  std::optional<Md5Digest> md5;
  // The same as the writer says it (Content-MD5 of Azure; `md5chksum` stays in the
  // metadata): anybody who may write can set it, and it may be of other bytes.
  std::optional<Md5Digest> stored_md5;
  // A value that equals the content's MD5 if it equals anything (S3: a 32-digit ETag of a
  // listing, where encryption cannot be seen): equality proves, inequality proves
  // nothing.
  std::optional<Md5Digest> md5_candidate;
  std::optional<std::uint32_t> crc32c;
  std::optional<std::uint64_t> crc64nvme;
  std::string storage_class;  // "" = the provider's default
  bool archived = false;      // GET needs a restore first
  std::string content_type;
  ServedHeaders served;
  // Nothing where it is not told: a HEAD of S3 says as little of no tags as of tags that
  // may not be read.
  std::optional<std::uint64_t> tag_count;
  // Nothing where a listing does not carry it; it then carries none of the three before.
  std::optional<Metadata> metadata;
  // In listings. Not empty: no object, but something else that stands at this key (local:
  // a symbolic link, a socket; an unreadable folder, whose key then ends in '/'). Neither
  // the key nor any below it may be taken for absent; HEAD, GET and writes throw.
  std::string blocked;
};

// At most one of the two. Travels in the request; a failed one is a value of the result.
struct Precondition {
  std::optional<VersionToken> if_match;
  bool if_absent = false;
  bool any() const { return if_match.has_value() || if_absent; }
  friend bool operator==(const Precondition&, const Precondition&) = default;
};

struct ListRequest {
  std::string prefix;       // full keys are returned, prefix included
  std::string start_after;  // exclusive; "" = from the beginning
  std::string delimiter;    // "" or "/"
  std::string page_token;   // from the previous page
  std::uint32_t max_keys = 1000;
};

struct ListPage {
  std::vector<ObjectInfo> objects;  // in the store's order
  std::vector<std::string> common_prefixes;
  std::string next_page_token;  // "" = last page
  // A name that the service listed and the store left out: pages that name something are
  // not empty.
  std::string first_filtered;
};

struct GetRequest {
  ObjectKey key;
  std::optional<ByteRange> range;  // whole object when absent
  std::optional<VersionToken> if_match;
  std::string version_id;
  bool fresh_connection = false;  // not one over which bytes came that were wrong
};

enum class Outcome { kOk, kNotFound, kPreconditionFailed, kArchived };

struct GetResult {
  Outcome outcome = Outcome::kOk;
  ObjectInfo info;               // size is the whole object's, also for a range
  std::uint64_t body_bytes = 0;  // delivered to the sink
};

struct PutRequest {
  ObjectKey key;
  Precondition condition;
  std::optional<Md5Digest> md5;  // of the body; sent along and checked by the server
  std::optional<Sha256Digest> sha256;  // of the body; lets a signer skip its own pass
  std::optional<std::uint64_t> crc64nvme;
  std::optional<std::uint32_t> crc32c;
  std::string content_type;
  std::string storage_class;
  Metadata metadata;
  ServedHeaders served;
  Tags tags;
};

struct PutResult {
  Outcome outcome = Outcome::kOk;
  VersionToken token;
  std::string version_id;
  std::int64_t last_modified_ns = 0;
  bool last_modified_exact =
      false;  // false: the response's Date; the next LIST has the real one
  std::optional<Md5Digest> md5;  // what the server says it stored, where it says so
};

struct DeleteRequest {
  ObjectKey key;
  std::optional<VersionToken> if_match;
  // When that version was last modified by the store's clock; 0 = not known. Never sent:
  // where tokens recur it tells a version from a later one of the same content.
  std::int64_t seen_modified_ns = 0;
};

struct DeleteResult {
  Outcome outcome = Outcome::kOk;  // kOk also when the key was absent already
  std::optional<Error> error;      // remove_many only: this key's own failure
};

// Server-side copy inside the bucket; metadata, tags and storage class go along.
struct CopyRequest {
  ObjectKey source;
  std::optional<VersionToken> source_if_match;
  ObjectKey destination;
  Precondition condition;  // on the destination, where the capability says so
  std::uint64_t size =
      0;  // of the source; above max_single_copy the caller copies by parts
};

// What tells a bucket from another one at the same place, where no service keeps the
// names apart: a folder may be an unmounted disk's mount point.
struct BucketIdentity {
  bool present = false;  // there is a folder; else the first write makes it
  std::string id;        // "" = made by others, or before there were ids
};

struct BucketInfo {
  bool exists = false;
  std::string region;
  bool versioned = false;
  std::int64_t soft_delete_seconds = 0;  // how long what is deleted or replaced stays
};

struct BeginUploadRequest {
  ObjectKey key;
  // What complete_upload will ask again: a GCS session takes its condition at the
  // beginning.
  Precondition condition;
  std::uint64_t size = 0;
  std::uint64_t part_size = 0;  // of all parts but the last
  std::string content_type;
  std::string storage_class;
  Metadata metadata;
  ServedHeaders served;
  Tags tags;
};

struct PartRequest {
  ObjectKey key;
  UploadId upload;
  std::uint32_t number = 0;  // 1-based
  std::uint64_t offset = 0;  // of its first byte in the object
  std::optional<Md5Digest> md5;
  std::optional<Sha256Digest> sha256;
  std::optional<std::uint64_t> crc64nvme;
  std::optional<std::uint32_t> crc32c;
};

struct CopyPartRequest {
  ObjectKey key;
  UploadId upload;
  std::uint32_t number = 0;
  ObjectKey source;
  std::optional<VersionToken> source_if_match;
  ByteRange range;
};

struct PartReceipt {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  std::string etag;  // without quotes
  std::optional<std::uint64_t> crc64nvme;
};

struct CompleteRequest {
  ObjectKey key;
  UploadId upload;
  std::vector<PartReceipt> parts;  // ascending
  Precondition condition;
  std::uint64_t size = 0;
  std::optional<std::uint64_t> crc64nvme;  // of the whole object
  std::optional<Md5Digest> md5;            // of the whole object, where it is known
  // As in BeginUploadRequest: Azure takes them only here.
  std::string content_type;
  std::string storage_class;
  Metadata metadata;
  ServedHeaders served;
  Tags tags;
};

struct UploadInfo {
  ObjectKey key;
  UploadId upload;
  std::int64_t initiated_ns = 0;
};

// Where a store can take an object in parts. Same rules as ObjectStore.
class MultipartStore {
 public:
  virtual ~MultipartStore() = default;
  virtual UploadId begin_upload(const BeginUploadRequest&, const CallContext&) = 0;
  // Repeating a part replaces it. Throws kNotFound when the upload is gone.
  virtual PartReceipt upload_part(const PartRequest&, ByteSource&,
                                  const CallContext&) = 0;
  // Throws kPreconditionFailed when the source changed.
  virtual PartReceipt copy_part(const CopyPartRequest&, const CallContext&) = 0;
  // The object appears whole and at once, never before: a store whose last part would
  // publish it keeps that part until here. kPreconditionFailed leaves the upload to be
  // aborted; kNotFound when the upload is gone (perhaps because an earlier attempt
  // succeeded).
  virtual PutResult complete_upload(const CompleteRequest&, const CallContext&) = 0;
  virtual void abort_upload(const ObjectKey&, const UploadId&,
                            const CallContext&) = 0;  // idempotent
  // Nothing when the upload is gone.
  virtual std::optional<std::vector<PartReceipt>> list_parts(const ObjectKey&,
                                                             const UploadId&,
                                                             const CallContext&) = 0;
  virtual std::vector<UploadInfo> list_uploads(const std::string& prefix,
                                               const CallContext&) = 0;
};

// The narrow interface of a bucket. Thread-safe; one call is one request and is never
// retried inside (a page of a listing is one call). Absent objects and failed
// preconditions are values; everything else throws Error with the service's own words. On
// kUnavailable the fate of a mutation is unknown. Cancellation through the context ends a
// call within a second.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual const Capabilities& capabilities() const = 0;
  // How messages name the place: "s3://bucket at http://127.0.0.1:9000".
  virtual std::string describe() const = 0;

  virtual ListPage list(const ListRequest&, const CallContext&) = 0;
  virtual std::optional<ObjectInfo> head(const ObjectKey&, const CallContext&) = 0;
  // Of the object as it is now; empty where there are none, no object or no such thing.
  virtual Tags tags(const ObjectKey&, const CallContext&) { return {}; }
  // Writes the body to the sink only for outcome kOk. A short body throws kUnavailable.
  virtual GetResult get(const GetRequest&, ByteSink&, const CallContext&) = 0;
  // Atomic: the key holds the old content or the whole new one. Throws kDataCorrupt when
  // the server refuses the body's checksum.
  virtual PutResult put(const PutRequest&, ByteSource&, const CallContext&) = 0;
  virtual DeleteResult remove(const DeleteRequest&, const CallContext&) = 0;
  // One result per request, in order. if_match is honoured only with
  // conditional_batch_delete.
  virtual std::vector<DeleteResult> remove_many(std::span<const DeleteRequest>,
                                                const CallContext&) = 0;
  // kPreconditionFailed also when the source changed, kNotFound when it is gone.
  virtual PutResult copy(const CopyRequest&, const CallContext&) = 0;
  virtual BucketInfo describe_bucket(const CallContext&) = 0;
  // Nothing where the name identifies the bucket.
  virtual std::optional<BucketIdentity> identity(const CallContext&) { return {}; }
  // Opens the bucket for writing and says its id; one that has none gets one. "" where
  // there are no ids.
  virtual std::string give_identity(const CallContext&) { return ""; }

  // The clock that tells the objects' times, less ours, in nanoseconds; nothing while
  // the store has not told it. Over HTTP the Date of the answers so far, without a
  // request of its own; the `local` store may write a file to find out.
  virtual std::optional<std::int64_t> clock_offset_ns() { return std::nullopt; }

  // Nothing where the store takes objects only whole.
  virtual MultipartStore* multipart() { return nullptr; }
};

}  // namespace cloudsync::storage
