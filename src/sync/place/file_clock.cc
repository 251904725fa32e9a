// SPDX-License-Identifier: Apache-2.0
#include "sync/place/file_clock.h"

#include "cloudsync/error.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kMostApart = 300'000 * kMillisecond;

}  // namespace

bool FileClock::is_wrong() const {
  return offset_ns > kMostApart || offset_ns < -kMostApart;
}

FileClock read_file_clock(base::FileSystem& files, const base::Clock& clock,
                          const std::string& path) {
  FileClock result;
  try {
    const std::int64_t ours = clock.now_ns();
    const auto file = files.create(path, 0600);
    constexpr std::string_view kByte = "x";
    file->write_at(0, std::as_bytes(std::span(kByte)));
    const base::FileStat stat = file->stat();
    result.known = !__builtin_sub_overflow(stat.mtime_ns, ours, &result.offset_ns);
    result.coarse = stat.mtime_ns % kMillisecond == 0;
    files.remove_file(path);
  } catch (const Error&) {
    return {};  // a full disk tells its story with the first file
  }
  return result;
}

}  // namespace cloudsync::sync
