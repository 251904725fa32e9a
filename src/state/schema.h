// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "state/sqlite_connection.h"

namespace cloudsync::state {

inline constexpr std::int64_t kApplicationId = 0x43535953;  // "CSYS"

// What a file says about itself, before anything is changed.
struct SchemaStamp {
  std::int64_t application_id = 0;
  std::int64_t version = 0;
  bool has_tables = false;
};
SchemaStamp read_stamp(Connection& connection);

// Brings the schema to `version` from the one before.
struct Migration {
  std::int64_t version = 0;
  const char* sql = "";
};
std::span<const Migration> migrations();
std::int64_t newest_version();

// Throws Error{kUnsupported} for a schema newer than this program knows,
// Error{kInvalidArgument} for another program's database.
void refuse_foreign(const SchemaStamp& stamp, const std::string& path);

// Settings of a connection that writes; also turns the file to WAL.
void configure_writer(Connection& connection);

// Creates or brings up to date, each step in one transaction. An existing schema is
// copied beside the file first, to a name that is returned ("" = nothing had to be
// copied).
std::string migrate(Connection& connection, std::span<const Migration> steps);
// The same for a copy that nobody else has: nothing has to be kept.
void migrate_copy(Connection& connection, std::span<const Migration> steps);

}  // namespace cloudsync::state
