// SPDX-License-Identifier: Apache-2.0
#include "http/header_lines.h"

#include <algorithm>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "http/ascii.h"

namespace cloudsync::http {
namespace {

bool has_header(const Headers& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [name](const auto& header) {
    return equals_ignoring_case(header.first, name);
  });
}

// A line break would end the header and begin another one of the sender's choice.
void require_one_line(std::string_view name, std::string_view text) {
  constexpr std::string_view kBreaks("\r\n\0", 3);
  if (text.find_first_of(kBreaks) == std::string_view::npos) return;
  throw Error(ErrorCode::kInvalidArgument,
              "the HTTP header \"" + base::printable(name) +
                  "\" holds a line break or a zero byte and cannot be sent");
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

curl_slist* HeaderLines::build(const Headers& headers, bool expect_continue) {
  text_.clear();
  offsets_.clear();
  for (const auto& [name, value] : headers) add(name, value);
  if (!has_header(headers, "accept")) add_line("Accept:");
  if (!expect_continue && !has_header(headers, "expect")) add_line("Expect:");
  return link();
}

void HeaderLines::add(std::string_view name, std::string_view value) {
  require_one_line(name, name);
  require_one_line(name, value);
  offsets_.push_back(text_.size());
  text_.append(name);
  // "Name:" alone would tell libcurl to leave the header out; "Name;" sends it empty.
  if (value.empty()) {
    text_.push_back(';');
  } else {
    text_.append(": ").append(value);
  }
  text_.push_back('\0');
}

void HeaderLines::add_line(std::string_view line) {
  offsets_.push_back(text_.size());
  text_.append(line).push_back('\0');
}

// Pointers only now: text_ may have moved while it grew.
curl_slist* HeaderLines::link() {
  nodes_.resize(offsets_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].data = text_.data() + offsets_[i];
    nodes_[i].next = i + 1 < nodes_.size() ? &nodes_[i + 1] : nullptr;
  }
  return nodes_.empty() ? nullptr : nodes_.data();
}

}  // namespace cloudsync::http
