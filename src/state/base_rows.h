// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cloudsync/sync_state.h"
#include "state/sqlite_connection.h"

namespace cloudsync::state {

// What one transaction does to the sums that `status` shows; kept, because counting a
// million rows takes longer than a user waits for `status`.
struct TotalsDelta {
  std::int64_t base_rows = 0;
  std::int64_t base_bytes = 0;
  std::int64_t bytes_synced = 0;
  std::int64_t operations = 0;
};

void upsert_base_row(Connection& connection, PairId pair, const BaseRow& row,
                     TotalsDelta& delta);
void erase_base_row(Connection& connection, PairId pair, const std::string& key,
                    TotalsDelta& delta);

}  // namespace cloudsync::state
