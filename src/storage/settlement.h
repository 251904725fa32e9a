// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "storage/object_store.h"

namespace cloudsync::storage {

// Was a write whose answer was lost carried out? Each compares what the key holds now
// with what was sent, and says yes only when that is proven: equality of the content,
// never likelihood. All are pure but for reading the source.

// By MD5, or by size and checksum; and nobody else's metadata.
bool holds_put(const ObjectInfo& now, const PutRequest& request, ByteSource& source);
// By the MD5 of the whole where the service keeps one, by the ETag that S3 makes of the
// part MD5s, or by size and checksum of the whole.
bool holds_upload(const ObjectInfo& now, const CompleteRequest& request);
// By MD5 or checksum that both ends carry.
bool holds_copy(const ObjectInfo& destination, const ObjectInfo& source);

// Is what the key holds the very version that is to be deleted? Times are compared in
// whole seconds, all that a HEAD tells of them.
bool is_version_seen(const ObjectInfo& now, const DeleteRequest& request);

// The server answered, and what it said cannot be read: what became of the write is
// settled by what the key holds.
bool is_unreadable_answer(const Error& error);

// MD5-of-MD5s and "-N"; nothing when a part's ETag is not an MD5.
std::optional<std::string> composite_etag(std::span<const PartReceipt> parts);

// The answer that was lost, as far as HEAD can give it back.
PutResult recovered_result(const ObjectInfo& now);

}  // namespace cloudsync::storage
