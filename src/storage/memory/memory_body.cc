// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "hash/digest.h"
#include "storage/memory/memory_impl.h"

namespace cloudsync::storage {
namespace {

std::string read_all(ByteSource& source, const CallContext& context) {
  std::string content;
  content.reserve(static_cast<std::size_t>(source.size()));
  std::array<std::byte, 64 * 1024> buffer;
  while (const std::size_t n = source.read(buffer)) {
    context.throw_if_stopped();
    content.append(reinterpret_cast<const char*>(buffer.data()), n);
  }
  return content;
}

void require_equal(bool equal, const char* what) {
  if (equal) return;
  throw Error(
      ErrorCode::kDataCorrupt,
      std::string("memory://bucket refused the body: its ") + what + " does not match");
}

}  // namespace

std::string read_checked(ByteSource& source, const BodyChecks& checks,
                         const CallContext& context) {
  std::string content = read_all(source, context);
  const Bytes bytes = std::as_bytes(std::span(content));
  require_equal(content.size() == source.size(), "length");
  if (checks.md5) require_equal(hash::Md5::of(bytes) == *checks.md5, "MD5");
  if (checks.sha256) require_equal(hash::Sha256::of(bytes) == *checks.sha256, "SHA-256");
  if (checks.crc64nvme)
    require_equal(hash::crc64nvme(bytes) == *checks.crc64nvme, "CRC64NVME");
  if (checks.crc32c) require_equal(hash::crc32c(bytes) == *checks.crc32c, "CRC32C");
  return content;
}

void FaultPoint::set(MemoryStore::Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault ? std::make_shared<const MemoryStore::Fault>(std::move(fault)) : nullptr;
}

void FaultPoint::before(const std::string& operation, const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    ++counts_[operation];
  }
  call(operation, key, false);
}

std::uint64_t FaultPoint::count(const std::string& operation) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(operation);
  return found == counts_.end() ? 0 : found->second;
}

void FaultPoint::call(const std::string& operation, const std::string& key, bool after) {
  std::shared_ptr<const MemoryStore::Fault> fault;
  {
    const std::lock_guard lock(mutex_);
    fault = fault_;
  }
  if (fault) (*fault)(operation, key, after);
}

}  // namespace cloudsync::storage
