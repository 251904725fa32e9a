// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/decide/decide.h"
#include "sync/run/run_context.h"
#include "sync/scan/model.h"
#include "sync/transfer/stable_read.h"

namespace cloudsync::sync {

struct Observed;

// Equal or different as far as sizes and kinds tell; kUnknown when contents must be
// looked at.
Content compare_by_listing(const MergedItem& item);

// The local file is hashed already. Uses, in this order, a vouched MD5, an ETag that can
// only be the content's MD5, the parts' MD5s behind a multipart ETag, a HEAD, and at the
// last the object's bytes (up to 256 MiB; above, the contents count as different). With
// SHA-256, for buckets whose writers are not trusted, only the bytes, whatever their
// size.
Content compare_by_reading(const RunContext& context, Observed& observed);

// Fetches this version of the object. False also when it is no longer there.
bool bytes_are(const RunContext& context, const storage::ObjectInfo& info,
               const ContentDigests& wanted);

}  // namespace cloudsync::sync
