// SPDX-License-Identifier: Apache-2.0
#include "sync/run/folders_above.h"

namespace cloudsync::sync {

std::vector<std::string> objects_above(const RunContext& context,
                                       const std::string& folder) {
  std::vector<std::string> found;
  for (auto slash = folder.find('/'); slash != std::string::npos;
       slash = folder.find('/', slash + 1)) {
    std::string name = folder.substr(0, slash);
    if (context.store.head(context.full_key(name), context.call))
      found.push_back(std::move(name));
  }
  return found;
}

}  // namespace cloudsync::sync
