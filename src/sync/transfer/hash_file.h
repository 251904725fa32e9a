// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/call_context.h"
#include "sync/transfer/stable_read.h"

namespace cloudsync::sync {

// The hashes of an opened file; nothing when it changed meanwhile.
std::optional<ContentDigests> hash_source(base::FileSystem& files,
                                          const SourceFile& source,
                                          ContentHash content_hash,
                                          const CallContext& context);

}  // namespace cloudsync::sync
