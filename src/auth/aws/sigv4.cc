// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sigv4.h"

#include <algorithm>
#include <string_view>

#include "auth/aws/signing_key.h"
#include "auth/blank.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "hash/digest.h"

namespace cloudsync::auth {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using PairRefs = std::vector<const Pairs::value_type*>;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kDateLength = 8;  // of 20261123T180000Z

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

int compare_names(std::string_view a, std::string_view b) {
  const std::size_t n = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < n; ++i) {
    const auto x = static_cast<unsigned char>(to_lower(a[i]));
    const auto y = static_cast<unsigned char>(to_lower(b[i]));
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

// By lower-case name; headers of one name stay in their order. References, not copies:
// this runs once for every small file.
PairRefs sorted_headers(const Pairs& headers) {
  PairRefs refs;
  refs.reserve(headers.size());
  for (const auto& header : headers) refs.push_back(&header);
  // Insertion sort by std::upper_bound: a dozen entries, and stable without a buffer.
  for (auto it = refs.begin(); it != refs.end(); ++it) {
    const auto place = std::upper_bound(refs.begin(), it, *it, [](auto* a, auto* b) {
      return compare_names(a->first, b->first) < 0;
    });
    std::rotate(place, it, it + 1);
  }
  return refs;
}

void append_lower(std::string& out, std::string_view name) {
  for (const char c : name) out.push_back(to_lower(c));
}

// Without blanks at the ends, and every run of blanks inside as one space.
void append_trimmed(std::string& out, std::string_view value) {
  bool pending = false;
  const std::size_t start = out.size();
  for (const char c : value) {
    if (is_blank(c)) {
      pending = out.size() > start;
      continue;
    }
    if (pending) out.push_back(' ');
    pending = false;
    out.push_back(c);
  }
}

bool repeats_name(const PairRefs& headers, std::size_t i) {
  return i > 0 && compare_names(headers[i]->first, headers[i - 1]->first) == 0;
}

// "name:value\n" each; values of one name joined by commas.
void append_headers(std::string& out, const PairRefs& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (repeats_name(headers, i)) {
      out.back() = ',';
    } else {
      append_lower(out, headers[i]->first);
      out.push_back(':');
    }
    append_trimmed(out, headers[i]->second);
    out.push_back('\n');
  }
}

void append_signed_names(std::string& out, const PairRefs& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (repeats_name(headers, i)) continue;
    if (i > 0) out.push_back(';');
    append_lower(out, headers[i]->first);
  }
}

// RFC 3986 section 5.2.4 plus one slash for several.
std::string normalized(std::string_view path) {
  std::vector<std::string_view> segments;
  std::string_view last;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    last = path.substr(at, end - at);
    if (last == ".." && !segments.empty()) segments.pop_back();
    if (!last.empty() && last != "." && last != "..") segments.push_back(last);
    at = end + 1;
  }
  std::string result;
  for (const std::string_view segment : segments) result.append("/").append(segment);
  const bool names_directory = last.empty() || last == "." || last == "..";
  if (result.empty() || names_directory) result.push_back('/');
  return result;
}

void append_path(std::string& out, const std::string& path, const SigningScope& scope) {
  if (path.empty()) {
    out.push_back('/');
    return;
  }
  if (!scope.normalize_path && !scope.encode_path_twice) {
    out.append(path);
    return;
  }
  const std::string plain = scope.normalize_path ? normalized(path) : path;
  out.append(scope.encode_path_twice ? base::percent_encode(plain, true) : plain);
}

std::string build_canonical_request(const SigningRequest& request,
                                    const SigningScope& scope, const PairRefs& headers) {
  std::string out;
  out.reserve(1024);
  out.append(request.method).push_back('\n');
  append_path(out, request.path, scope);
  out.push_back('\n');
  if (!request.query.empty()) out.append(canonical_query(request.query));
  out.push_back('\n');
  append_headers(out, headers);
  out.push_back('\n');
  append_signed_names(out, headers);
  out.append("\n").append(request.payload_hash);
  return out;
}

void append_scope(std::string& out, std::string_view date, const SigningScope& scope) {
  out.append(date).append("/").append(scope.region).append("/");
  out.append(scope.service).append("/aws4_request");
}

std::string build_string_to_sign(const std::string& canonical, std::string_view time,
                                 const SigningScope& scope) {
  std::string out;
  out.reserve(192);
  out.append(kAlgorithm).append("\n").append(time).append("\n");
  append_scope(out, time.substr(0, kDateLength), scope);
  out.append("\n").append(base::to_hex(hash::Sha256::of(bytes_of(canonical))));
  return out;
}

std::string sign_with(const SigningKey& key, std::string_view text) {
  return base::to_hex(hash::hmac_sha256(std::as_bytes(std::span(key)), bytes_of(text)));
}

}  // namespace

std::string canonical_query(const Pairs& query) {
  Pairs encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) {
    encoded.emplace_back(base::percent_encode(name), base::percent_encode(value));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out.push_back('&');
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string canonical_request(const SigningRequest& request, const SigningScope& scope) {
  return build_canonical_request(request, scope, sorted_headers(request.headers));
}

std::string string_to_sign(const std::string& canonical_request,
                           const SigningScope& scope) {
  return build_string_to_sign(canonical_request, base::format_compact(scope.time_ns),
                              scope);
}

std::string sign(const std::string& text, const AwsCredentials& credentials,
                 const SigningScope& scope) {
  const std::string time = base::format_compact(scope.time_ns);
  const auto date = std::string_view(time).substr(0, kDateLength);
  return sign_with(
      signing_key({credentials.secret_access_key, date, scope.region, scope.service}),
      text);
}

std::string authorization_header(const SigningRequest& request,
                                 const AwsCredentials& credentials,
                                 const SigningScope& scope) {
  const PairRefs headers = sorted_headers(request.headers);
  const std::string time = base::format_compact(scope.time_ns);
  const auto date = std::string_view(time).substr(0, kDateLength);
  const std::string text =
      build_string_to_sign(build_canonical_request(request, scope, headers), time, scope);
  std::string out;
  out.reserve(320);
  out.append(kAlgorithm).append(" Credential=");
  out.append(credentials.access_key_id).append("/");
  append_scope(out, date, scope);
  out.append(", SignedHeaders=");
  append_signed_names(out, headers);
  out.append(", Signature=");
  out.append(sign_with(
      signing_key({credentials.secret_access_key, date, scope.region, scope.service}),
      text));
  return out;
}

}  // namespace cloudsync::auth
