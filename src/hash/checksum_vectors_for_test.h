// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace cloudsync::hash {

inline constexpr const char* kNoVectors =
    "CLOUDSYNC_VECTORS does not name the test vectors";

inline std::optional<nlohmann::json> checksum_vectors() {
  const char* directory = std::getenv("CLOUDSYNC_VECTORS");
  if (directory == nullptr) return std::nullopt;
  std::ifstream file(std::string(directory) + "/checksums/checksums.json");
  if (!file)
    throw std::runtime_error("CLOUDSYNC_VECTORS holds no checksums/checksums.json");
  return nlohmann::json::parse(file);
}

// "text", "hex", or one byte repeated.
inline std::string vector_content(const nlohmann::json& vector) {
  if (vector.contains("text")) return vector.at("text");
  if (vector.contains("hex")) {
    const auto bytes = base::from_hex(vector.at("hex").get<std::string>()).value();
    return {bytes.begin(), bytes.end()};
  }
  const auto byte =
      base::from_hex(vector.at("repeat_byte").get<std::string>()).value().at(0);
  return std::string(vector.at("length").get<std::size_t>(), static_cast<char>(byte));
}

}  // namespace cloudsync::hash
