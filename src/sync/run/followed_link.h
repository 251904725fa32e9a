// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "sync/place/place.h"
#include "sync/run/run_context.h"

namespace cloudsync::sync {

// links: follow. Whether the name of a file that a run sees is a link.
bool is_followed_link(const RunContext& context, const std::string& key);

// Placer::remove for what a run sees: of a followed link the link itself goes, as long as
// it leads to the version that was seen; what it leads to is a file of its own.
RemoveResult remove_seen(const RunContext& context, Placer& placer,
                         const std::string& key, const base::FileStat& seen,
                         const std::optional<Md5Digest>& md5);

}  // namespace cloudsync::sync
