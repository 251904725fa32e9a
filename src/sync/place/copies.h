// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file_system.h"

namespace cloudsync::sync {

// Two regular files that can be read to the end without changing, and are equal.
bool same_content(base::FileSystem& files, const std::string& a, const std::string& b);

}  // namespace cloudsync::sync
