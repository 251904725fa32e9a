// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace cloudsync {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

using Md5Digest = std::array<std::uint8_t, 16>;
using Sha256Digest = std::array<std::uint8_t, 32>;

// User metadata of an object: lower-case names without the provider's prefix ("mtime").
using Metadata = std::map<std::string, std::string>;

enum class ConflictStrategy {  // values are stored in the database
  kTimestampWins = 0,
  kLocalWins = 1,
  kCloudWins = 2,
  kManual = 3,
  kVersionPreserve = 4,
};

enum class Deletes { kPropagate, kKeep, kRestore };

enum class Side { kLocal = 0, kRemote = 1 };

}  // namespace cloudsync
