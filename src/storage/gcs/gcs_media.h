// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "http/transport.h"
#include "storage/object_store.h"

namespace cloudsync::storage::gcs {

// What the headers of answers without JSON say.

// Of a download. Throws Error{kUnavailable} when the size is missing. Metadata is there
// only where the answer carries some, and the token only where it names the generation.
ObjectInfo media_info(const http::HttpResponse& response, const ObjectKey& key);

// The service always does; gcp-storage-emulator does not.
bool names_generation(const http::HttpResponse& response);

// Throws when the body that is about to come is not what was asked for: kUnsupported for
// another range or a body packed or unpacked on the way, kPreconditionFailed for another
// generation. One that is not named is not checked.
void check_media(const GetRequest& request, const http::HttpResponse& response);

// Bytes of an upload that the service keeps, from the Range of a 308. Throws
// Error{kUnavailable} for one that is none.
std::uint64_t persisted_bytes(const http::HttpResponse& response);

}  // namespace cloudsync::storage::gcs
