// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sync/run/run_context.h"

namespace cloudsync::sync {

// The names of the folders above and of `folder` ("a/b/") itself that objects have, the
// outermost first: a listing of the folder alone begins behind them and does not tell
// what they hide. Throws Error{kAlreadyExists} where something that is no object has one.
std::vector<std::string> objects_above(const RunContext& context,
                                       const std::string& folder);

}  // namespace cloudsync::sync
