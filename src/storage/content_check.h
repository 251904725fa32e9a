// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/object_store.h"

namespace cloudsync::storage {

// What was computed of the bytes that came.
struct ReceivedChecksums {
  Md5Digest md5{};
  std::optional<std::uint32_t> crc32c;
  std::optional<std::uint64_t> crc64nvme;
};

// "" in both: the content is what the object is said to be, as far as anything says so.
struct ContentJudgement {
  std::string fault;    // why the bytes must not be used
  std::string warning;  // what disagrees without deciding
};

// A checksum that the service computed binds. An MD5 that anybody can set decides only
// where there is none, and not even there when it is to be ignored.
ContentJudgement judge_content(const ObjectInfo& info, const ReceivedChecksums& received,
                               bool ignore_stored_md5);

// Which checksums a reader of this store has to compute: what services add on their own
// is known, what a custom endpoint adds is not.
bool may_tell_crc32c(const ObjectStore& store);
bool may_tell_crc64nvme(const ObjectStore& store);

}  // namespace cloudsync::storage
