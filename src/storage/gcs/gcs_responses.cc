// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_responses.h"

#include "base/encoding.h"
#include "base/time_format.h"
#include "hash/digest.h"
#include "storage/gcs/gcs_values.h"
#include "storage/rest/header_values.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace cloudsync::storage::gcs {
namespace {

using nlohmann::json;

constexpr int kDeepestNesting = 64;

// What a copy shares with its source. customTime may only grow and is part of it.
constexpr std::array kCopied = {
    "storageClass",    "contentType",  "contentEncoding", "contentDisposition",
    "contentLanguage", "cacheControl", "customTime",      "metadata"};

using rest::bounded;
using rest::unreadable;

// Looked at before anything is built.
bool is_deeper_than(std::string_view body, int limit) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_text) {
      if (c == '\\') ++i;
      in_text = c != '"';
      continue;
    }
    in_text = c == '"';
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > limit) return true;
  }
  return false;
}

json parse_document(std::string_view body) {
  if (is_deeper_than(body, kDeepestNesting)) unreadable("it is nested too deeply");
  json document = json::parse(body, nullptr, false);
  if (!document.is_object()) unreadable("no JSON object");
  return document;
}

// "" where it is absent; the text is in the document.
std::string_view text(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get_ref<const std::string&>();
}

// Numbers of 64 bits come as text; some servers write them as numbers.
std::optional<std::uint64_t> optional_number(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  if (found->is_number_unsigned()) return found->get<std::uint64_t>();
  return parse_number(text(object, name));
}

std::uint64_t number(const json& object, const char* name) {
  const auto value = optional_number(object, name);
  if (!value) unreadable(std::string("\"") + name + "\" is not a number");
  return *value;
}

const json* array(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return nullptr;
  if (!found->is_array()) unreadable(std::string("\"") + name + "\" is not a list");
  return &*found;
}

Metadata metadata_of(const json& object) {
  Metadata out;
  const auto found = object.find("metadata");
  if (found == object.end() || !found->is_object()) return out;
  for (const auto& [name, value] : found->items()) {
    if (value.is_string()) out[name] = value.get_ref<const std::string&>();
  }
  return out;
}

// A default value may be left out of JSON that is made of a protocol buffer
// (protobuf.dev, ProtoJSON), and some servers do so with the size of an empty object. No
// hash may say otherwise.
std::uint64_t size_of(const json& object, const ObjectInfo& info) {
  if (object.contains("size")) return number(object, "size");
  const bool other_md5 = info.md5 && *info.md5 != hash::Md5::of({});
  const bool other_crc = info.crc32c && *info.crc32c != hash::crc32c({});
  if (other_md5 || other_crc) unreadable("an object that is not empty without \"size\"");
  return 0;
}

ObjectInfo object_of(const json& object) {
  if (!object.is_object()) unreadable("an object that is none");
  ObjectInfo info;
  info.key.value = text(object, "name");
  if (info.key.value.empty()) unreadable("an object without \"name\"");
  info.md5 = parse_md5(text(object, "md5Hash"));
  info.crc32c = parse_crc32c(text(object, "crc32c"));
  info.size = rest::checked_size(size_of(object, info));
  info.token.value = std::to_string(number(object, "generation"));
  if (!is_generation(info.token.value)) unreadable("\"generation\" is none");
  info.version_id = info.token.value;
  const auto updated = base::parse_rfc3339(text(object, "updated"));
  if (!updated) unreadable("\"updated\" is not a time");
  info.last_modified_ns = *updated;
  info.storage_class = text(object, "storageClass");
  info.content_type = text(object, "contentType");
  info.served.cache_control = text(object, "cacheControl");
  info.served.content_disposition = text(object, "contentDisposition");
  info.served.content_language = text(object, "contentLanguage");
  info.tag_count = 0;
  info.metadata = metadata_of(object);
  return info;
}

std::int64_t soft_delete_seconds(const json& bucket) {
  const auto policy = bucket.find("softDeletePolicy");
  if (policy == bucket.end() || !policy->is_object()) return 0;
  const auto seconds = optional_number(*policy, "retentionDurationSeconds");
  // The service keeps for at most 90 days.
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(seconds.value_or(0), 1U << 30));
}

