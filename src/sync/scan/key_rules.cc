// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/key_rules.h"

#include <algorithm>

#include "base/encoding.h"

namespace cloudsync::sync {
namespace {

constexpr std::size_t kMaxComponentBytes = 255;  // NAME_MAX of every common file system

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// The first component and the rest behind its '/'; the rest is empty at the end.
std::string_view take_component(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view component = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return component;
}

std::optional<std::string> unsafe_bytes_reason(std::string_view component) {
  if (component.find('\0') != std::string_view::npos) return "contains a NUL byte";
  if (std::any_of(component.begin(), component.end(), is_control)) {
    return "contains a control character";
  }
  if (component.find('\\') != std::string_view::npos) return "contains a backslash";
  if (!base::is_valid_utf8(component)) return "is not valid UTF-8";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> unsafe_component_reason(std::string_view component) {
  if (component.empty()) return "contains an empty component ('//')";
  if (component == "." || component == "..") {
    return "contains '" + std::string(component) + "'";
  }
  if (component.size() > kMaxComponentBytes)
    return "has a component of more than 255 bytes";
  return unsafe_bytes_reason(component);
}

std::optional<std::string> unsafe_key_reason(std::string_view key) {
  if (key.empty()) return "is empty";
  if (key.front() == '/') return "begins with '/'";
  if (key.size() > kMaxKeyBytes) return "is longer than 1024 bytes";
  for (std::string_view rest = key; !rest.empty();) {
    if (auto reason = unsafe_component_reason(take_component(rest))) return reason;
  }
  return std::nullopt;
}

std::optional<std::string> unsafe_name_reason(std::string_view relative_path) {
  return unsafe_key_reason(relative_path);
}

bool is_own_component(std::string_view component) {
  return component == ".cloudsync" || component == ".cloudsync-store" ||
         component.ends_with(".cloudsync-part");
}

bool is_own_path(std::string_view key) {
  if (key.find(".cloudsync") == std::string_view::npos) return false;
  for (std::string_view rest = key; !rest.empty();) {
    if (is_own_component(take_component(rest))) return true;
  }
  return false;
}

std::string subtree_end(std::string_view key) {
  if (key.ends_with('/')) key.remove_suffix(1);
  return std::string(key) + static_cast<char>('/' + 1);
}

bool link_stays_inside(std::string_view key, std::string_view target) {
  if (target.empty() || target.front() == '/') return false;
  auto depth = std::count(key.begin(), key.end(), '/');
  bool named = false;
  while (!target.empty()) {
    const auto slash = target.find('/');
    const auto component = target.substr(0, slash);
    if (component == "..") {
      // Behind a name, which may be another link, ".." leads from wherever that one ends.
      if (named || --depth < 0) return false;
    } else if (!component.empty() && component != ".") {
      named = true;
    }
    target =
        slash == std::string_view::npos ? std::string_view() : target.substr(slash + 1);
  }
  return true;
}

}  // namespace cloudsync::sync
