// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/transport.h"
#include "storage/object_store.h"
#include "storage/s3/s3_errors.h"

namespace cloudsync::storage::s3 {

// XML answers. Each parser checks the root element and every field it needs: an answer
// that was cut or comes from something that is not S3 throws Error{kUnavailable} and
// never looks like a short one. Bodies are taken by value because they are parsed in
// place.

// Also unreadable: a page of another prefix than was asked for. The service always names
// it; where `prefix_promised` is false, one that names none passes.
ListPage parse_list(std::string body, std::string_view prefix, bool prefix_promised);

struct PartsPage {
  std::vector<PartReceipt> parts;
  std::uint32_t next_part = 0;  // 0 = last page
};
PartsPage parse_parts(std::string body);

struct UploadsPage {
  std::vector<UploadInfo> uploads;
  std::optional<UploadInfo> next;  // marker of the next page
};
UploadsPage parse_uploads(std::string body);

UploadId parse_upload_id(std::string body);

// CopyObjectResult, CopyPartResult and CompleteMultipartUploadResult.
struct WrittenObject {
  std::string etag;  // without quotes
  std::optional<std::int64_t> last_modified_ns;
};
WrittenObject parse_written_object(std::string body);

struct DeletedKey {
  std::string key;
  std::optional<ServiceFailure> failure;
};
std::vector<DeletedKey> parse_deleted(std::string body);

// Of a listing of versions: the ETag of the key's newest version, where a delete marker
// lies above it.
std::optional<VersionToken> parse_below_marker(std::string body, const std::string& key);
bool parse_versioning_enabled(std::string body);

// Is this an <Error> document, whatever the status says?
bool is_error_document(std::string_view body);
// Status, headers and, where there is one, the error document.
ServiceFailure parse_failure(const http::HttpResponse& response);

}  // namespace cloudsync::storage::s3
