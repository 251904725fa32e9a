// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cloudsync::auth {

// When a token ends, as metadata services write it: seconds since the epoch, RFC 3339, or
// App Service's "09/14/2026 00:00:00 +00:00" and "9/14/2026 12:00:00 AM +00:00".
std::optional<std::int64_t> parse_expires_on(std::string_view text);

// "2026-11-23 18:00:00.000000" in this machine's time zone, of the Azure CLI.
std::optional<std::int64_t> parse_local_time(std::string_view text);

}  // namespace cloudsync::auth
