// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/gcs/gcs_config.h"
#include "storage/gcs/gcs_requests.h"
#include "storage/object_store.h"

namespace cloudsync::storage::gcs {

// "part size;size;condition;session URI". Whoever holds it may write the object: it is
// registered with the log's redaction here, in both directions.
UploadId encode_session(const SessionId& session);
// Nothing for an id that is not one of this bucket's endpoint: bytes and tokens go only
// where the configuration says.
std::optional<SessionId> decode_session(const UploadId& id, const GcsConfig& config);

// What this process knows of a session. Guarded by its mutex, which is held during a
// request: a session takes one chunk at a time.
struct SessionState {
  std::mutex mutex;
  // Bytes the service keeps; nothing when it has to be asked: in the first call of a
  // resumed session and after a request whose fate is unknown.
  std::optional<std::uint64_t> persisted;
  // CRC-32C of the bytes [0, crc_end), all of which went through this process.
  std::uint32_t crc = 0;
  std::uint64_t crc_end = 0;
  // The last part. Sending it publishes the object, so it waits for complete_upload.
  std::optional<std::vector<std::byte>> tail;
  std::uint64_t tail_begin = 0;

  void append_crc(std::uint64_t offset, std::uint64_t length, std::uint32_t part_crc);
  // Of the whole object; nothing where parts of it went through another process.
  std::optional<std::uint32_t> whole_crc(std::uint64_t size) const;
};

class SessionTable {
 public:
  // With nothing known where it was not there.
  std::shared_ptr<SessionState> get(const UploadId& id);
  void forget(const UploadId& id);

 private:
  std::mutex mutex_;
  std::map<UploadId, std::shared_ptr<SessionState>> states_;  // guarded by mutex_
};

}  // namespace cloudsync::storage::gcs
