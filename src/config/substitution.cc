// SPDX-License-Identifier: Apache-2.0
#include "config/substitution.h"

#include <algorithm>
#include <cctype>

namespace cloudsync::config {
namespace {

bool is_variable_name(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0)
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}

// The value of what stood between "${" and "}".
std::string expand(std::string_view inner, const EnvironmentLookup& environment) {
  const std::size_t colon = inner.find(':');
  const std::string name(inner.substr(0, colon));
  if (!is_variable_name(name)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "\"${" + std::string(inner) +
            "}\" does not name a variable; write ${NAME}, ${NAME:default}, or $$ for a "
            "plain dollar sign");
  }
  // Shells write the default after ":-", and take it for an empty variable too.
  const bool as_shells = inner.substr(std::min(colon, inner.size())).starts_with(":-");
  auto value = environment(name);
  if (value && !(as_shells && value->empty())) return *value;
  if (as_shells) return std::string(inner.substr(colon + 2));
  if (colon != std::string_view::npos) return std::string(inner.substr(colon + 1));
  throw Error(ErrorCode::kInvalidArgument,
              "the environment variable " + name +
                  " is not set; set it, or give a default with ${" + name + ":default}");
}

}  // namespace

std::string substitute(std::string_view text, const EnvironmentLookup& environment) {
  std::string result;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    result += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("$$")) {
      result += '$';
      text.remove_prefix(2);
    } else if (text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos) {
        throw Error(ErrorCode::kInvalidArgument,
                    "\"${\" has no closing \"}\"; write $$ for a plain dollar sign");
      }
      result += expand(text.substr(2, end - 2), environment);
      text.remove_prefix(end + 1);
    } else {
      result += '$';
      text.remove_prefix(1);
    }
  }
  return result;
}

}  // namespace cloudsync::config
