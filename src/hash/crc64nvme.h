// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cloudsync/types.h"

namespace cloudsync::hash {

// The bare register, without the inversions before and after. Both give the same values;
// the second needs carry-less multiplication, see crc64nvme_has_clmul().
std::uint64_t crc64nvme_by_table(Bytes bytes, std::uint64_t state);
std::uint64_t crc64nvme_by_clmul(Bytes bytes, std::uint64_t state);
bool crc64nvme_has_clmul();

}  // namespace cloudsync::hash
