// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_batch.h"

#include "cloudsync/error.h"
#include "http/ascii.h"
#include "storage/gcs/gcs_values.h"

#include <algorithm>

namespace cloudsync::storage::gcs {
namespace {

using rest::unreadable;

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), http::to_lower);
  return out;
}

// Up to the empty line, which is taken too.
http::Headers take_headers(std::string_view& rest) {
  http::Headers headers;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    headers.emplace_back(lower_case(http::trim(line.substr(0, colon))),
                         http::trim(line.substr(colon + 1)));
  }
  return headers;
}

std::string boundary_of(const http::HttpResponse& response) {
  const std::string_view type = response.header("content-type").value_or("");
  const std::size_t found = lower_case(type).find("boundary=");
  if (found == std::string::npos) unreadable("no boundary between the parts of a batch");
  std::string_view value = http::trim(type.substr(found + 9));
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    value = value.substr(0, value.find('"'));
  } else {
    value = http::trim(value.substr(0, value.find(';')));
  }
  if (value.empty()) unreadable("no boundary between the parts of a batch");
  return "--" + std::string(value);
}

// "<response-7>" -> 7; nothing for what is not ours.
std::optional<std::uint64_t> call_number(const http::Headers& headers) {
  const auto found = std::find_if(headers.begin(), headers.end(), [](const auto& header) {
    return header.first == "content-id";
  });
  if (found == headers.end()) return std::nullopt;
  std::string_view id = found->second;
  if (id.starts_with('<') && id.ends_with('>')) id = id.substr(1, id.size() - 2);
  constexpr std::string_view kPrefix = "response-";
  if (!id.starts_with(kPrefix)) return std::nullopt;
  return parse_number(id.substr(kPrefix.size()));
}

// "HTTP/1.1 204 No Content", headers, body.
std::optional<http::HttpResponse> inner_response(std::string_view text) {
  const std::string_view status_line = take_line(text);
  const std::size_t space = status_line.find(' ');
  if (!status_line.starts_with("HTTP/") || space == std::string_view::npos)
    return std::nullopt;
  const auto status = parse_number(status_line.substr(space + 1, 3));
  if (!status || *status < 100) return std::nullopt;
  http::HttpResponse response;
  response.status = static_cast<int>(*status);
  response.headers = take_headers(text);
  response.body = http::trim(text);
  return response;
}

}  // namespace

std::string batch_body(std::span<const std::string> targets,
                       const std::string& boundary) {
  std::string body;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    body += "--" + boundary + "\r\nContent-Type: application/http\r\n" +
            "Content-Transfer-Encoding: binary\r\nContent-ID: <" + std::to_string(i + 1) +
            ">\r\n\r\nDELETE " + targets[i] + " HTTP/1.1\r\n\r\n\r\n";
  }
  return body + "--" + boundary + "--\r\n";
}

std::vector<std::optional<http::HttpResponse>> parse_batch(
    const http::HttpResponse& response, std::size_t calls) {
  const std::string boundary = boundary_of(response);
  std::vector<std::optional<http::HttpResponse>> answers(calls);
  std::string_view rest = response.body;
  std::size_t found = rest.find(boundary);
  if (found == std::string_view::npos) unreadable("a batch without parts");
  while (found != std::string_view::npos) {
    rest.remove_prefix(found + boundary.size());
    if (rest.starts_with("--")) break;
    found = rest.find("\n" + boundary);
    std::string_view part = rest.substr(0, found);
    if (found != std::string_view::npos) ++found;
    take_line(part);  // what is left of the boundary's line
    const auto number = call_number(take_headers(part));
    if (!number || *number == 0 || *number > calls) continue;
    answers[static_cast<std::size_t>(*number - 1)] = inner_response(part);
  }
  return answers;
}

}  // namespace cloudsync::storage::gcs
