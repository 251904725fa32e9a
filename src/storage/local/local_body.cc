// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_body.h"

#include <algorithm>
#include <vector>

#include "cloudsync/error.h"
#include "hash/digest.h"
#include "storage/local/posix_file.h"

namespace cloudsync::storage::local {
namespace {

constexpr std::size_t kBuffer = 256 * 1024;

std::vector<std::byte> buffer_for(std::uint64_t size) {
  return std::vector<std::byte>(
      static_cast<std::size_t>(std::clamp<std::uint64_t>(size, 4096, kBuffer)));
}

void require_equal(bool equal, const char* what) {
  if (equal) return;
  throw Error(
      ErrorCode::kDataCorrupt,
      std::string("the local bucket refused the body: its ") + what + " does not match");
}

// Only what was asked for is computed; the MD5 always, for the record.
class Digests {
 public:
  explicit Digests(const Claims& claims) : claims_(claims) {}

  void update(Bytes bytes) {
    md5_.update(bytes);
    if (claims_.sha256) sha256_.update(bytes);
    if (claims_.crc64nvme) crc64nvme_ = hash::crc64nvme(bytes, crc64nvme_);
    if (claims_.crc32c) crc32c_ = hash::crc32c(bytes, crc32c_);
  }

  Md5Digest check() {
    const Md5Digest md5 = md5_.finish();
    if (claims_.md5) require_equal(md5 == *claims_.md5, "MD5");
    if (claims_.sha256) require_equal(sha256_.finish() == *claims_.sha256, "SHA-256");
    if (claims_.crc64nvme) require_equal(crc64nvme_ == *claims_.crc64nvme, "CRC64NVME");
    if (claims_.crc32c) require_equal(crc32c_ == *claims_.crc32c, "CRC32C");
    return md5;
  }

 private:
  const Claims& claims_;
  hash::Md5 md5_;
  hash::Sha256 sha256_;
  std::uint64_t crc64nvme_ = 0;
  std::uint32_t crc32c_ = 0;
};

}  // namespace

Received receive(ByteSource& source, int file, const Claims& claims,
                 const CallContext& context) {
  Digests digests(claims);
  Received received;
  auto buffer = buffer_for(source.size());
  while (true) {
    context.throw_if_stopped();
    const std::size_t n = source.read(buffer);
    if (n == 0) break;
    digests.update({buffer.data(), n});
    write_all(file, {buffer.data(), n}, "the body");
    received.size += n;
  }
  require_equal(received.size == source.size(), "length");
  received.md5 = digests.check();
  return received;
}

std::uint64_t deliver(int file, const ByteRange& range, ByteSink& sink,
                      const CallContext& context) {
  const base::FileStat before = stat_of(file, "the object");
  auto buffer = buffer_for(range.length);
  std::uint64_t sent = 0;
  while (sent < range.length) {
    context.throw_if_stopped();
    const auto wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(buffer.size(), range.length - sent));
    const std::size_t n =
        read_some(file, range.offset + sent, {buffer.data(), wanted}, "the object");
    if (n == 0) break;
    sink.write({buffer.data(), n});
    sent += n;
  }
  const base::FileStat after = stat_of(file, "the object");
  if (sent != range.length || after.mtime_ns != before.mtime_ns ||
      after.size != before.size) {
    throw Error(ErrorCode::kUnavailable,
                "the object was edited in place while it was being read");
  }
  return sent;
}

Md5Digest md5_of(int file, const CallContext& context) {
  hash::Md5 md5;
  auto buffer = buffer_for(kBuffer);
  std::uint64_t offset = 0;
  while (const std::size_t n = read_some(file, offset, buffer, "the object")) {
    context.throw_if_stopped();
    md5.update({buffer.data(), n});
    offset += n;
  }
  return md5.finish();
}

std::uint64_t crc64nvme_of(int file, const CallContext& context) {
  auto buffer = buffer_for(kBuffer);
  std::uint64_t crc = 0;
  std::uint64_t offset = 0;
  while (const std::size_t n = read_some(file, offset, buffer, "the object")) {
    context.throw_if_stopped();
    crc = hash::crc64nvme({buffer.data(), n}, crc);
    offset += n;
  }
  return crc;
}

}  // namespace cloudsync::storage::local
