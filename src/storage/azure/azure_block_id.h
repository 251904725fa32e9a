// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// Uncommitted blocks belong to the blob, not to an upload: two writers of the same name
// see each other's. So a block is called base64(nonce || number), the nonce being the 16
// random bytes that make up the upload's id, and the number 4 bytes, highest first.

// The 16 bytes. Throws Error{kNotFound} for an id that is none of ours.
std::string nonce_of(const UploadId& upload);
bool is_upload_id(const UploadId& upload);

std::string block_id(const std::string& nonce, std::uint32_t number);
// The part's number; nothing for a block of another upload or another program.
std::optional<std::uint32_t> number_of_block(std::string_view id,
                                             const std::string& nonce);

}  // namespace cloudsync::storage::azure
