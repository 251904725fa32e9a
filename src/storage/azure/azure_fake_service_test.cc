// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_fake_service.h"

#include "auth/azure/shared_key.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "hash/digest.h"
#include "http/ascii.h"
#include "http/scripted_transport.h"

#include <pugixml.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>

namespace cloudsync::storage::azure::testing {

using http::Headers;
using http::HttpResponse;

namespace {

constexpr std::int64_t kQuarterHour = 900'000'000'000;

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string md5_of(const std::string& text) {
  return base::to_base64(hash::Md5::of(bytes_of(text)));
}

std::string crc_of(const std::string& text) {
  std::uint64_t crc = hash::crc64nvme(bytes_of(text));
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 8; ++i, crc >>= 8) bytes.push_back(static_cast<std::uint8_t>(crc));
  return base::to_base64(bytes);
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
  }
  return out;
}

// As the service does since 2021-02-12.
std::string name_xml(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20;
  });
  if (plain) return "<Name>" + xml_text(name) + "</Name>";
  return "<Name Encoded=\"true\">" + base::percent_encode(name) + "</Name>";
}

std::string blob_xml(const std::string& name, const FakeBlob& blob) {
  const std::string tier =
      blob.tier.empty() ? "Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
                        : blob.tier + "</AccessTier>";
  std::string xml =
      "<Blob>" + name_xml(name) +
      "<Properties><Last-Modified>Tue, 10 Jan 2023 23:39:32 GMT</Last-Modified><Etag>" +
      blob.etag + "</Etag><Content-Length>" + std::to_string(blob.content.size()) +
      "</Content-Length><Content-Type>" + blob.content_type +
      "</Content-Type><Content-MD5>" + blob.md5 +
      "</Content-MD5><BlobType>BlockBlob</BlobType><AccessTier>" + tier +
      "</Properties><Metadata>";
  for (const auto& [key, value] : blob.metadata) {
    xml += "<" + key + ">" + xml_text(value) + "</" + key + ">";
  }
  return xml + "</Metadata><OrMetadata /></Blob>";
}

