// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cloudsync/types.h"

namespace cloudsync::storage::azure {

// What Azure lets be called how. Each check throws Error{kInvalidArgument} that says what
// to change.

void check_container(const std::string& container);

// The service rewrites some names instead of refusing them ('\' becomes '/', a dot at the
// end of a segment disappears): such a request would reach another blob.
void check_blob_name(std::string_view operation, const std::string& name);

// Names must be C# identifiers, values printable ASCII, and both together at most 8 KiB.
void check_metadata(const Metadata& metadata);

// "Hot", "Cool", "Cold" or "Archive" for any spelling of them, "" for "".
std::string canonical_tier(const std::string& storage_class);

bool is_printable_ascii(std::string_view text);
std::string lower_case(std::string_view text);

}  // namespace cloudsync::storage::azure
