// SPDX-License-Identifier: Apache-2.0
#include "state/database_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

namespace cloudsync::state {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what, const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  throw Error(full ? ErrorCode::kDiskFull : ErrorCode::kLocalIo,
              fmt::format("{} \"{}\": {}", what, path, std::strerror(error)));
}

std::string parent_of(const std::string& path) {
  return fs::path(path).parent_path().string();
}

// One line of /proc/locks: "1: POSIX  ADVISORY  READ 4711 fe:00:131 128 128".
bool is_wal_lock(const std::string& line, std::uint64_t inode) {
  std::istringstream words(line);
  std::string number, kind, advisory, mode, pid, file, first, last;
  words >> number >> kind >> advisory >> mode >> pid >> file >> first >> last;
  if (kind != "POSIX" || first != "128" || last != "128") return false;
  const std::size_t colon = file.rfind(':');
  return colon != std::string::npos && file.substr(colon + 1) == std::to_string(inode);
}

void rename_if_there(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
    fail("cannot rename", from, errno);
}

void copy_private(const std::string& from, const std::string& to) {
  create_private_file(to);
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) fail("cannot copy", from, error.value());
}

}  // namespace

std::string resolve_database_path(const std::string& path) {
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) fail("cannot resolve the state database's path", path, error.value());
  return resolved.string();
}

bool file_exists(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) fail("cannot look at", path, errno);
  return false;
}

bool is_missing_or_empty(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return status.st_size == 0;
  if (errno != ENOENT && errno != ENOTDIR) fail("cannot look at", path, errno);
  return true;
}

// https://sqlite.org/fileformat.html#write_library_version_number_and_version_valid_for
bool was_written_by_another_library(const std::string& path) {
  constexpr off_t kWriterVersion = 96;
  std::array<unsigned char, 4> bytes{};
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t got = ::pread(file, bytes.data(), bytes.size(), kWriterVersion);
  ::close(file);
  if (got != static_cast<ssize_t>(bytes.size())) return false;
  std::uint32_t version = 0;
  for (const unsigned char byte : bytes) version = version << 8 | byte;
  return version != static_cast<std::uint32_t>(sqlite3_libversion_number());
}

void create_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
    sync_parent_directory(path);
  } else if (errno != EEXIST) {
    fail("cannot create", path, errno);
  }
}

void sync_parent_directory(const std::string& path) {
  const std::string parent = parent_of(path);
  const int directory = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) fail("cannot open directory", parent, errno);
  const int result = ::fsync(directory);
  const int error = errno;
  ::close(directory);
  // EINVAL: the file system has no such notion.
  if (result != 0 && error != EINVAL) fail("cannot write directory", parent, error);
}

std::string unused_name(const std::string& name) {
  std::string candidate = name;
  for (int number = 2; file_exists(candidate); ++number) {
    candidate = name + "-" + std::to_string(number);
  }
  return candidate;
}

bool is_network_file_system_type(unsigned long type) {
  constexpr unsigned long kNfs = 0x6969;
  constexpr unsigned long kSmb = 0x517B;
  constexpr unsigned long kSmb2 = 0xFE534D42;
  constexpr unsigned long kCifs = 0xFF534D42;
  const unsigned long low = type & 0xFFFFFFFFUL;
  return low == kNfs || low == kSmb || low == kSmb2 || low == kCifs;
}

void refuse_network_file_system(const std::string& path) {
  const std::string parent = parent_of(path);
  struct statfs status{};
  if (::statfs(parent.c_str(), &status) != 0)
    fail("cannot look at directory", parent, errno);
  if (!is_network_file_system_type(static_cast<unsigned long>(status.f_type))) return;
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format(
          "state database \"{}\" would lie on a network file system, where SQLite "
          "cannot protect it; set sync_state_db to a local disk",
          path));
}

bool is_open_somewhere(const std::string& path) {
  // Only stat: opening and closing -shm here would drop the locks that SQLite holds on it
  // for another connection of this process.
  struct stat status{};
  if (::stat((path + "-shm").c_str(), &status) != 0) return false;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (is_wal_lock(line, status.st_ino)) return true;
  }
  return false;
}

std::string set_aside(const std::string& path) {
  const std::string name = unused_name(
      path + ".corrupt-" + base::format_compact(base::system_clock().now_ns()));
  rename_if_there(path, name);
  rename_if_there(path + "-wal", name + "-wal");
  rename_if_there(path + "-shm", name + "-shm");
  sync_parent_directory(path);
  return name;
}

PrivateCopy::PrivateCopy() {
  const char* temporary = std::getenv("TMPDIR");
  directory_ =
      std::string(temporary != nullptr ? temporary : "/tmp") + "/cloudsync-state-XXXXXX";
  if (::mkdtemp(directory_.data()) == nullptr) fail("cannot create", directory_, errno);
  path_ = directory_ + "/state.db";
}

// Should it throw, the destructor runs: the object is complete by then.
PrivateCopy::PrivateCopy(const std::string& path) : PrivateCopy() {
  copy_private(path, path_);
  copy_private(path + "-wal", path_ + "-wal");
}

PrivateCopy::~PrivateCopy() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

}  // namespace cloudsync::state
