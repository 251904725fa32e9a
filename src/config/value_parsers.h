// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloudsync/cloud_sync.h"

namespace cloudsync::config {

// Each throws Error{kInvalidArgument} that quotes the text and says what is taken; the
// caller adds the key, the flag or the line.

// "100MB" = 10^8, "5MiB" = 5 * 2^20, a bare number = bytes; units in any case, B to TB
// and TiB.
std::uint64_t parse_size(std::string_view text);
// Seconds. "30d", "12h", "5m", "5s", "500ms", a bare number = seconds; fractions allowed.
double parse_duration_seconds(std::string_view text);
// The same with its unit: "30" could be meant as days and would delete after seconds.
double parse_retention_seconds(std::string_view text);
bool parse_bool(std::string_view text);
// A whole number in [lowest, highest].
int parse_count(std::string_view text, int lowest, int highest);
// "auto" = nothing.
std::optional<int> parse_max_workers(std::string_view text);
// "50%" or "100"; never the default.
MaxDelete parse_max_delete(std::string_view text);
// "5%" or "20GB"; never the default.
TrashLimit parse_trash_limit(std::string_view text);

ConflictStrategy parse_conflict_strategy(std::string_view text);
std::string_view conflict_strategy_name(ConflictStrategy strategy);
Deletes parse_deletes(std::string_view text);
ContentHash parse_content_hash(std::string_view text);
Durability parse_durability(std::string_view text);
Links parse_links(std::string_view text);
Force parse_force(std::string_view text);
Keep parse_keep(std::string_view text);
// One of "s3", "gcs", "azure", "local".
std::string parse_provider(std::string_view text);
// One of "auto", "path", "virtual".
std::string parse_addressing_style(std::string_view text);
std::string parse_ca_bundle_mode(std::string_view text);
std::string parse_server_side_encryption(std::string_view text);
// http:// or https:// with a host and without credentials, which would end up in
// messages.
std::string parse_endpoint_url(std::string_view text);

}  // namespace cloudsync::config