bool is_identifier(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

bool utf16_before(const std::string& a, const std::string& b) {
  const auto rank = [](char c) {
    const int byte = static_cast<unsigned char>(c);
    return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;
  };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

}  // namespace

struct FakeService::Call {
  const http::HttpRequest& request;
  const std::string& body;
  ByteSink* sink = nullptr;
  bool inside_batch = false;
  std::string blob = {};
  std::map<std::string, std::string> query = {};

  std::string header(std::string_view name) const {
    for (const auto& [given, value] : request.headers) {
      std::string lower = given;
      std::transform(lower.begin(), lower.end(), lower.begin(), http::to_lower);
      if (lower == name) return value;
    }
    return "";
  }
  std::string parameter(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? "" : found->second;
  }
};

HttpResponse FakeService::answer(int status, Headers headers, std::string body) const {
  headers.emplace_back("date", base::format_http_date(now_ns));
  headers.emplace_back("x-ms-request-id", "REQ-1");
  return http::scripted_response(status, std::move(headers), std::move(body));
}

HttpResponse FakeService::error(const Call& call, int status, const std::string& code,
                                const std::string& extra) const {
  const std::string body =
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error>"
      "<Code>" +
      code + "</Code><Message>In its own words.\nRequestId:1" + "</Message>" + extra +
      "</Error>";
  return answer(status, {{"x-ms-error-code", code}},
                call.request.method == "HEAD" ? "" : body);
}

std::string FakeService::next_etag() {
  return "0x" + std::to_string(etags_++) + "ABCDEF";
}

std::optional<HttpResponse> FakeService::refused(const Call& call) {
  if (!call.inside_batch && call.header("x-ms-version") != "2023-11-03") {
    return error(call, 400, "InvalidHeaderValue");
  }
  if (call.inside_batch && !call.header("x-ms-version").empty()) {
    return error(call, 400, "InvalidHeaderValue");
  }
  const auto date = base::parse_http_date(call.header("x-ms-date"));
  if (!date) return error(call, 400, "MissingRequiredHeader");
  if (!call.inside_batch && call.header("x-ms-client-request-id").size() != 36) {
    return error(call, 400, "InvalidHeaderValue");
  }
  if (anyone_may) return std::nullopt;
  if (std::abs(*date - now_ns) > kQuarterHour) {
    return error(call, 403, "AuthenticationFailed",
                 "<AuthenticationErrorDetail>Request date header too old: 'x'"
                 "</AuthenticationErrorDetail>");
  }
  http::HttpRequest unsigned_request = call.request;
  std::erase_if(unsigned_request.headers, [](const auto& header) {
    return header.first == "Authorization" || header.first == "authorization";
  });
  const std::string expected = auth::shared_key_header(
      {unsigned_request, call.body.size(), kAccount}, kAccountKey);
  if (call.header("authorization") == expected) return std::nullopt;
  return error(call, 403, "AuthenticationFailed",
               "<AuthenticationErrorDetail>The MAC signature found in the HTTP request "
               "'SECRETMAC' is not the same as any computed signature."
               "</AuthenticationErrorDetail>");
}

HttpResponse FakeService::serve(const http::HttpRequest& request, const std::string& body,
                                ByteSink* sink) {
  Call call{request, body, sink};
  if (!request.url.starts_with(origin + "/box")) return error(call, 400, "InvalidUri");
  std::string rest = request.url.substr(origin.size() + 4);
  const std::size_t question = rest.find('?');
  if (question != std::string::npos) {
    std::string_view pairs = std::string_view(rest).substr(question + 1);
    while (!pairs.empty()) {
      const std::string_view pair = pairs.substr(0, pairs.find('&'));
      pairs.remove_prefix(std::min(pairs.size(), pair.size() + 1));
      call.query[base::percent_decode(pair.substr(0, pair.find('=')))] =
          base::percent_decode(pair.substr(pair.find('=') + 1));
    }
    rest.resize(question);
  }
  if (!rest.empty()) call.blob = base::percent_decode(std::string_view(rest).substr(1));
  return route(call);
}

HttpResponse FakeService::route(const Call& call) {
  if (auto refusal = refused(call)) return *refusal;
  if (container_being_deleted) return error(call, 409, "ContainerBeingDeleted");
  if (!container_exists) return error(call, 404, "ContainerNotFound");
  return call.blob.empty() ? on_container(call) : on_blob(call);
}

HttpResponse FakeService::on_container(const Call& call) {
  if (call.parameter("restype") != "container") return error(call, 400, "InvalidUri");
  if (call.parameter("comp") == "list") return list(call);
  if (call.parameter("comp") == "batch" && call.request.method == "POST") {
    return knows_batches ? batch(call) : error(call, 501, "APINotImplemented");
  }
  return answer(200, {{"etag", "\"0x1\""}});
}

HttpResponse FakeService::on_blob(const Call& call) {
  if (call.request.method == "DELETE") return remove(call);
  if (call.request.method == "PUT") return write(call);
  if (call.parameter("comp") == "blocklist") return get_block_list(call);
  return read(call);
}

HttpResponse FakeService::list(const Call& call) {
  if (call.parameter("include") != "metadata")
    return error(call, 400, "InvalidQueryParameterValue");
  std::vector<std::string> names;
  for (const auto& [name, blob] : blobs) {
    if (name.starts_with(call.parameter("prefix"))) names.push_back(name);
  }
  std::sort(names.begin(), names.end(), utf16_before);
  std::size_t limit = page_size;
  limit = std::min<std::size_t>(limit, std::stoul(call.parameter("maxresults")));
  const std::string marker = call.parameter("marker");
  std::string items;
  std::string next;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (!marker.empty() && utf16_before(name, marker)) continue;
    if (count++ == limit) {
      next = name;
      break;
    }
    items += blob_xml(name, blobs.at(name));
  }
  return answer(
      200, {{"content-type", "application/xml"}},
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>"
      "<EnumerationResults ServiceEndpoint=\"x\" ContainerName=\"box\"><Prefix>" +
          xml_text(call.parameter("prefix")) + "</Prefix><Blobs>" + items +
          "</Blobs><NextMarker>" + xml_text(next) + "</NextMarker></EnumerationResults>");
}

