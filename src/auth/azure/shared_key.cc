// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/shared_key.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "auth/blank.h"
#include "base/encoding.h"
#include "cloudsync/error.h"
#include "hash/digest.h"
#include "http/ascii.h"

namespace cloudsync::auth {
namespace {

using Pair = std::pair<std::string, std::string>;
using Pairs = std::vector<Pair>;

// What the service compares first, lowest first; whatever is not here ('-' above all)
// counts only between names that are equal without it. Weights of the en-US culture:
// azure-sdk-for-cpp, shared_key_policy.cpp.
constexpr std::string_view kVisible = "!#$%&*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz";

constexpr std::array<unsigned char, 256> make_ranks() {
  std::array<unsigned char, 256> ranks{};
  for (std::size_t i = 0; i < kVisible.size(); ++i) {
    ranks[static_cast<unsigned char>(kVisible[i])] = static_cast<unsigned char>(i + 1);
  }
  return ranks;
}

// 0 = skipped.
int rank_of(char c) {
  static constexpr auto kRanks = make_ranks();
  return kRanks[static_cast<unsigned char>(c)];
}

int skipped_rank(char c) { return c == '-' ? 2 : c == '\'' ? 1 : 0; }

// The next visible character's rank, 0 at the end.
int next_rank(std::string_view text, std::size_t& at) {
  while (at < text.size()) {
    if (const int rank = rank_of(text[at++]); rank != 0) return rank;
  }
  return 0;
}

int compare_visible(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t j = 0;
  for (;;) {
    const int x = next_rank(a, i);
    const int y = next_rank(b, j);
    if (x != y) return x < y ? -1 : 1;
    if (x == 0) return 0;
  }
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), http::to_lower);
  return out;
}

bool same_name(std::string_view a, std::string_view lower_b) {
  return a.size() == lower_b.size() &&
         std::equal(a.begin(), a.end(), lower_b.begin(),
                    [](char x, char y) { return http::to_lower(x) == y; });
}

std::string_view header_value(const http::Headers& headers, std::string_view lower_name) {
  for (const auto& [name, value] : headers) {
    if (same_name(name, lower_name)) return trim_blanks(value);
  }
  return {};
}

bool is_service_header(std::string_view name) {
  return name.size() > 5 && same_name(name.substr(0, 5), "x-ms-");
}

// The signed slots in their order. Content-Length is what will be sent, blank for
// nothing; Date is blank when x-ms-date is there, which the service prefers.
void append_slots(std::string& out, const SharedKeyRequest& request) {
  const auto& headers = request.request.headers;
  const bool own_date = !header_value(headers, "x-ms-date").empty();
  for (const std::string_view name :
       {"content-encoding", "content-language", "content-length", "content-md5",
        "content-type", "date", "if-modified-since", "if-match", "if-none-match",
        "if-unmodified-since", "range"}) {
    if (name == "content-length") {
      if (request.content_length > 0) out += std::to_string(request.content_length);
    } else if (name != "date" || !own_date) {
      out += header_value(headers, name);
    }
    out += '\n';
  }
}

// "name:value" each, sorted by `before`; values of one name joined by commas in the order
// of the list.
template <class Before>
void append_sorted(std::string& out, Pairs& pairs, Before before) {
  std::stable_sort(pairs.begin(), pairs.end(), before);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0 && pairs[i].first == pairs[i - 1].first) {
      out.append(",").append(pairs[i].second);
      continue;
    }
    if (i > 0) out += '\n';
    out.append(pairs[i].first).append(":").append(pairs[i].second);
  }
}

void append_service_headers(std::string& out, const http::Headers& headers) {
  Pairs pairs;
  pairs.reserve(headers.size());
  for (const auto& [name, value] : headers) {
    if (is_service_header(name)) {
      pairs.emplace_back(lower_case(name), trim_blanks(value));
    }
  }
  append_sorted(out, pairs, [](const Pair& a, const Pair& b) {
    return shared_key_header_before(a.first, b.first);
  });
  if (!pairs.empty()) out += '\n';
}

Pairs decoded_query(std::string_view query) {
  Pairs pairs;
  while (!query.empty()) {
    const std::string_view item = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(item.size() + 1, query.size()));
    if (item.empty()) continue;
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view value = item.substr(std::min(equals + 1, item.size()));
    pairs.emplace_back(lower_case(base::percent_decode(item.substr(0, equals), true)),
                       base::percent_decode(value, true));
  }
  return pairs;
}

// The path stays encoded as it is sent; a path-style endpoint's begins with the account,
// which then stands here twice.
void append_resource(std::string& out, const SharedKeyRequest& request) {
  std::string_view target = request.request.url;
  const std::size_t scheme = target.find("://");
  if (scheme != std::string_view::npos) target.remove_prefix(scheme + 3);
  target.remove_prefix(std::min(target.find_first_of("/?#"), target.size()));
  target = target.substr(0, target.find('#'));
  const std::string_view path = target.substr(0, target.find('?'));
  out.append("/").append(request.account).append(path.empty() ? "/" : path);
  target.remove_prefix(path.size());
  if (target.size() <= 1) return;
  Pairs query = decoded_query(target.substr(1));
  if (!query.empty()) out += '\n';
  append_sorted(out, query, std::less<>());
}

}  // namespace

bool shared_key_header_before(std::string_view a, std::string_view b) {
  const int order = compare_visible(a, b);
  if (order != 0) return order < 0;
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(),
      [](char x, char y) { return skipped_rank(x) < skipped_rank(y); });
}

std::string shared_key_string_to_sign(const SharedKeyRequest& request) {
  std::string out;
  out.reserve(512);
  out.append(request.request.method).append("\n");
  append_slots(out, request);
  append_service_headers(out, request.request.headers);
  append_resource(out, request);
  return out;
}

std::string shared_key_signature(const std::string& text, const std::string& base64_key) {
  const auto key = base::from_base64(base64_key);
  if (!key || key->empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "the Azure account key is no base64 text; copy it again from the storage "
                "account's page \"Access keys\"");
  }
  return base::to_base64(
      hash::hmac_sha256(std::as_bytes(std::span(*key)), std::as_bytes(std::span(text))));
}

std::string shared_key_header(const SharedKeyRequest& request,
                              const std::string& base64_key) {
  return "SharedKey " + request.account + ":" +
         shared_key_signature(shared_key_string_to_sign(request), base64_key);
}

}  // namespace cloudsync::auth
