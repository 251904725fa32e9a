// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cloudsync::storage {

// By the key's extension, in any case; "application/octet-stream" when it is not known.
std::string_view content_type_for(std::string_view key);

}  // namespace cloudsync::storage
