// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cloudsync/sync_state.h"
#include "state/sqlite_connection.h"

namespace cloudsync::state {

// Replaces the row of the same key, action and content.
void save_intent(Connection& connection, const IntentRow& row);
void erase_intents(Connection& connection, const EraseIntents& change);

}  // namespace cloudsync::state
