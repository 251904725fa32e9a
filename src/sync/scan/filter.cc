// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/filter.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "hash/digest.h"
#include "sync/scan/glob.h"

namespace cloudsync::sync {
namespace {

constexpr std::string_view kReset = "!";

bool has_sign(std::string_view rule) {
  return rule.starts_with("+ ") || rule.starts_with("- ");
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Two blanks behind the sign are a slip of the hand, never a name that begins with one.
std::string_view pattern_of(std::string_view rule) {
  const std::size_t first = rule.find_first_not_of(' ', 2);
  return first == std::string_view::npos ? std::string_view() : rule.substr(first);
}

Glob compile_rule(const std::string& rule) {
  if (!has_sign(rule)) {
    throw Error(ErrorCode::kInvalidArgument,
                "filter rule '" + rule + "' must begin with '+ ' or '- '");
  }
  try {
    return Glob(pattern_of(rule));
  } catch (const Error& error) {
    throw Error(error.code(), "filter rule '" + rule + "' " + error.what());
  }
}

}  // namespace

struct Filter::Rule {
  bool include = false;
  std::string text;
  Glob glob;
};

Filter::Filter(const std::vector<std::string>& rules) {
  std::vector<Rule> compiled;
  for (const std::string& rule : rules) {
    if (rule == kReset) {
      compiled.clear();
      continue;
    }
    compiled.push_back({rule.starts_with('+'), rule, compile_rule(rule)});
  }
  if (!compiled.empty()) {
    rules_ = std::make_shared<const std::vector<Rule>>(std::move(compiled));
  }
}

bool Filter::includes(std::string_view key) const {
  if (!rules_) return true;
  for (const Rule& rule : *rules_) {
    if (rule.glob.matches(key)) return rule.include;
  }
  return true;
}

bool Filter::may_contain(std::string_view directory) const {
  if (!rules_) return true;
  for (const Rule& rule : *rules_) {
    if (rule.include && rule.glob.may_match_below(directory)) return true;
    if (!rule.include && rule.glob.matches_all_below(directory)) return false;
  }
  return true;
}

std::string Filter::fingerprint() const {
  if (!rules_) return {};
  hash::Sha256 digest;
  for (const Rule& rule : *rules_) {
    digest.update(std::as_bytes(std::span(rule.text.c_str(), rule.text.size() + 1)));
  }
  return base::to_hex(digest.finish());
}

std::vector<std::string> with_implied_exclude(std::vector<std::string> rules) {
  const bool only_includes =
      std::all_of(rules.begin(), rules.end(),
                  [](const auto& rule) { return rule.starts_with("+ "); });
  if (only_includes && !rules.empty()) rules.emplace_back("- **");
  return rules;
}

std::vector<std::string> read_filter_file(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> rules;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line != kReset && !has_sign(line)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "line " + std::to_string(number) + " of the filter file ('" +
                      std::string(line) + "') must begin with '+ ' or '- '");
    }
    rules.emplace_back(line);
  }
  return rules;
}

}  // namespace cloudsync::sync
