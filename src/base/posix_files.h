// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/posix_root.h"

namespace cloudsync::base {

// Wrap an open regular file. Throw Error{kLocalIo} when it is anything else.
std::unique_ptr<ReadableFile> make_readable(UniqueFd fd, std::string absolute_path);
std::unique_ptr<WritableFile> make_writable(UniqueFd fd, std::string absolute_path);

}  // namespace cloudsync::base
