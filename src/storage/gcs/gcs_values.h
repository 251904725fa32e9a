// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/object_store.h"
#include "storage/rest/wire_values.h"

namespace cloudsync::storage::gcs {

// How the protocol writes single values.

using rest::parse_number;

bool is_generation(std::string_view text);
// What goes into a request for this token. One that no object can have becomes a
// generation that none has: sent as it is, "0" would turn "replace this version" into
// "create".
std::string generation_text(const VersionToken& token);

// Base64 of the four bytes, highest first.
inline std::string crc32c_text(std::uint32_t crc) { return rest::base64_big_endian(crc); }
inline std::optional<std::uint32_t> parse_crc32c(std::string_view text) {
  return rest::big_endian_base64<std::uint32_t>(text);
}
inline std::optional<Md5Digest> parse_md5(std::string_view text) {
  return rest::md5_from_base64(text);
}

}  // namespace cloudsync::storage::gcs
