// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_batch.h"

#include "cloudsync/error.h"
#include "http/ascii.h"
#include "storage/azure/azure_headers.h"
#include "storage/azure/azure_names.h"

#include <algorithm>

namespace cloudsync::storage::azure {
namespace {

// Reads lines that end in LF, with or without CR.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  std::string_view next() {
    const std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Up to the empty line.
http::Headers read_headers(Lines& lines) {
  http::Headers headers;
  while (!lines.at_end()) {
    const std::string_view line = lines.next();
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    headers.emplace_back(lower_case(http::trim(line.substr(0, colon))),
                         http::trim(line.substr(colon + 1)));
  }
  return headers;
}

std::string boundary_of(std::string_view content_type) {
  const std::size_t at = lower_case(content_type).find("boundary=");
  if (at == std::string::npos) return "";
  std::string_view value = content_type.substr(at + 9);
  value = http::trim(value.substr(0, value.find(';')));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return std::string(value);
}

// "HTTP/1.1 202 Accepted".
std::optional<int> status_in(std::string_view line) {
  if (!line.starts_with("HTTP/") || line.find(' ') == std::string_view::npos) {
    return std::nullopt;
  }
  const auto status = parse_number(line.substr(line.find(' ') + 1, 3));
  if (!status || *status < 100) return std::nullopt;
  return static_cast<int>(*status);
}

std::optional<BatchPart> parse_part(std::string_view text) {
  Lines lines(text);
  http::HttpResponse outer;
  outer.headers = read_headers(lines);
  BatchPart part;
  if (const auto id = parse_number(outer.header("content-id").value_or(""))) {
    part.id = static_cast<std::size_t>(*id);
  }
  std::string_view line;
  while (line.empty() && !lines.at_end()) line = lines.next();
  const auto status = status_in(line);
  if (!status) return std::nullopt;
  part.http.status = *status;
  part.http.headers = read_headers(lines);
  part.http.body = http::trim(lines.rest());
  return part;
}

// The texts between the boundaries; nothing when the closing one is missing, because
// then the answer was cut.
std::optional<std::vector<std::string_view>> split(std::string_view body,
                                                   const std::string& delimiter) {
  std::vector<std::string_view> parts;
  std::size_t at = body.find(delimiter);
  while (at != std::string_view::npos) {
    const std::size_t begin = at + delimiter.size();
    if (body.substr(begin).starts_with("--")) return parts;
    const std::size_t line_end = body.find('\n', begin);
    if (line_end == std::string_view::npos) return std::nullopt;
    at = body.find(delimiter, line_end);
    parts.push_back(body.substr(line_end + 1, at - line_end - 1));
  }
  return std::nullopt;
}

}  // namespace

std::string compose_batch(const std::string& boundary,
                          std::span<const std::string> sub_requests) {
  std::string body;
  for (std::size_t i = 0; i < sub_requests.size(); ++i) {
    body += "--" + boundary +
            "\r\ncontent-type: application/http\r\n"
            "content-transfer-encoding: binary\r\ncontent-id: " +
            std::to_string(i) + "\r\n\r\n" + sub_requests[i] + "\r\n";
  }
  return body + "--" + boundary + "--\r\n";
}

std::vector<BatchPart> parse_batch(std::string_view content_type, std::string_view body) {
  const std::string boundary = boundary_of(content_type);
  const auto texts = boundary.empty() ? std::nullopt : split(body, "--" + boundary);
  if (!texts) {
    throw Error(ErrorCode::kUnavailable,
                "unreadable answer: no complete multipart document");
  }
  std::vector<BatchPart> parts;
  for (const std::string_view text : *texts) {
    if (auto part = parse_part(text)) parts.push_back(std::move(*part));
  }
  return parts;
}

}  // namespace cloudsync::storage::azure
