// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cloudsync::sync {

// Ordered include/exclude rules as rclone reads them: "+ PATTERN" or "- PATTERN", the first match
// wins, no match = included. `*` stops at '/', `**` does not, `?`, `[a-z]`, `{a,b}`; a leading '/'
// anchors at the root, otherwise the pattern matches from any '/' on; a trailing '/' = the directory
// and all below. Same answer for local paths and keys.
class Filter {
 public:
  Filter() = default;
  // Throws Error{kInvalidArgument} naming the rule.
  explicit Filter(const std::vector<std::string>& rules);

  bool includes(std::string_view key) const;
  // False when nothing below `directory` ("a/b/") can be included: it is not walked.
  bool may_contain(std::string_view directory) const;
  bool empty() const { return rules_.empty(); }
  std::string fingerprint() const;  // changes when the rules do

 private:
  struct Rule;
  std::vector<Rule> rules_;
};

}  // namespace cloudsync::sync
