// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/byte_stream.h"
#include "base/call_context.h"
#include "storage/object_store.h"

namespace cloudsync::storage::local {

// What the caller claims about a body.
struct Claims {
  std::optional<Md5Digest> md5;
  std::optional<Sha256Digest> sha256;
  std::optional<std::uint64_t> crc64nvme;
  std::optional<std::uint32_t> crc32c;
};

// Writes the source into an open file and returns its MD5. Throws kDataCorrupt when the
// bytes are not what was claimed: then nothing may become visible.
struct Received {
  Md5Digest md5{};
  std::uint64_t size = 0;
};
Received receive(ByteSource& source, int file, const Claims& claims,
                 const CallContext& context);

// Sends a range of an open file; throws kUnavailable when somebody changes it meanwhile,
// since the body is then of no version.
std::uint64_t deliver(int file, const ByteRange& range, ByteSink& sink,
                      const CallContext& context);

// Of a whole open file.
Md5Digest md5_of(int file, const CallContext& context);
std::uint64_t crc64nvme_of(int file, const CallContext& context);

}  // namespace cloudsync::storage::local
