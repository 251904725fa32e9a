// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_responses.h"

#include "base/encoding.h"
#include "base/time_format.h"
#include "storage/rest/wire_values.h"
#include "storage/rest/xml_document.h"
#include "storage/s3/s3_headers.h"

#include <algorithm>
#include <charconv>

namespace cloudsync::storage::s3 {
namespace {

using rest::big_endian_base64;
using rest::bounded;
using rest::text;
using rest::unquoted;
using rest::unreadable;
using rest::XmlDocument;

template <class Integer>
Integer number(const pugi::xml_node& node, const char* name) {
  const std::string_view digits = text(node, name);
  Integer value{};
  const auto result =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (result.ec != std::errc{} || result.ptr != digits.data() + digits.size()) {
    unreadable(std::string("<") + name + "> is not a number");
  }
  return value;
}

// IsTruncated decides whether a listing is complete, so it is never guessed.
bool truncated(const pugi::xml_node& root) {
  const std::string_view value = text(root, "IsTruncated");
  if (value == "true") return true;
  if (value != "false") unreadable("<IsTruncated> is neither true nor false");
  return false;
}

// Servers that ignore encoding-type=url say so by leaving the element out.
class KeyDecoder {
 public:
  explicit KeyDecoder(const pugi::xml_node& root)
      : encoded_(text(root, "EncodingType") == "url") {}
  std::string operator()(std::string_view key) const {
    return encoded_ ? base::percent_decode(key, true) : std::string(key);
  }

