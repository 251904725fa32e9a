// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/object_store.h"

namespace cloudsync::storage {

// What some stores tell besides; see helps_of().
class ServerHelps {
 public:
  virtual ~ServerHelps() = default;

  // Of a key whose newest version is a delete marker: the token of the version below it.
  // Nothing where that is not so, or cannot be told.
  virtual std::optional<VersionToken> token_below_marker(const ObjectKey&,
                                                         const CallContext&) {
    return std::nullopt;
  }

  // Helps that this server refused to give and that the store now does without, by names
  // of its own ("checksum_mode"): to be remembered, and given back to a store of the same
  // server before its first request.
  virtual std::vector<std::string> renounced() const { return {}; }
  virtual void renounce(const std::vector<std::string>&) {}
};

// Nothing where the store is none of these.
inline ServerHelps* helps_of(ObjectStore& store) {
  return dynamic_cast<ServerHelps*>(&store);
}

}  // namespace cloudsync::storage
