// SPDX-License-Identifier: Apache-2.0
// A pass-through file system that lacks what the switches say: for tests of what exFAT,
// CIFS, HFS+ and FUSE mounts do to a root or a store.
//   odd_file_system [switch...] SOURCE MOUNTPOINT      (stays in the foreground)
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "name_folding.h"

namespace cloudsync::odd {
namespace {

struct Switches {
  Folding folding;
  bool store_decomposed = false;
  bool mount_inodes = false;
  bool call_inodes = false;
  bool no_rename_flags = false;
  bool no_links = false;
  bool no_attributes = false;
  bool coarse_times = false;
  bool no_change_time = false;
};

const std::map<std::string, std::function<void(Switches&)>> kSwitches = {
    // Names that differ by case only are one entry, spelt as it was created.
    {"fold_case", [](Switches& s) { s.folding.fold_case = true; }},
    // The same for composed and decomposed letters.
    {"fold_normal", [](Switches& s) { s.folding.fold_normal = true; }},
    // As fold_normal, and whatever is created is listed decomposed.
    {"store_decomposed",
     [](Switches& s) { s.folding.fold_normal = s.store_decomposed = true; }},
    // Inode numbers that another mount of the same folder does not repeat.
    {"mount_inodes", [](Switches& s) { s.mount_inodes = true; }},
    // Another inode number whenever anybody looks.
    {"call_inodes", [](Switches& s) { s.call_inodes = true; }},
    // No RENAME_NOREPLACE, no RENAME_EXCHANGE.
    {"no_rename_flags", [](Switches& s) { s.no_rename_flags = true; }},
    {"no_links", [](Switches& s) { s.no_links = true; }},
    // No chmod, chown and extended attributes.
    {"no_attributes", [](Switches& s) { s.no_attributes = true; }},
    // Times in steps of two seconds.
    {"coarse_times", [](Switches& s) { s.coarse_times = true; }},
    // ctime is a copy of mtime.
    {"no_change_time", [](Switches& s) { s.no_change_time = true; }},
};

Switches switches;
int source = -1;
ino_t inode_offset = 0;
std::atomic<ino_t> next_inode{1};

int result_of(int outcome) { return outcome == -1 ? -errno : outcome; }

using DirStream = std::unique_ptr<DIR, decltype([](DIR* stream) { closedir(stream); })>;

DirStream open_stream(const std::string& directory) {
  const int fd = openat(source, directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return DirStream(fd < 0 ? nullptr : fdopendir(fd));
}

// The name under which the directory has the entry; `name` itself when it has none.
std::string spelling_in(const std::string& directory, const std::string& name) {
  const std::string wanted = folded(name, switches.folding);
  const DirStream stream = open_stream(directory);
  while (const dirent* entry = stream ? readdir(stream.get()) : nullptr) {
    if (folded(entry->d_name, switches.folding) == wanted) return entry->d_name;
  }
  return switches.store_decomposed ? decomposed(name) : name;
}

// Relative to the source; "." is its root.
std::string resolve(const char* path) {
  std::string result = ".";
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string name(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (name.empty()) continue;
    const bool folds = switches.folding.fold_case || switches.folding.fold_normal;
    result += "/" + (folds ? spelling_in(result, name) : name);
  }
  return result;
}

void make_coarse(timespec& time) {
  time.tv_sec -= time.tv_sec & 1;
  time.tv_nsec = 0;
}

void make_odd(struct stat& status) {
  if (switches.mount_inodes) status.st_ino ^= inode_offset;
  if (switches.call_inodes) status.st_ino = next_inode++;
  if (switches.coarse_times) {
    make_coarse(status.st_mtim);
    make_coarse(status.st_ctim);
  }
  if (switches.no_change_time) status.st_ctim = status.st_mtim;
}

void* do_init(fuse_conn_info* /*connection*/, fuse_config* config) {
  config->use_ino = 1;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  config->hard_remove = 1;
  config->nullpath_ok = 0;
  return nullptr;
}

int do_getattr(const char* path, struct stat* status, fuse_file_info* file) {
  const int outcome = file != nullptr ? fstat(static_cast<int>(file->fh), status)
                                      : fstatat(source, resolve(path).c_str(), status,
                                                AT_SYMLINK_NOFOLLOW);
  if (outcome != 0) return -errno;
  make_odd(*status);
  return 0;
}

int do_readlink(const char* path, char* target, std::size_t size) {
  const ssize_t n = readlinkat(source, resolve(path).c_str(), target, size - 1);
  if (n < 0) return -errno;
  target[n] = '\0';
  return 0;
}

int do_readdir(const char* path, void* buffer, fuse_fill_dir_t fill, off_t /*offset*/,
               fuse_file_info* /*file*/, fuse_readdir_flags /*flags*/) {
  const DirStream stream = open_stream(resolve(path));
  if (!stream) return -errno;
  while (const dirent* entry = readdir(stream.get())) {
    struct stat status{};
    status.st_ino = entry->d_ino;
    status.st_mode = static_cast<mode_t>(DTTOIF(entry->d_type));
    fill(buffer, entry->d_name, &status, 0, static_cast<fuse_fill_dir_flags>(0));
  }
  return 0;
}

int do_mkdir(const char* path, mode_t mode) {
  return result_of(mkdirat(source, resolve(path).c_str(), mode));
}

int do_unlink(const char* path) {
  return result_of(unlinkat(source, resolve(path).c_str(), 0));
}

int do_rmdir(const char* path) {
  return result_of(unlinkat(source, resolve(path).c_str(), AT_REMOVEDIR));
}

int do_symlink(const char* target, const char* path) {
  return result_of(symlinkat(target, source, resolve(path).c_str()));
}

// A new spelling of the same entry is taken over, as exFAT and ext4 do.
int do_rename(const char* from, const char* to, unsigned flags) {
  if (switches.no_rename_flags && flags != 0) return -EINVAL;
  const std::string old_path = resolve(from);
  std::string new_path = resolve(to);
  if (new_path == old_path) {
    std::string name = std::strrchr(to, '/') + 1;
    if (switches.store_decomposed) name = decomposed(name);
    new_path = new_path.substr(0, new_path.rfind('/') + 1) + name;
  }
  return result_of(renameat2(source, old_path.c_str(), source, new_path.c_str(), flags));
}

int do_link(const char* from, const char* to) {
  if (switches.no_links) return -EPERM;
  return result_of(linkat(source, resolve(from).c_str(), source, resolve(to).c_str(), 0));
}

int do_chmod(const char* path, mode_t mode, fuse_file_info* /*file*/) {
  if (switches.no_attributes) return -EPERM;
  return result_of(fchmodat(source, resolve(path).c_str(), mode, 0));
}

int do_chown(const char* path, uid_t uid, gid_t gid, fuse_file_info* /*file*/) {
  if (switches.no_attributes) return -EPERM;
  return result_of(
      fchownat(source, resolve(path).c_str(), uid, gid, AT_SYMLINK_NOFOLLOW));
}

int do_truncate(const char* path, off_t size, fuse_file_info* file) {
  if (file != nullptr) return result_of(ftruncate(static_cast<int>(file->fh), size));
  const int fd = openat(source, resolve(path).c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  const int outcome = result_of(ftruncate(fd, size));
  close(fd);
  return outcome;
}

int do_utimens(const char* path, const timespec times[2], fuse_file_info* /*file*/) {
  return result_of(utimensat(source, resolve(path).c_str(), times, AT_SYMLINK_NOFOLLOW));
}

int open_into(const char* path, int flags, mode_t mode, fuse_file_info* file) {
  const int fd = openat(source, resolve(path).c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return -errno;
  file->fh = static_cast<std::uint64_t>(fd);
  return 0;
}

int do_open(const char* path, fuse_file_info* file) {
  return open_into(path, file->flags, 0, file);
}

int do_create(const char* path, mode_t mode, fuse_file_info* file) {
  return open_into(path, file->flags | O_CREAT, mode, file);
}

int do_read(const char* /*path*/, char* out, std::size_t size, off_t offset,
            fuse_file_info* file) {
  return static_cast<int>(
      result_of(static_cast<int>(pread(static_cast<int>(file->fh), out, size, offset))));
}

int do_write(const char* /*path*/, const char* bytes, std::size_t size, off_t offset,
             fuse_file_info* file) {
  return result_of(
      static_cast<int>(pwrite(static_cast<int>(file->fh), bytes, size, offset)));
}

int do_statfs(const char* /*path*/, struct statvfs* status) {
  return result_of(fstatvfs(source, status));
}

int do_release(const char* /*path*/, fuse_file_info* file) {
  return result_of(close(static_cast<int>(file->fh)));
}

int do_fsync(const char* /*path*/, int /*data_only*/, fuse_file_info* file) {
  return result_of(fsync(static_cast<int>(file->fh)));
}

int do_fallocate(const char* /*path*/, int mode, off_t offset, off_t size,
                 fuse_file_info* file) {
  return result_of(fallocate(static_cast<int>(file->fh), mode, offset, size));
}

std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// The calls for extended attributes take no directory descriptor.
template <class Call>
int with_entry(const char* path, Call&& call) {
  if (switches.no_attributes) return -ENOTSUP;
  const int fd = openat(source, resolve(path).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  const int outcome = result_of(static_cast<int>(call(descriptor_path(fd).c_str())));
  close(fd);
  return outcome;
}

int do_setxattr(const char* path, const char* name, const char* value, std::size_t size,
                int flags) {
  return with_entry(
      path, [&](const char* entry) { return setxattr(entry, name, value, size, flags); });
}

int do_getxattr(const char* path, const char* name, char* value, std::size_t size) {
  return with_entry(
      path, [&](const char* entry) { return getxattr(entry, name, value, size); });
}

int do_listxattr(const char* path, char* names, std::size_t size) {
  return with_entry(path,
                    [&](const char* entry) { return listxattr(entry, names, size); });
}

fuse_operations operations() {
  fuse_operations result{};
  result.init = do_init;
  result.getattr = do_getattr;
  result.readlink = do_readlink;
  result.readdir = do_readdir;
  result.mkdir = do_mkdir;
  result.unlink = do_unlink;
  result.rmdir = do_rmdir;
  result.symlink = do_symlink;
  result.rename = do_rename;
  result.link = do_link;
  result.chmod = do_chmod;
  result.chown = do_chown;
  result.truncate = do_truncate;
  result.utimens = do_utimens;
  result.open = do_open;
  result.create = do_create;
  result.read = do_read;
  result.write = do_write;
  result.statfs = do_statfs;
  result.release = do_release;
  result.fsync = do_fsync;
  result.fallocate = do_fallocate;
  result.setxattr = do_setxattr;
  result.getxattr = do_getxattr;
  result.listxattr = do_listxattr;
  return result;
}

int usage() {
  std::fputs("usage: odd_file_system [switch...] SOURCE MOUNTPOINT\nswitches:", stderr);
  for (const auto& [name, set] : kSwitches) std::fprintf(stderr, " %s", name.c_str());
  std::fputs("\n", stderr);
  return 2;
}

int serve(std::vector<std::string> words) {
  if (words.size() < 2) return usage();
  std::string mountpoint = words.back();
  const std::string folder = words[words.size() - 2];
  words.resize(words.size() - 2);
  for (const std::string& word : words) {
    const auto found = kSwitches.find(word);
    if (found == kSwitches.end()) return usage();
    found->second(switches);
  }
  source = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (source < 0) return std::perror(folder.c_str()), 1;
  source = openat(source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  inode_offset = static_cast<ino_t>(std::random_device{}()) << 24U;
  next_inode = inode_offset + 1;
  umask(0);
  std::string program = "odd_file_system";
  std::string foreground = "-f";
  std::vector<char*> arguments = {program.data(), foreground.data(), mountpoint.data()};
  const fuse_operations all = operations();
  return fuse_main(static_cast<int>(arguments.size()), arguments.data(), &all, nullptr);
}

}  // namespace
}  // namespace cloudsync::odd

int main(int count, char** words) {
  return cloudsync::odd::serve({words + 1, words + count});
}