 private:
  bool encoded_;
};

// Some servers encode keys and leave the prefix as it is.
void check_prefix(const pugi::xml_node& root, const KeyDecoder& decode,
                  std::string_view prefix, bool promised) {
  const pugi::xml_node echoed = root.child("Prefix");
  if (!echoed && !promised) return;
  const std::string_view value = echoed.child_value();
  if (echoed && (value == prefix || decode(value) == prefix)) return;
  unreadable("it lists the prefix '" + base::printable(bounded(value)) +
             "' and not what was asked for");
}

std::int64_t time_of(const pugi::xml_node& node, const char* name) {
  const auto time_ns = base::parse_rfc3339(text(node, name));
  if (!time_ns) unreadable(std::string("<") + name + "> is not a time");
  return *time_ns;
}

bool is_restored(const pugi::xml_node& contents) {
  const pugi::xml_node status = contents.child("RestoreStatus");
  return text(status, "IsRestoreInProgress") == "false" &&
         !text(status, "RestoreExpiryDate").empty();
}

constexpr std::string_view kVersioning = "VersioningConfiguration";

bool is_ours(std::string_view key) {
  return key.starts_with(".cloudsync/") ||
         key.find("/.cloudsync/") != std::string_view::npos;
}

ObjectInfo parse_contents(const pugi::xml_node& contents, const KeyDecoder& decode) {
  ObjectInfo info;
  info.key.value = decode(text(contents, "Key"));
  if (info.key.value.empty()) unreadable("an object without <Key>");
  info.size = rest::checked_size(number<std::uint64_t>(contents, "Size"));
  info.token.value = unquoted(text(contents, "ETag"));
  // Folder entries of some servers have none, and what a probe of nested keys made of a
  // server's tree (rclone); nothing is ever decided by the token of these.
  const bool undecided = info.key.value.ends_with('/') || is_ours(info.key.value);
  if (info.token.value.empty() && !undecided) {
    unreadable("an object without <ETag>");
  }
  info.md5_candidate = md5_from_etag(info.token.value);
  info.last_modified_ns = time_of(contents, "LastModified");
  info.storage_class = text(contents, "StorageClass");
  info.archived = is_archive_class(info.storage_class) && !is_restored(contents);
  return info;
}

PartReceipt parse_part(const pugi::xml_node& node) {
  PartReceipt part;
  part.number = number<std::uint32_t>(node, "PartNumber");
  part.size = rest::checked_size(number<std::uint64_t>(node, "Size"));
  part.etag = unquoted(text(node, "ETag"));
  part.crc64nvme = big_endian_base64<std::uint64_t>(text(node, "ChecksumCRC64NVME"));
  return part;
}

UploadInfo parse_upload(const pugi::xml_node& node, const KeyDecoder& decode) {
  UploadInfo info;
  info.key.value = decode(text(node, "Key"));
  info.upload.value = text(node, "UploadId");
  info.initiated_ns = time_of(node, "Initiated");
  if (info.key.value.empty() || info.upload.value.empty()) {
    unreadable("an upload without key or id");
  }
  return info;
}

void read_error_document(const pugi::xml_node& error, ServiceFailure& failure) {
  failure.code = bounded(text(error, "Code"));
  failure.message = bounded(text(error, "Message"));
  if (failure.region.empty()) failure.region = bounded(text(error, "Region"));
  if (failure.request_id.empty()) failure.request_id = bounded(text(error, "RequestId"));
  if (const auto time_ns =
          rest::plausible_time(base::parse_rfc3339(text(error, "ServerTime")))) {
    failure.server_time_ns = time_ns;
  }
  if (error.child("ActualObjectSize")) {
    failure.object_size = number<std::uint64_t>(error, "ActualObjectSize");
  }
}

std::string beginning_of(std::string_view body) {
  const std::string words = rest::first_words(body, 120);
  return words.empty() ? "" : "no S3 error document, the answer begins: " + words;
}

}  // namespace

ListPage parse_list(std::string body, std::string_view prefix, bool prefix_promised) {
  const XmlDocument document(std::move(body), "ListBucketResult");
  const pugi::xml_node root = document.root();
  const KeyDecoder decode(root);
  check_prefix(root, decode, prefix, prefix_promised);
  ListPage page;
  page.objects.reserve(1000);
  for (const pugi::xml_node& contents : root.children("Contents")) {
    page.objects.push_back(parse_contents(contents, decode));
  }
  for (const pugi::xml_node& group : root.children("CommonPrefixes")) {
    page.common_prefixes.push_back(decode(text(group, "Prefix")));
  }
  if (!truncated(root)) return page;
  page.next_page_token = text(root, "NextContinuationToken");
  if (page.next_page_token.empty()) {
    unreadable(
        "a truncated listing without <NextContinuationToken>; "
        "the server may not know ListObjectsV2");
  }
  return page;
}

// Some (moto) call it ListPartsResponse.
PartsPage parse_parts(std::string body) {
  const XmlDocument document(std::move(body));
  const bool is_list = document.root().name() == std::string_view("ListPartsResult") ||
                       !text(document.root(), "UploadId").empty();
  if (!is_list) unreadable("no <ListPartsResult> and no <UploadId>");
  PartsPage page;
  for (const pugi::xml_node& node : document.root().children("Part")) {
    page.parts.push_back(parse_part(node));
  }
  if (!truncated(document.root())) return page;
  page.next_part = number<std::uint32_t>(document.root(), "NextPartNumberMarker");
  return page;
}

UploadsPage parse_uploads(std::string body) {
  const XmlDocument document(std::move(body), "ListMultipartUploadsResult");
  const pugi::xml_node root = document.root();
  const KeyDecoder decode(root);
  UploadsPage page;
  for (const pugi::xml_node& node : root.children("Upload")) {
    page.uploads.push_back(parse_upload(node, decode));
  }
  if (!truncated(root)) return page;
  UploadInfo next;
  next.key.value = decode(text(root, "NextKeyMarker"));
  next.upload.value = text(root, "NextUploadIdMarker");
  if (next.key.value.empty()) unreadable("a truncated listing without <NextKeyMarker>");
  page.next = std::move(next);
  return page;
}

UploadId parse_upload_id(std::string body) {
  const XmlDocument document(std::move(body));
  UploadId id{std::string(text(document.root(), "UploadId"))};
  if (id.value.empty()) unreadable("no <UploadId>");
  return id;
}

WrittenObject parse_written_object(std::string body) {
  const XmlDocument document(std::move(body));
  WrittenObject written;
  written.etag = unquoted(text(document.root(), "ETag"));
  if (written.etag.empty()) unreadable("no <ETag>");
  written.last_modified_ns = base::parse_rfc3339(text(document.root(), "LastModified"));
  return written;
}

std::vector<DeletedKey> parse_deleted(std::string body) {
  const XmlDocument document(std::move(body));
  std::vector<DeletedKey> keys;
  for (const pugi::xml_node& node : document.root().children()) {
    const std::string_view name = node.name();
    if (name != "Deleted" && name != "Error") continue;
    DeletedKey& deleted = keys.emplace_back();
    deleted.key = text(node, "Key");
    if (name == "Deleted") continue;
    deleted.failure.emplace();
    deleted.failure->status = 200;
    read_error_document(node, *deleted.failure);
  }
  return keys;
}

std::optional<VersionToken> parse_below_marker(std::string body, const std::string& key) {
  const XmlDocument document(std::move(body), "ListVersionsResult");
  const KeyDecoder decode(document.root());
  bool marked = false;
  std::optional<VersionToken> newest;
  for (const pugi::xml_node& node : document.root().children()) {
    const std::string_view name = node.name();
    if (decode(text(node, "Key")) != key) continue;
    if (name == "DeleteMarker") marked |= text(node, "IsLatest") == "true";
    if (name == "Version" && !newest) newest = VersionToken{unquoted(text(node, "ETag"))};
  }
  if (!marked || !newest || newest->value.empty()) return std::nullopt;
  return newest;
}

bool parse_versioning_enabled(std::string body) {
  const XmlDocument document(std::move(body));
  const std::string_view status = text(document.root(), "Status");
  const bool never_set =
      status.empty() && std::string_view(document.root().name()) == kVersioning;
  if (!never_set && status != "Enabled" && status != "Suspended") {
    unreadable("no <Status> of versioning");
  }
  return status == "Enabled";
}

bool is_error_document(std::string_view body) {
  const auto skip_blanks = [&body] {
    body.remove_prefix(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
  };
  skip_blanks();
  if (body.starts_with("<?xml")) {
    body.remove_prefix(std::min(body.find("?>"), body.size() - 2) + 2);
    skip_blanks();
  }
  return body.starts_with("<Error>") || body.starts_with("<Error ");
}

ServiceFailure parse_failure(const http::HttpResponse& response) {
  ServiceFailure failure = failure_from_headers(response);
  pugi::xml_document document;
  const auto result = document.load_buffer(response.body.data(), response.body.size());
  const pugi::xml_node root = document.document_element();
  if (result && std::string_view(root.name()) == "Error") {
    read_error_document(root, failure);
  } else {
    failure.message = beginning_of(response.body);
  }
  return failure;
}

}  // namespace cloudsync::storage::s3
