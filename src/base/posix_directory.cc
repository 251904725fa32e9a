// SPDX-License-Identifier: Apache-2.0
#include "base/posix_directory.h"

#include <dirent.h>
#include <fcntl.h>

#include <fmt/format.h>

#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::base {
namespace {

struct DirStreamClose {
  void operator()(DIR* stream) const { closedir(stream); }
};
using DirStream = std::unique_ptr<DIR, DirStreamClose>;

bool is_dot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// Nothing when the file system leaves the type out of its directories.
std::optional<FileKind> kind_of_entry(unsigned char type) {
  switch (type) {
    case DT_UNKNOWN:
      return std::nullopt;
    case DT_REG:
      return FileKind::kRegular;
    case DT_DIR:
      return FileKind::kDirectory;
    case DT_LNK:
      return FileKind::kSymlink;
    default:
      return FileKind::kSpecial;
  }
}

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(std::shared_ptr<const PosixRoot> root, std::string path, UniqueFd fd)
      : root_(std::move(root)), path_(std::move(path)), fd_(std::move(fd)) {}

  std::vector<DirEntry> entries() override {
    const DirStream stream = open_stream();
    std::vector<DirEntry> result;
    while (const dirent* entry = next(stream.get())) {
      if (is_dot(entry->d_name)) continue;
      const auto kind = kind_of(*entry);
      if (kind) result.push_back({entry->d_name, *kind});
    }
    return result;
  }

  std::optional<FileStat> stat(const std::string& name) override {
    check_name(name);
    struct stat status{};
    if (fstatat(fd_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
      return to_file_stat(status);
    }
    if (is_absent(errno)) return std::nullopt;
    throw_io(errno, "stat", root_->absolute(child(name)));
  }

  std::optional<FileStat> stat_following(const std::string& name) override {
    check_name(name);
    return stat_following_links(*root_, child(name));
  }

 private:
  // Its own descriptor, so that the position of another reading is not shared.
  DirStream open_stream() const {
    UniqueFd copy(retry_interrupted(
        [&] { return openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    DirStream stream(copy.valid() ? fdopendir(copy.get()) : nullptr);
    if (!stream) throw_io(errno, "read the directory", root_->absolute(path_));
    copy.release();
    return stream;
  }

  const dirent* next(DIR* stream) const {
    errno = 0;
    const dirent* entry = readdir(stream);
    if (entry == nullptr && errno != 0) {
      throw_io(errno, "read the directory", root_->absolute(path_));
    }
    return entry;
  }

  // Nothing when the name went away since it was read.
  std::optional<FileKind> kind_of(const dirent& entry) {
    const auto kind = kind_of_entry(entry.d_type);
    if (kind) return kind;
    const auto status = stat(entry.d_name);
    return status ? std::optional(status->kind) : std::nullopt;
  }

  void check_name(const std::string& name) const {
    if (!name.empty() && !is_dot(name.c_str()) && name.find('/') == std::string::npos &&
        name.find('\0') == std::string::npos) {
      return;
    }
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no name in the directory '{}'", printable(name),
                            printable(root_->absolute(path_))));
  }

  std::string child(const std::string& name) const {
    return path_.empty() ? name : path_ + "/" + name;
  }

  std::shared_ptr<const PosixRoot> root_;
  std::string path_;
  UniqueFd fd_;
};

}  // namespace

std::unique_ptr<Directory> open_posix_directory(std::shared_ptr<const PosixRoot> root,
                                                const std::string& path) {
  UniqueFd fd = root->open(path, O_RDONLY | O_DIRECTORY, "open the directory");
  return std::make_unique<PosixDirectory>(std::move(root), path, std::move(fd));
}

std::optional<FileStat> stat_following_links(const PosixRoot& root,
                                             const std::string& path) {
  const UniqueFd fd = root.try_open(path, O_PATH, 0, LinkPolicy::kFollowInside);
  if (fd.valid()) return stat_descriptor(fd.get(), root.absolute(path));
  if (is_absent(errno) || errno == ELOOP || errno == EXDEV) return std::nullopt;
  throw_io(errno, "follow the symlink", root.absolute(path));
}

}  // namespace cloudsync::base
