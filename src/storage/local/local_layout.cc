// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/random.h"
#include "cloudsync/error.h"
#include "hash/digest.h"

namespace cloudsync::storage::local {
namespace {

constexpr std::size_t kMaxComponent = 255;
constexpr std::size_t kMaxKey = 4000;  // PATH_MAX less room for the system's own use
constexpr std::int64_t kStaleAfterNs = 24LL * 3600 * 1'000'000'000;

std::string why_bad_component(const std::string& component, bool is_first) {
  if (component.empty()) return "it has an empty component";
  if (component == "." || component == "..")
    return "it has a '" + component + "' component";
  if (component.size() > kMaxComponent) return "a component is longer than 255 bytes";
  if (is_first && component == kStoreFolder) return "the store keeps its own files there";
  return "";
}

std::string tmp_folder() { return std::string(kStoreFolder) + "/tmp"; }

// The nearest directory that exists already.
std::filesystem::path existing_ancestor(std::filesystem::path path) {
  std::error_code ignored;
  while (!std::filesystem::exists(path, ignored) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

}  // namespace

bool is_marker(const ObjectKey& key) { return key.value.ends_with('/'); }

std::string why_unstorable(const std::string& key) {
  if (key.empty()) return "it is empty";
  if (key.find('\0') != std::string::npos) return "it holds a NUL byte";
  if (key.size() > kMaxKey) return "it is longer than 4000 bytes";
  const std::string path = key.ends_with('/') ? key.substr(0, key.size() - 1) : key;
  std::size_t begin = 0;
  while (true) {
    const std::size_t slash = path.find('/', begin);
    const std::string why =
        why_bad_component(path.substr(begin, slash - begin), begin == 0);
    if (!why.empty()) return why;
    if (slash == std::string::npos) return "";
    begin = slash + 1;
  }
}

void require_storable(const ObjectKey& key, const std::string& where) {
  const std::string why = why_unstorable(key.value);
  if (why.empty()) return;
  throw Error(ErrorCode::kUnsupported, "cannot store '" + base::printable(key.value) +
                                           "' in " + where +
                                           ": the key cannot be a file name, " + why);
}

std::string key_digest(const std::string& key) {
  return base::to_hex(hash::Sha256::of(std::as_bytes(std::span(key))));
}

std::string record_path(const std::string& key) {
  const std::string digest = key_digest(key);
  return std::string(kStoreFolder) + "/records/" + digest.substr(0, 2) + "/" + digest +
         ".json";
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

BucketFolder::BucketFolder(std::string path, std::string bucket)
    : storage_path_(std::filesystem::absolute(path).lexically_normal().string()) {
  while (storage_path_.size() > 1 && storage_path_.ends_with('/'))
    storage_path_.pop_back();
  bucket_path_ = storage_path_ + (storage_path_ == "/" ? "" : "/") + bucket;
}

UniqueFd BucketFolder::open() const {
  UniqueFd fd(::open(bucket_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno != ENOENT) throw_errno("open the bucket", bucket_path_, errno);
  return fd;
}

UniqueFd BucketFolder::create() {
  UniqueFd fd = open();
  if (!fd) {
    std::error_code error;
    std::filesystem::create_directories(bucket_path_, error);
    if (error) throw_errno("make the bucket", bucket_path_, error.value());
    fd = open();
    if (!fd) throw_errno("open the bucket", bucket_path_, ENOENT);
    // So that a power cut cannot take the bucket with everything in it.
    const UniqueFd above(
        ::open(storage_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (above) sync_file(above.get(), storage_path_);
  }
  std::call_once(cleaned_, [&] { remove_stale_temporaries(fd.get()); });
  const std::string last = std::string(kStoreFolder) + "/uploads";
  if (faccessat(fd.get(), last.c_str(), F_OK, 0) == 0) return fd;
  for (const char* folder : {"/tmp", "/locks", "/records", "/uploads"}) {
    const std::string path = kStoreFolder + std::string(folder);
    if (const int error = make_directories(fd.get(), path)) {
      throw_errno("make", path_of(path), error);
    }
  }
  return fd;
}

void BucketFolder::remove_stale_temporaries(int bucket) const {
  UniqueFd fd = open_beneath(bucket, tmp_folder(), O_RDONLY | O_DIRECTORY);
  const int copy = fd ? fcntl(fd.get(), F_DUPFD_CLOEXEC, 0) : -1;
  DIR* stream = copy < 0 ? nullptr : fdopendir(copy);
  if (!stream) return;
  const std::int64_t now = base::system_clock().now_ns();
  while (const dirent* entry = readdir(stream)) {
    const auto stat = stat_at(fd.get(), entry->d_name, path_of(tmp_folder()));
    const bool is_file = stat && stat->kind == base::FileKind::kRegular;
    if (is_file && stat->ctime_ns + kStaleAfterNs < now)
      unlinkat(fd.get(), entry->d_name, 0);
  }
  closedir(stream);
}

bool BucketFolder::is_usable() const {
  const std::filesystem::path nearest = existing_ancestor(bucket_path_);
  if (!std::filesystem::is_directory(nearest)) {
    throw Error(ErrorCode::kInvalidArgument,
                "the local bucket '" + bucket_path_ + "' cannot be used: '" +
                    nearest.string() +
                    "' is not a directory; check storage.path and storage.bucket");
  }
  if (nearest == bucket_path_) {
    if (access(bucket_path_.c_str(), R_OK | X_OK) == 0) return true;
    throw_errno("read the local bucket", bucket_path_, errno);
  }
  if (access(nearest.c_str(), W_OK | X_OK) == 0) return true;
  throw_errno("make the local bucket '" + bucket_path_ + "' in", nearest.string(), errno);
}

UniqueFd BucketFolder::open_parent(int bucket, const std::string& key) const {
  const std::string parent = parent_of(key);
  UniqueFd fd =
      open_beneath(bucket, parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
  // A file or a link in the way: no key of ours can be below it.
  const bool absent =
      errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG;
  if (!fd && !absent) throw_errno("open", path_of(parent), errno);
  return fd;
}

UniqueFd BucketFolder::create_parent(int bucket, const std::string& key) const {
  const std::string parent = parent_of(key);
  UniqueFd fd = open_parent(bucket, key);
  // A delete beside us may take the emptied directory away between the two steps.
  for (int attempt = 0; !fd && attempt < 100; ++attempt) {
    const int error = make_directories(bucket, parent);
    if (error == ENOTDIR) throw_nested(key);
    if (error == ELOOP) {
      throw Error(ErrorCode::kUnsupported,
                  "cannot store '" + base::printable(key) +
                      "': a symbolic link is in the way below '" + bucket_path_ + "'");
    }
    if (error != 0 && error != ENOENT) throw_errno("make", path_of(parent), error);
    fd = open_parent(bucket, key);
  }
  if (!fd) throw_errno("make", path_of(parent), ENOENT);
  return fd;
}

void BucketFolder::throw_nested(const std::string& key) const {
  throw Error(ErrorCode::kUnsupported, "cannot store '" + base::printable(key) +
                                           "' in the local bucket '" + bucket_path_ +
                                           "': a file and a directory would need the "
                                           "same name; remove or rename one of them");
}

NameLock::NameLock(int bucket, const std::string& name) {
  const std::string path =
      std::string(kStoreFolder) + "/locks/" + key_digest(name).substr(0, 2);
  fd_ = UniqueFd(
      openat(bucket, path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!fd_) throw_errno("open the lock", path, errno);
  while (flock(fd_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) throw_errno("lock", path, errno);
  }
}

std::string temporary_path() {
  return tmp_folder() + "/" + base::random_hex_id(base::system_random());
}

TemporaryFile::TemporaryFile(int bucket) : bucket_(bucket), path_(temporary_path()) {
  fd_ = UniqueFd(
      openat(bucket, path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd_) throw_errno("create", path_, errno);
}

TemporaryFile::~TemporaryFile() {
  if (present_) unlinkat(bucket_, path_.c_str(), 0);
}

}  // namespace cloudsync::storage::local
