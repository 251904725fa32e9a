// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "hash/digest.h"
#include "http/header_lines.h"
#include "http/scripted_transport.h"
#include "storage/gcs/gcs_fake_service_test.h"
#include "storage/gcs/gcs_values.h"

// What the parts of the scripted service share.

namespace cloudsync::storage::gcs::testing {

using http::HttpResponse;
using nlohmann::json;

inline constexpr char kOrigin[] = "https://storage.googleapis.com";
inline constexpr std::uint64_t kMultiple = 256 << 10;

inline Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline HttpResponse answer_json(int status, const json& body) {
  return http::scripted_response(status, {{"Content-Type", "application/json"}},
                                 body.dump());
}

inline HttpResponse refuse(int status, const std::string& reason,
                           const std::string& message) {
  json body = {{"error",
                {{"code", status},
                 {"message", message},
                 {"errors", json::array({{{"domain", "global"},
                                          {"reason", reason},
                                          {"message", message}}})}}}};
  HttpResponse answer = answer_json(status, body);
  answer.headers.emplace_back("x-guploader-uploadid", "REQUEST-1");
  return answer;
}

inline HttpResponse bad(const std::string& what) {
  ADD_FAILURE() << "the service would not take this request: " << what;
  return refuse(400, "invalid", what);
}

inline Error reset() {
  return Error(ErrorCode::kUnavailable, "the connection was reset by the server");
}

inline std::string md5_text(const std::string& content) {
  return base::to_base64(hash::Md5::of(bytes_of(content)));
}

inline std::string crc_text(const std::string& content) {
  return crc32c_text(hash::crc32c(bytes_of(content)));
}

// "return-503-after-256K" -> 262144.
inline std::optional<std::uint64_t> after_bytes(const std::string& instruction) {
  const std::size_t found = instruction.find("-after-");
  if (found == std::string::npos) return std::nullopt;
  std::uint64_t kib = 0;
  const std::string digits = instruction.substr(found + 7);
  std::from_chars(digits.data(), digits.data() + digits.size(), kib);
  return kib * 1024;
}

inline std::string read_all(ByteSource* source) {
  std::string body;
  if (source == nullptr) return body;
  std::array<std::byte, 64 * 1024> buffer;
  while (const std::size_t n = source->read(buffer))
    body.append(reinterpret_cast<const char*>(buffer.data()), n);
  EXPECT_EQ(body.size(), source->size());
  return body;
}

inline json object_json(const std::string& name, const FakeGcs::Object& object) {
  json out = json::parse(object.resource);
  out["kind"] = "storage#object";
  out["name"] = name;
  out["bucket"] = "bucket";
  out["size"] = std::to_string(object.content.size());
  out["generation"] = std::to_string(object.generation);
  out["metageneration"] = "1";
  out["crc32c"] = crc_text(object.content);
  out["updated"] = "2023-11-14T22:13:20.123Z";
  out["timeCreated"] = "2023-11-14T22:13:20.123Z";
  if (!out.contains("storageClass")) out["storageClass"] = "STANDARD";
  out.erase("md5Hash");
  if (object.composite) {
    out["componentCount"] = 2;
  } else {
    out["md5Hash"] = md5_text(object.content);
  }
  return out;
}

struct FakeGcs::Call {
  const http::HttpRequest& request;
  std::string body;
  ByteSink* sink;
  std::string path;  // encoded
  std::map<std::string, std::string> query;
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : request.headers)
      if (http::equals_ignoring_case(key, name)) return value;
    return "";
  }
  std::string parameter(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? "" : found->second;
  }
};

}  // namespace cloudsync::storage::gcs::testing
