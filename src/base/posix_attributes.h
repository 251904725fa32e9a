// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/posix_root.h"

namespace cloudsync::base {

// FileSystem::copy_attributes; contract there.
void copy_attributes_in(const PosixRoot& root, const std::string& from,
                        const std::string& to);

}  // namespace cloudsync::base