HttpResponse FakeService::sub_request(std::string_view text) {
  http::HttpRequest request;
  const std::size_t line_end = text.find("\r\n");
  const std::string_view line = text.substr(0, line_end);
  const std::size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.url = origin + std::string(line.substr(space + 1, line.rfind(' ') - space - 1));
  std::string_view rest = text.substr(line_end + 2);
  while (!rest.starts_with("\r\n") && !rest.empty()) {
    const std::string_view header = rest.substr(0, rest.find("\r\n"));
    const std::size_t colon = header.find(": ");
    request.headers.emplace_back(header.substr(0, colon), header.substr(colon + 2));
    rest.remove_prefix(header.size() + 2);
  }
  std::erase_if(request.headers,
                [](const auto& h) { return h.first == "content-length"; });
  const std::string path = request.url.substr(origin.size() + 5);
  const std::string empty;
  const Call inner{request, empty, nullptr, true, base::percent_decode(path), {}};
  return request.method == "DELETE" ? route(inner) : error(inner, 400, "InvalidInput");
}

HttpResponse FakeService::batch(const Call& call) {
  const std::string type = call.header("content-type");
  const std::string delimiter = "--" + type.substr(type.find("boundary=") + 9);
  std::string reply;
  std::size_t at = call.body.find(delimiter);
  int count = 0;
  while (!call.body.substr(at + delimiter.size()).starts_with("--")) {
    const std::size_t next = call.body.find(delimiter, at + 1);
    if (next == std::string::npos || ++count > 256)
      return error(call, 400, "InvalidInput");
    const std::string part = call.body.substr(at, next - at);
    const std::size_t id = part.find("content-id: ") + 12;
    const std::size_t begin = part.find("\r\n\r\n") + 4;
    const HttpResponse one = sub_request(std::string_view(part).substr(begin));
    reply += "--batchresponse_1\r\nContent-Type: application/http\r\nContent-ID: " +
             part.substr(id, part.find('\r', id) - id) + "\r\n\r\nHTTP/1.1 " +
             std::to_string(one.status) + " Whatever\r\n";
    for (const auto& [name, value] : one.headers) reply += name + ": " + value + "\r\n";
    reply += "\r\n" + one.body + "\r\n";
    at = next;
  }
  return answer(202, {{"content-type", "multipart/mixed; boundary=batchresponse_1"}},
                reply + "--batchresponse_1--\r\n");
}

HttpResponse FakeService::read(const Call& call) {
  const auto found = blobs.find(call.blob);
  if (found == blobs.end()) return error(call, 404, "BlobNotFound");
  FakeBlob& blob = found->second;
  const std::string if_match = call.header("if-match");
  if (!if_match.empty() && if_match != '"' + blob.etag + '"') {
    return error(call, 412, "ConditionNotMet");
  }
  const bool head = call.request.method == "HEAD";
  if (!head && blob.tier == "Archive") return error(call, 409, "BlobArchived");
  if (head && blob.copy_status == "pending" && blob.polls_left-- <= 0) {
    blob.copy_status = copy_end;
    if (copy_end != "success") blob.content.clear();
  }
  Headers headers{{"etag", '"' + blob.etag + '"'},
                  {"last-modified", "Tue, 10 Jan 2023 23:39:32 GMT"},
                  {"content-type", blob.content_type},
                  {"x-ms-access-tier", blob.tier.empty() ? "Hot" : blob.tier}};
  if (blob.tier.empty()) headers.emplace_back("x-ms-access-tier-inferred", "true");
  for (const auto& [name, value] : blob.metadata) {
    headers.emplace_back("x-ms-meta-" + name, value);
  }
  if (!blob.copy_status.empty()) {
    headers.emplace_back("x-ms-copy-id", blob.copy_id);
    headers.emplace_back("x-ms-copy-status", blob.copy_status);
    headers.emplace_back("x-ms-copy-status-description", "500 because");
  }
  std::string content = blob.content;
  int status = 200;
  if (const std::string range = call.header("x-ms-range"); !range.empty()) {
    const std::size_t dash = range.find('-');
    const std::size_t first = std::stoull(range.substr(6, dash - 6));
    const std::size_t last = std::stoull(range.substr(dash + 1));
    if (first >= content.size()) return error(call, 416, "InvalidRange");
    content = content.substr(first, last - first + 1);
    status = 206;
    headers.emplace_back("content-range", "bytes " + std::to_string(first) + "-" +
                                              std::to_string(first + content.size() - 1) +
                                              "/" + std::to_string(blob.content.size()));
    headers.emplace_back("x-ms-blob-content-md5", blob.md5);
  } else if (!blob.md5.empty()) {
    headers.emplace_back("content-md5", blob.md5);
  }
  headers.emplace_back("content-length", std::to_string(content.size()));
  HttpResponse response = answer(status, std::move(headers));
  if (head) return response;
  if (call.request.before_body) call.request.before_body(response);
  if (call.sink != nullptr) {
    call.sink->write(bytes_of(content));
    response.streamed_bytes = content.size();
  }
  return response;
}

