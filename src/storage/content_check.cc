// SPDX-License-Identifier: Apache-2.0
#include "storage/content_check.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "storage/object_metadata.h"

namespace cloudsync::storage {
namespace {

// The checksums of the service's own, one after the other.
class ServiceChecksums {
 public:
  void compare(std::string_view name, const std::string& received,
               const std::string& told) {
    agrees_ = agrees_ || received == told;
    if (received == told || !fault_.empty()) return;
    fault_ = fmt::format("the content has {} {} instead of {}", name, received, told);
  }

  const std::string& fault() const { return fault_; }
  bool vouches() const { return agrees_ && fault_.empty(); }

 private:
  std::string fault_;
  bool agrees_ = false;
};

ServiceChecksums compare_all(const ObjectInfo& info, const ReceivedChecksums& received) {
  ServiceChecksums checksums;
  if (info.md5) {
    checksums.compare("MD5", base::to_hex(received.md5), base::to_hex(*info.md5));
  }
  if (info.crc64nvme && received.crc64nvme) {
    checksums.compare("CRC64NVME", fmt::format("{:016x}", *received.crc64nvme),
                      fmt::format("{:016x}", *info.crc64nvme));
  }
  if (info.crc32c && received.crc32c) {
    checksums.compare("CRC32C", fmt::format("{:08x}", *received.crc32c),
                      fmt::format("{:08x}", *info.crc32c));
  }
  return checksums;
}

}  // namespace

ContentJudgement judge_content(const ObjectInfo& info, const ReceivedChecksums& received,
                               bool ignore_stored_md5) {
  const ServiceChecksums service = compare_all(info, received);
  if (!service.fault().empty()) return {service.fault(), ""};
  const auto stored = stored_md5(info);
  if (!stored || *stored == received.md5) return {};
  const std::string difference =
      fmt::format("the content has MD5 {} instead of {}, which its writer stored ({})",
                  base::to_hex(received.md5), base::to_hex(*stored),
                  info.stored_md5 ? "Content-MD5" : "md5chksum");
  if (service.vouches()) {
    return {"", difference + "; the checksum of the service itself is the content's"};
  }
  if (ignore_stored_md5) return {"", difference + "; it is ignored, as asked for"};
  return {difference +
              "; no checksum of the service's own tells which is right, and "
              "--ignore-stored-md5 takes the content as it is",
          ""};
}

bool may_tell_crc32c(const ObjectStore& store) {
  return store.capabilities().crc32c || !store.capabilities().declared;
}

bool may_tell_crc64nvme(const ObjectStore& store) {
  return store.capabilities().crc64nvme || !store.capabilities().declared;
}

}  // namespace cloudsync::storage
