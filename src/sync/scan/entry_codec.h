// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sync/scan/model.h"

namespace cloudsync::sync {

// A remote entry as bytes, for this process only: the form is never read by another one.
std::string encode_entry(const RemoteEntry& entry);
RemoteEntry decode_entry(std::string_view bytes);

}  // namespace cloudsync::sync