std::optional<HttpResponse> FakeService::refused_write(const Call& call) {
  const auto found = blobs.find(call.blob);
  const bool exists = found != blobs.end();
  const std::string if_match = call.header("if-match");
  if (exists && found->second.leased) return error(call, 412, "LeaseIdMissing");
  if (exists && call.header("if-none-match") == "*") {
    return error(call, 409, "BlobAlreadyExists");
  }
  if (!if_match.empty() && (!exists || if_match != '"' + found->second.etag + '"')) {
    return error(call, 412, "ConditionNotMet");
  }
  return std::nullopt;
}

std::optional<HttpResponse> FakeService::damaged(const Call& call) {
  const std::string md5 = call.header("content-md5");
  const std::string crc = call.header("x-ms-content-crc64");
  if (!md5.empty() && !crc.empty()) return error(call, 400, "InvalidHeaderValue");
  if (!md5.empty() && md5 != md5_of(call.body)) return error(call, 400, "Md5Mismatch");
  if (!crc.empty() && crc != crc_of(call.body)) return error(call, 400, "Crc64Mismatch");
  return std::nullopt;
}

std::optional<HttpResponse> FakeService::take_attributes(const Call& call,
                                                         FakeBlob& blob) {
  for (const auto& [name, value] : call.request.headers) {
    if (!name.starts_with("x-ms-meta-")) continue;
    if (!is_identifier(name.substr(10))) return error(call, 400, "InvalidMetadata");
    blob.metadata.emplace_back(name.substr(10), value);
  }
  blob.tier = call.header("x-ms-access-tier");
  const std::vector<std::string> tiers{"", "Hot", "Cool", "Cold", "Archive"};
  if (std::find(tiers.begin(), tiers.end(), blob.tier) == tiers.end()) {
    return error(call, 400, "InvalidHeaderValue");
  }
  const std::string type = call.header("x-ms-blob-content-type");
  if (!type.empty()) blob.content_type = type;
  blob.md5 = call.header("x-ms-blob-content-md5");
  return std::nullopt;
}

HttpResponse FakeService::stored(const Call& call, FakeBlob blob) {
  blob.etag = next_etag();
  uncommitted.erase(call.blob);
  HttpResponse response = answer(201, {{"etag", '"' + blob.etag + '"'},
                                       {"last-modified", "Sat, 22 Jul 2023 04:26:40 GMT"},
                                       {"content-md5", md5_of(call.body)}});
  blobs[call.blob] = std::move(blob);
  return response;
}

HttpResponse FakeService::write(const Call& call) {
  if (call.parameter("comp") == "block") return put_block(call);
  if (auto refusal = refused_write(call)) return *refusal;
  if (call.parameter("comp") == "blocklist") return put_block_list(call);
  if (!call.header("x-ms-copy-source").empty()) return copy(call);
  return put_blob(call);
}

