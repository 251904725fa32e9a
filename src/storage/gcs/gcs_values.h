// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/object_store.h"

namespace cloudsync::storage::gcs {

// How the protocol writes single values.

// Digits only, as the service gives numbers of 64 bits in JSON.
std::optional<std::uint64_t> parse_number(std::string_view text);

bool is_generation(std::string_view text);
// What goes into a request for this token. One that no object can have becomes a
// generation that none has: sent as it is, "0" would turn "replace this version" into
// "create".
std::string generation_text(const VersionToken& token);

// Base64 of the four bytes, highest first.
std::string crc32c_text(std::uint32_t crc);
std::optional<std::uint32_t> parse_crc32c(std::string_view text);
std::optional<Md5Digest> parse_md5(std::string_view text);

// What an error keeps of an answer: one that is megabytes long would fill the memory of a
// run.
std::string_view bounded(std::string_view words);

}  // namespace cloudsync::storage::gcs
