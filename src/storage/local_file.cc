// SPDX-License-Identifier: Apache-2.0
#include "storage/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/random.h"
#include "cloudsync/error.h"
#include "hash/digest.h"

namespace cloudsync::storage {
namespace {

constexpr std::size_t kBuffer = 256 * 1024;

timespec to_timespec(std::int64_t time_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t seconds = time_ns / kSecond;
  std::int64_t rest = time_ns % kSecond;
  if (rest < 0) {  // before 1970
    rest += kSecond;
    --seconds;
  }
  return {seconds, rest};
}

mode_t mode_for(const std::string& target) {
  struct stat st{};
  if (stat(target.c_str(), &st) == 0) return st.st_mode & 07777;
  // Asking for the mask means setting it; once, so that no other thread's file meets the
  // gap.
  static const mode_t mask = [] {
    const mode_t current = umask(077);
    umask(current);
    return current;
  }();
  return 0666 & ~mask;
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

SourceFile::SourceFile(std::string path)
    : path_(std::move(path)),
      fd_(open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (!fd_ && errno == ENOENT) {
    throw Error(ErrorCode::kNotFound, "the local file '" + path_ + "' does not exist");
  }
  if (!fd_) local::throw_errno("open", path_, errno);
  stat_ = local::stat_of(fd_.get(), path_);
  if (stat_.kind != base::FileKind::kRegular) {
    throw Error(ErrorCode::kInvalidArgument, "'" + path_ + "' is not a regular file");
  }
}

bool SourceFile::is_unchanged() const {
  if (!local::stat_of(fd_.get(), path_).same_version(stat_)) return false;
  struct stat st{};
  return ::stat(path_.c_str(), &st) == 0 && st.st_ino == stat_.ino &&
         st.st_dev == stat_.dev;
}

void SourceFile::require_unchanged() const {
  if (is_unchanged()) return;
  throw Error(ErrorCode::kLocalIo, "'" + path_ + "' changed while it was being read");
}

FileRangeSource::FileRangeSource(const SourceFile& file, std::uint64_t offset,
                                 std::uint64_t length, ProgressCallback progress)
    : file_(file), offset_(offset), length_(length), progress_(std::move(progress)) {}

std::size_t FileRangeSource::read(MutableBytes out) {
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), length_ - position_));
  if (wanted == 0) return 0;
  const std::size_t n =
      local::read_some(file_.fd(), offset_ + position_, out.first(wanted), file_.path());
  if (n < wanted || position_ + n == length_) file_.require_unchanged();
  position_ += n;
  report(position_);
  return n;
}

void FileRangeSource::report(std::uint64_t position) {
  if (position <= reported_) return;
  if (progress_) progress_(position - reported_);
  reported_ = position;
}

Md5Digest md5_of(const SourceFile& file, std::uint64_t offset, std::uint64_t length,
                 const CallContext& context) {
  FileRangeSource source(file, offset, length, {});
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::clamp<std::uint64_t>(length, 1, kBuffer)));
  hash::Md5 md5;
  while (const std::size_t n = source.read(buffer)) {
    context.throw_if_stopped();
    md5.update({buffer.data(), n});
  }
  return md5.finish();
}

ReplacementFile::ReplacementFile(std::string target)
    : target_(std::move(target)),
      path_(target_ + "." + base::random_hex_id(base::system_random()).substr(0, 8) +
            ".cloudsync-part") {
  std::error_code error;
  std::filesystem::create_directories(folder_of(target_), error);
  if (error) local::throw_errno("make", folder_of(target_), error.value());
  fd_ =
      local::UniqueFd(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd_) local::throw_errno("create", path_, errno);
}

ReplacementFile::~ReplacementFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

void ReplacementFile::write(Bytes bytes) { local::write_all(fd_.get(), bytes, path_); }

void ReplacementFile::commit(std::int64_t mtime_ns) {
  if (fchmod(fd_.get(), mode_for(target_)) != 0)
    local::throw_errno("set the mode of", path_, errno);
  const timespec times[2] = {to_timespec(mtime_ns), to_timespec(mtime_ns)};
  if (futimens(fd_.get(), times) != 0)
    local::throw_errno("set the time of", path_, errno);
  local::sync_file(fd_.get(), path_);
  if (rename(path_.c_str(), target_.c_str()) != 0)
    local::throw_errno("replace", target_, errno);
  path_.clear();
  const local::UniqueFd folder(
      open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) local::sync_file(folder.get(), target_);
}

}  // namespace cloudsync::storage
