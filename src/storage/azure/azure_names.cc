// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_names.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "http/ascii.h"

#include <algorithm>
#include <array>

namespace cloudsync::storage::azure {
namespace {

constexpr std::size_t kMaxNameUnits = 1024;
constexpr std::size_t kMaxSegments = 254;
constexpr std::size_t kMaxMetadataBytes = 8 << 10;
constexpr std::array<std::string_view, 4> kSpecialContainers = {"$root", "$web", "$logs",
                                                                "$blobchangefeed"};
constexpr std::array<std::string_view, 4> kTiers = {"Hot", "Cool", "Cold", "Archive"};

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_container_char(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

bool is_container_name(std::string_view name) {
  const auto& special = kSpecialContainers;
  if (std::find(special.begin(), special.end(), name) != special.end()) return true;
  if (name.size() < 3 || name.size() > 63) return false;
  if (name.front() == '-' || name.back() == '-') return false;
  if (name.find("--") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), is_container_char);
}

// Of valid UTF-8: a character of four bytes is a pair of units.
std::size_t utf16_units(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

bool segment_ends_in_dot(std::string_view name) {
  return name.ends_with('.') || name.find("./") != std::string_view::npos;
}

std::string_view problem_of_name(const std::string& name) {
  if (name.empty()) return "is empty and names no blob";
  if (!base::is_valid_utf8(name)) return "is not valid UTF-8";
  if (utf16_units(name) > kMaxNameUnits) {
    return "is longer than 1024 characters; shorten the path or the prefix";
  }
  if (std::count(name.begin(), name.end(), '/') >= std::ptrdiff_t{kMaxSegments}) {
    return "has more than 254 path segments; flatten the tree";
  }
  if (name.find('\\') != std::string::npos) {
    return "holds a backslash, which Azure turns into a slash; rename it";
  }
  if (segment_ends_in_dot(name)) {
    return "has a segment that ends in a dot, which Azure drops; rename it";
  }
  return {};
}

bool is_identifier(std::string_view name) {
  if (name.empty() || is_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

}  // namespace

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), http::to_lower);
  return out;
}

void check_container(const std::string& container) {
  if (container.empty())
    refuse("storage.bucket is missing; on Azure it is the container");
  if (is_container_name(container)) return;
  refuse("storage.bucket: '" + base::printable(container) +
         "' is no container name: 3 to 63 lower-case letters, digits and single hyphens");
}

void check_blob_name(std::string_view operation, const std::string& name) {
  const std::string_view problem = problem_of_name(name);
  if (problem.empty()) return;
  constexpr std::size_t kEnough = 200;
  refuse(std::string(operation) + ": the blob name \"" +
         base::printable(std::string_view(name).substr(0, kEnough)) + "\" " +
         std::string(problem));
}

void check_metadata(const Metadata& metadata) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : metadata) {
    bytes += name.size() + value.size();
    if (!is_identifier(name)) {
      refuse("metadata '" + base::printable(name) +
             "': Azure takes only names of letters, digits and underscores that do not "
             "begin with a digit");
    }
    if (!is_printable_ascii(value)) {
      refuse("metadata '" + name + "': Azure carries only printable ASCII values");
    }
  }
  if (bytes > kMaxMetadataBytes) {
    refuse("the metadata has " + std::to_string(bytes) +
           " bytes; Azure takes 8 KiB, names included");
  }
}

std::string canonical_tier(const std::string& storage_class) {
  if (storage_class.empty()) return "";
  const std::string wanted = lower_case(storage_class);
  for (const std::string_view tier : kTiers) {
    if (wanted == lower_case(tier)) return std::string(tier);
  }
  refuse("storage.storage_class: '" + base::printable(storage_class) +
         "' is not an access tier of Azure: Hot, Cool, Cold, Archive");
}

}  // namespace cloudsync::storage::azure
