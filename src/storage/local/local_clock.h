// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "storage/local/local_layout.h"

namespace cloudsync::storage::local {

// The clock of the bucket's file system less ours, by the time of a file just written
// there; nothing where none can be written.
std::optional<std::int64_t> clock_offset_of(const BucketFolder& folder);

}  // namespace cloudsync::storage::local
