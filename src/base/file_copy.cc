// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

namespace cloudsync::base {
namespace {

constexpr std::size_t kCopyBytes = 1U << 20;
constexpr std::uint32_t kPrivateMode = 0600;

}  // namespace

// For file systems that know no quicker way.
void FileSystem::copy_file(const std::string& from, const std::string& to) {
  const auto source = open_read(from);
  const auto target = create(to, kPrivateMode);
  std::vector<std::byte> buffer(kCopyBytes);
  for (std::uint64_t offset = 0;;) {
    const std::size_t n = source->read_at(offset, buffer);
    if (n == 0) break;
    target->write_at(offset, Bytes(buffer.data(), n));
    offset += n;
  }
  target->set_mtime(source->stat().mtime_ns);
  target->sync();
}

}  // namespace cloudsync::base