void read_error_object(const json& error, ServiceFailure& failure) {
  failure.message = bounded(text(error, "message"));
  const auto details = error.find("errors");
  if (details == error.end() || !details->is_array() || details->empty()) return;
  const json& first = details->front();
  if (!first.is_object()) return;
  failure.reason = bounded(text(first, "reason"));
  if (failure.message.empty()) failure.message = bounded(text(first, "message"));
}

void read_words(std::string_view body, ServiceFailure& failure) {
  const json document = json::parse(body, nullptr, false);
  const auto error = document.is_object() ? document.find("error") : document.end();
  if (error == document.end()) {
    failure.message = rest::first_words(body, 160);  // of a proxy or the media side
  } else if (error->is_object()) {
    read_error_object(*error, failure);
  } else if (error->is_string()) {  // as OAuth services write them
    failure.reason = bounded(error->get_ref<const std::string&>());
    failure.message = bounded(text(document, "error_description"));
  }
}

}  // namespace

ObjectInfo parse_object(std::string_view body) { return object_of(parse_document(body)); }

ListPage parse_list(std::string_view body) {
  const json document = parse_document(body);
  if (text(document, "kind") != "storage#objects") {
    unreadable("no listing: its \"kind\" is not \"storage#objects\"");
  }
  ListPage page;
  if (const json* items = array(document, "items")) {
    page.objects.reserve(items->size());
    for (const json& item : *items) page.objects.push_back(object_of(item));
  }
  if (const json* prefixes = array(document, "prefixes")) {
    for (const json& prefix : *prefixes) {
      if (!prefix.is_string()) unreadable("a prefix that is not text");
      page.common_prefixes.push_back(prefix.get<std::string>());
    }
  }
  const auto token = document.find("nextPageToken");
  if (token != document.end() && !token->is_string()) {
    unreadable("\"nextPageToken\" is not text");
  }
  page.next_page_token = text(document, "nextPageToken");
  return page;
}

BucketInfo parse_bucket(std::string_view body) {
  const json document = parse_document(body);
  BucketInfo info;
  info.exists = true;
  info.region = text(document, "location");
  info.soft_delete_seconds = soft_delete_seconds(document);
  const auto versioning = document.find("versioning");
  if (versioning == document.end() || !versioning->is_object()) return info;
  const auto enabled = versioning->find("enabled");
  info.versioned =
      enabled != versioning->end() && enabled->is_boolean() && enabled->get<bool>();
  return info;
}

CopySource parse_copy_source(std::string_view body) {
  const json document = parse_document(body);
  CopySource source;
  source.info = object_of(document);
  json resource = json::object();
  for (const char* name : kCopied) {
    const auto found = document.find(name);
    if (found != document.end()) resource[name] = *found;
  }
  source.resource = resource.dump(-1, ' ', false, json::error_handler_t::replace);
  return source;
}

RewriteStep parse_rewrite(std::string_view body) {
  const json document = parse_document(body);
  RewriteStep step;
  const auto done = document.find("done");
  if (done == document.end() || !done->is_boolean())
    unreadable("\"done\" is neither true nor false");
  if (done->get<bool>()) {
    const auto resource = document.find("resource");
    if (resource == document.end()) unreadable("a copy without \"resource\"");
    step.done = object_of(*resource);
    return step;
  }
  step.token = text(document, "rewriteToken");
  if (step.token.empty()) unreadable("an unfinished copy without \"rewriteToken\"");
  step.rewritten = number(document, "totalBytesRewritten");
  return step;
}

ServiceFailure parse_failure(const http::HttpResponse& response) {
  ServiceFailure failure;
  failure.status = response.status;
  failure.request_id = bounded(response.header("x-guploader-uploadid").value_or(""));
  failure.server_time_ns = rest::server_time_ns(response);
  failure.retry_after = rest::retry_after(response);
  if (!response.body.empty()) read_words(response.body, failure);
  return failure;
}

PutResult put_result(const ObjectInfo& stored) {
  PutResult result;
  result.token = stored.token;
  result.version_id = stored.version_id;
  result.last_modified_ns = stored.last_modified_ns;
  result.last_modified_exact = true;
  result.md5 = stored.md5;
  return result;
}

}  // namespace cloudsync::storage::gcs
