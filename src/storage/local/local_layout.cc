// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_layout.h"

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
#include "base/time_range.h"
#include "cloudsync/error.h"
#include "hash/digest.h"
#include "storage/local/local_aside.h"
#include "storage/local/local_obstacles.h"
#include "storage/local/local_spelling.h"

namespace cloudsync::storage::local {
namespace {

constexpr std::size_t kMaxComponent = 255;
constexpr std::size_t kMaxKey = 4000;  // PATH_MAX less room for the system's own use
constexpr const char* kBodyPrefix = "body-";
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

std::string identity_path() { return std::string(kStoreFolder) + "/id"; }

// "" when there is none that could be ours.
std::string read_identity(int bucket) {
  std::string text = read_small_file(bucket, identity_path()).value_or("");
  if (text.ends_with('\n')) text.pop_back();
  const bool ours = text.size() == 32 &&
                    text.find_first_not_of("0123456789abcdef") == std::string::npos;
  return ours ? text : "";
}

// The first of several writers gives the name; it is the bucket's for good.
std::string set_identity(int bucket) {
  const std::string text = base::random_hex_id(base::system_random()) + "\n";
  TemporaryFile file(bucket);
  write_all(file.fd(), std::as_bytes(std::span(text)), file.path());
  sync_file(file.fd(), file.path());
  int error = move_to_free_name(bucket, file.path(), bucket, identity_path());
  if (error == EOPNOTSUPP && read_identity(bucket).empty())
    error = rename_at(bucket, file.path(), bucket, identity_path(), RenameFlag::kReplace);
  if (error == 0) file.moved();
  if (error != 0 && error != EEXIST && error != EOPNOTSUPP)
    throw_errno("write", identity_path(), error);
  const UniqueFd folder = open_beneath(bucket, kStoreFolder, O_RDONLY | O_DIRECTORY);
  if (folder) sync_file(folder.get(), kStoreFolder);
  return read_identity(bucket);
}

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
  const bool was_seen = seen();
  UniqueFd fd(::open(bucket_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno != ENOENT) throw_errno("open the bucket", bucket_path_, errno);
  if (fd || was_seen) require_same(fd.get());
  return fd;
}

bool BucketFolder::seen() const {
  const std::lock_guard lock(mutex_);
  return known_.seen;
}

void BucketFolder::know_id(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  known_.id = id;
}

// A device number alone is no proof: an automounter gives a new one.
void BucketFolder::require_same(int bucket) const {
  const std::lock_guard lock(mutex_);
  if (bucket >= 0) {
    const base::FileStat stat = stat_of(bucket, bucket_path_);
    const bool same = known_.dev == stat.dev && known_.ino == stat.ino;
    if (known_.seen && same) return;
    std::string id = read_identity(bucket);
    if (!known_.seen || (!id.empty() && id == known_.id)) {
      known_ = {true, stat.dev, stat.ino, std::move(id)};
      return;
    }
  }
  throw Error(ErrorCode::kNotFound,
              "the bucket's folder '" + bucket_path_ +
                  "' has gone or was exchanged while it was in use (unmounted?); nothing "
                  "is written in its place: mount it and run again");
}

UniqueFd BucketFolder::make_bucket() const {
  std::error_code error;
  std::filesystem::create_directories(bucket_path_, error);
  if (error) throw_errno("make the bucket", bucket_path_, error.value());
  UniqueFd fd = open();
  if (!fd) throw_errno("open the bucket", bucket_path_, ENOENT);
  // So that a power cut cannot take the bucket with everything in it.
  const UniqueFd above(::open(storage_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (above) sync_file(above.get(), storage_path_);
  return fd;
}

UniqueFd BucketFolder::create() {
  UniqueFd fd = open();
  if (!fd) fd = make_bucket();
  const bool is_new = !stat_beneath(fd.get(), kStoreFolder);
  const std::string last = std::string(kStoreFolder) + "/aside";
  if (is_new || !open_beneath(fd.get(), last, O_PATH | O_DIRECTORY)) {
    for (const char* folder : {"/tmp", "/locks", "/records", "/uploads", "/aside"}) {
      const std::string path = kStoreFolder + std::string(folder);
      if (const int error = make_directories(fd.get(), path)) {
        throw_errno("make", path_of(path), error);
      }
    }
  }
  if (is_new) know_id(set_identity(fd.get()));
  std::call_once(cleaned_, [&] {
    remove_stale_temporaries(fd.get());
    recover_aside(*this, fd.get());
    const bool folds = probe_spelling(fd.get());
    const std::lock_guard lock(mutex_);
    folds_ = folds;
  });
  return fd;
}

BucketIdentity BucketFolder::identity() const {
  const UniqueFd fd = open();
  if (!fd) return {};
  return {true, read_identity(fd.get())};
}

std::string BucketFolder::give_identity() {
  const UniqueFd fd = create();
  std::string id = read_identity(fd.get());
  if (id.empty()) id = set_identity(fd.get());
  know_id(id);
  return id;
}

// A body is locked by its writer for as long as that lives. Other names are those of the
// format before: bodies, and objects that were moved aside, which their change time
// betrays, when a run was killed.
void BucketFolder::remove_stale_temporaries(int bucket) const {
  const UniqueFd fd = open_beneath(bucket, tmp_folder(), O_RDONLY | O_DIRECTORY);
  if (!fd) return;
  const std::int64_t now = base::system_clock().now_ns();
  for (const std::string& name : names_in(bucket, tmp_folder())) {
    const UniqueFd file = open_regular(fd.get(), name);
    if (!file) continue;
    const base::FileStat stat = stat_of(file.get(), name);
    const bool was_object = stat.ctime_ns != stat.mtime_ns;
    if (name.starts_with(kBodyPrefix)) {
      if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) unlinkat(fd.get(), name.c_str(), 0);
    } else if (base::time_sum(stat.ctime_ns, kStaleAfterNs) < now) {
      if (!was_object)
        unlinkat(fd.get(), name.c_str(), 0);
      else
        keep_aside(*this, bucket, tmp_folder() + "/" + name, name);
    }
  }
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

void BucketFolder::require_spelling(int bucket, const std::string& key) const {
  {
    const std::lock_guard lock(mutex_);
    if (!folds_) folds_ = guess_spelling(bucket);
    if (!*folds_) return;
  }
  const std::string other =
      other_spelling(bucket, is_marker({key}) ? key.substr(0, key.size() - 1) : key);
  if (other.empty()) return;
  throw Error(ErrorCode::kAlreadyExists,
              other + " in the local bucket '" + bucket_path_ +
                  "', whose file system holds both as one; rename one of the two");
}

UniqueFd BucketFolder::open_parent(int bucket, const std::string& key) const {
  const std::string parent = parent_of(key);
  UniqueFd fd =
      open_beneath(bucket, parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
  if (fd || errno == ENOENT || errno == ENAMETOOLONG) return fd;
  const int error = errno;
  if (error != ENOTDIR && error != ELOOP) throw_errno("open", path_of(parent), error);
  refuse_obstacle(*this, bucket, parent);
  return fd;  // an object stands in the way: nothing can be below it
}

UniqueFd BucketFolder::create_parent(int bucket, const std::string& key) const {
  const std::string parent = parent_of(key);
  UniqueFd fd = open_parent(bucket, key);
  // A delete beside us may take the emptied directory away between the two steps.
  for (int attempt = 0; !fd && attempt < 100; ++attempt) {
    const int error = make_directories(bucket, parent);
    if (error == ENOTDIR) throw_nested(key);
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
  fd_ = open_beneath(bucket, path, O_RDWR | O_CREAT | O_NONBLOCK, 0666);
  if (!fd_) throw_errno("open the lock", path, errno);
  while (flock(fd_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) throw_errno("lock", path, errno);
  }
}

TemporaryFile::TemporaryFile(int bucket) : bucket_(bucket) {
  do {
    path_ = tmp_folder() + "/" + kBodyPrefix + base::random_hex_id(base::system_random());
    fd_ = open_beneath(bucket, path_, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (!fd_) throw_errno("create", path_, errno);
    flock(fd_.get(), LOCK_SH | LOCK_NB);
    // Who cleans up may have come between the two.
  } while (!is_linked(fd_.get()));
}

void TemporaryFile::seal() {
  UniqueFd reader = open_beneath(bucket_, path_, O_RDONLY);
  if (!reader) throw_errno("open", path_, errno);
  flock(reader.get(), LOCK_SH | LOCK_NB);
  fd_ = std::move(reader);
}

void TemporaryFile::move_to(const std::string& path) {
  const int error = rename_at(bucket_, path_, bucket_, path, RenameFlag::kReplace);
  if (error != 0) throw_errno("move", path_, error);
  path_ = path;
}

TemporaryFile::~TemporaryFile() {
  if (present_) unlink_beneath(bucket_, path_);
}

}  // namespace cloudsync::storage::local
