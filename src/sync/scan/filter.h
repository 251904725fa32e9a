// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cloudsync::sync {

// Ordered include/exclude rules as rclone reads them: "+ PATTERN" or "- PATTERN", the
// first match wins, no match = included. `*` stops at '/', `**` does not, `?`, `[a-z]`,
// `{a,b}`; a leading '/' anchors at the root, otherwise the pattern matches from any '/'
// on; a trailing '/' = the directory and all below. "!" forgets the rules before it. Same
// answer for local paths and keys. Immutable, thread-safe, cheap to copy.
class Filter {
 public:
  Filter() = default;
  // Throws Error{kInvalidArgument} naming the rule.
  explicit Filter(const std::vector<std::string>& rules);

  bool includes(std::string_view key) const;
  // False when nothing below `directory` ("a/b/") can be included: it is not walked. The
  // directory itself is then not included either.
  bool may_contain(std::string_view directory) const;
  bool empty() const { return rules_ == nullptr; }
  std::string fingerprint() const;  // changes when the rules do; "" without rules

 private:
  struct Rule;
  std::shared_ptr<const std::vector<Rule>> rules_;  // null = none
};

// A list of includes alone means "these and nothing else": gets "- **" at its end. Any
// other list comes back as it is.
std::vector<std::string> with_implied_exclude(std::vector<std::string> rules);

// The rules of a filter file: one a line, blank lines and lines that begin with '#' or
// ';' are skipped. Throws Error{kInvalidArgument} naming the line.
std::vector<std::string> read_filter_file(std::string_view text);

}  // namespace cloudsync::sync
