// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_responses.h"

#include "base/encoding.h"
#include "base/time_format.h"
#include "storage/azure/azure_headers.h"
#include "storage/azure/azure_names.h"
#include "storage/azure/azure_wire.h"
#include "storage/rest/xml_document.h"

namespace cloudsync::storage::azure {
namespace {

using rest::bounded;
using rest::text;
using rest::unreadable;
using rest::XmlDocument;

std::uint64_t number(const pugi::xml_node& node, const char* name) {
  const auto value = parse_number(text(node, name));
  if (!value) unreadable(std::string("<") + name + "> is not a number");
  return *value;
}

bool is_true(std::string_view value) { return lower_case(value) == "true"; }

// Names that XML cannot carry come percent-encoded.
std::string name_of(const pugi::xml_node& node) {
  const pugi::xml_node name = node.child("Name");
  std::string value = name.child_value();
  if (is_true(name.attribute("Encoded").value())) value = base::percent_decode(value);
  if (value.empty()) unreadable("a blob without <Name>");
  return value;
}

// The service names the prefix of every listing that was asked for one.
void check_prefix(const pugi::xml_node& root, std::string_view prefix) {
  const pugi::xml_node echoed = root.child("Prefix");
  std::string value = echoed.child_value();
  if (value == prefix) return;
  if (is_true(echoed.attribute("Encoded").value())) value = base::percent_decode(value);
  if (value == prefix) return;
  unreadable("it lists the prefix '" + base::printable(bounded(value)) +
             "' and not what was asked for");
}

std::optional<Metadata> metadata_of(const pugi::xml_node& blob) {
  const pugi::xml_node node = blob.child("Metadata");
  // Encrypted with a customer's key it cannot be read from a listing.
  if (!node || is_true(node.attribute("Encrypted").value())) return std::nullopt;
  Metadata metadata;
  for (const pugi::xml_node& entry : node.children()) {
    if (entry.type() != pugi::node_element) continue;
    metadata.emplace(lower_case(entry.name()), entry.child_value());
  }
  return metadata;
}

ObjectInfo parse_blob(const pugi::xml_node& blob) {
  const pugi::xml_node properties = blob.child("Properties");
  ObjectInfo info;
  info.key.value = name_of(blob);
  info.size = rest::checked_size(number(properties, "Content-Length"));
  info.token.value = unquoted(text(properties, "Etag"));
  if (info.token.value.empty()) unreadable("a blob without <Etag>");
  const auto modified = base::parse_http_date(text(properties, "Last-Modified"));
  if (!modified) unreadable("<Last-Modified> is not a time");
  info.last_modified_ns = *modified;
  info.stored_md5 = md5_from_base64(text(properties, "Content-MD5"));
  info.content_type = text(properties, "Content-Type");
  info.served.cache_control = text(properties, "Cache-Control");
  info.served.content_disposition = text(properties, "Content-Disposition");
  info.served.content_language = text(properties, "Content-Language");
  const std::string_view tags = text(properties, "TagCount");
  info.tag_count = tags.empty() ? 0 : parse_number(tags);
  if (!is_true(text(properties, "AccessTierInferred"))) {
    info.storage_class = text(properties, "AccessTier");
  }
  info.archived = info.storage_class == "Archive";
  info.metadata = metadata_of(blob);
  return info;
}

// Of accounts with hierarchical namespace; there the length may be left out.
bool is_listed_directory(const pugi::xml_node& blob) {
  return text(blob.child("Properties"), "ResourceType") == "directory";
}

bool is_other_state(const pugi::xml_node& blob) {
  return is_true(text(blob, "Deleted")) || !text(blob, "Snapshot").empty();
}

ListedBlock parse_block(const pugi::xml_node& node) {
  ListedBlock block;
  block.id = text(node, "Name");
  block.size = rest::checked_size(number(node, "Size"));
  return block;
}

std::string beginning_of(std::string_view body) {
  const std::string words = rest::first_words(body, 120);
  if (words.empty()) return "";
  return "no error document of Azure, the answer begins: " + words;
}

}  // namespace

ListPage parse_list(std::string body, std::string_view prefix) {
  const XmlDocument document(std::move(body), "EnumerationResults");
  check_prefix(document.root(), prefix);
  const pugi::xml_node blobs = document.root().child("Blobs");
  if (!blobs) unreadable("a listing without <Blobs>");
  ListPage page;
  page.objects.reserve(1000);
  for (const pugi::xml_node& blob : blobs.children("Blob")) {
    if (is_listed_directory(blob) || is_other_state(blob)) {
      page.first_filtered = name_of(blob);
      continue;
    }
    ObjectInfo info = parse_blob(blob);
    if (is_directory(info)) {
      page.first_filtered = std::move(info.key.value);
    } else {
      page.objects.push_back(std::move(info));
    }
  }
  for (const pugi::xml_node& group : blobs.children("BlobPrefix")) {
    page.common_prefixes.push_back(name_of(group));
  }
  // Empty at the end; its absence says nothing about the end.
  if (!document.root().child("NextMarker")) unreadable("a listing without <NextMarker>");
  page.next_page_token = text(document.root(), "NextMarker");
  return page;
}

std::vector<ListedBlock> parse_block_list(std::string body) {
  const XmlDocument document(std::move(body), "BlockList");
  std::vector<ListedBlock> blocks;
  const pugi::xml_node uncommitted = document.root().child("UncommittedBlocks");
  for (const pugi::xml_node& node : uncommitted.children("Block")) {
    blocks.push_back(parse_block(node));
  }
  return blocks;
}

ServiceFailure parse_failure(const http::HttpResponse& response) {
  ServiceFailure failure = failure_from_headers(response);
  pugi::xml_document document;
  const auto result = document.load_buffer(response.body.data(), response.body.size());
  const pugi::xml_node error = document.document_element();
  if (!result || std::string_view(error.name()) != "Error") {
    if (failure.code.empty()) failure.message = beginning_of(response.body);
    return failure;
  }
  if (failure.code.empty()) failure.code = bounded(text(error, "Code"));
  failure.message = bounded(text(error, "Message"));
  failure.detail = bounded(text(error, "AuthenticationErrorDetail"));
  return failure;
}

}  // namespace cloudsync::storage::azure
