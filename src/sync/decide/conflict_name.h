// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cloudsync/types.h"

namespace cloudsync::sync {

// <dir>/<stem>.cloudsync-conflict-<UTC mtime YYYYMMDD-HHMMSS>-<replica>-<8 hex of
// md5><ext>; dot files: the whole name is the stem; only the last extension; the stem is
// cut on a UTF-8 boundary so that a component stays within 255 and the key within 1024
// bytes. `attempt` 2, 3 ... adds "-2". Deterministic, so that a run repeated after a
// crash finds its own copy.
std::string conflict_name(std::string_view key, std::int64_t loser_mtime_ns,
                          std::string_view replica, const Md5Digest& loser_md5,
                          int attempt = 1);
bool is_conflict_name(std::string_view key);

}  // namespace cloudsync::sync