HttpResponse FakeService::put_blob(const Call& call) {
  if (call.header("x-ms-blob-type") != "BlockBlob") {
    return error(call, 400, "MissingRequiredHeader");
  }
  if (auto refusal = damaged(call)) return *refusal;
  FakeBlob blob;
  if (auto refusal = take_attributes(call, blob)) return *refusal;
  const std::string md5 = md5_of(call.body);
  if (!blob.md5.empty() && blob.md5 != md5) return error(call, 400, "Md5Mismatch");
  blob.md5 = md5;
  blob.content = call.body;
  return stored(call, std::move(blob));
}

HttpResponse FakeService::put_block(const Call& call) {
  const std::string id = call.parameter("blockid");
  const auto bytes = base::from_base64(id);
  auto& blocks = uncommitted[call.blob];
  const bool other_length = !blocks.empty() && blocks.begin()->first.size() != id.size();
  if (!bytes || bytes->empty() || bytes->size() > 64 || other_length) {
    return error(call, 400, "InvalidBlobOrBlock");
  }
  if (auto refusal = damaged(call)) return *refusal;
  blocks[id] = call.body;
  return answer(201);
}

HttpResponse FakeService::put_block_list(const Call& call) {
  FakeBlob blob;
  if (auto refusal = take_attributes(call, blob)) return *refusal;
  pugi::xml_document document;
  if (!document.load_string(call.body.c_str())) return error(call, 400, "InvalidXml");
  const auto& blocks = uncommitted[call.blob];
  for (const pugi::xml_node& node : document.child("BlockList").children()) {
    const auto found = blocks.find(node.child_value());
    if (found == blocks.end()) return error(call, 400, "InvalidBlockList");
    blob.content += found->second;
  }
  return stored(call, std::move(blob));
}

HttpResponse FakeService::get_block_list(const Call& call) {
  const auto found = uncommitted.find(call.blob);
  const bool none = found == uncommitted.end() || found->second.empty();
  if (none && !blobs.contains(call.blob)) return error(call, 404, "BlobNotFound");
  std::string items;
  if (!none) {
    for (const auto& [id, content] : found->second) {
      items += "<Block><Name>" + id + "</Name><Size>" + std::to_string(content.size()) +
               "</Size></Block>";
    }
  }
  return answer(200, {},
                "\xEF\xBB\xBF<?xml version=\"1.0\"?><BlockList><UncommittedBlocks>" +
                    items + "</UncommittedBlocks></BlockList>");
}

HttpResponse FakeService::copy(const Call& call) {
  const std::string source = call.header("x-ms-copy-source");
  const std::string begin = origin + "/box/";
  if (!source.starts_with(begin)) return error(call, 404, "CannotVerifyCopySource");
  const auto found =
      blobs.find(base::percent_decode(std::string_view(source).substr(begin.size())));
  if (found == blobs.end()) return error(call, 404, "BlobNotFound");
  const std::string if_match = call.header("x-ms-source-if-match");
  if (!if_match.empty() && if_match != '"' + found->second.etag + '"') {
    return error(call, 412, "SourceConditionNotMet");
  }
  FakeBlob blob = found->second;
  blob.tier = call.header("x-ms-access-tier");
  blob.copy_id = "copy-" + next_etag();
  blob.copy_status = copy_polls == 0 ? "success" : "pending";
  blob.polls_left = copy_polls;
  const std::string id = blob.copy_id;
  const std::string status = blob.copy_status;
  HttpResponse response = stored(call, std::move(blob));
  response.status = 202;
  response.headers.emplace_back("x-ms-copy-id", id);
  response.headers.emplace_back("x-ms-copy-status", status);
  return response;
}

HttpResponse FakeService::remove(const Call& call) {
  const auto found = blobs.find(call.blob);
  if (found == blobs.end()) return error(call, 404, "BlobNotFound");
  if (auto refusal = refused_write(call)) return *refusal;
  if (found->second.has_snapshots && call.header("x-ms-delete-snapshots") != "include") {
    return error(call, 409, "SnapshotsPresent");
  }
  blobs.erase(found);
  return answer(202);
}

}  // namespace cloudsync::storage::azure::testing
