// SPDX-License-Identifier: Apache-2.0
#include "sync/run/absent_root.h"

#include "cloudsync/error.h"

namespace cloudsync::sync {

namespace {

using base::RenameOutcome;

class EmptyDirectory final : public base::Directory {
 public:
  std::vector<base::DirEntry> entries() override { return {}; }
  std::optional<base::FileStat> stat(const std::string&) override { return std::nullopt; }
  std::optional<base::FileStat> stat_following(const std::string&) override {
    return std::nullopt;
  }
};

class AbsentRoot final : public base::FileSystem {
 public:
  explicit AbsentRoot(std::string path) : path_(std::move(path)) {}

  const std::string& root_path() const override { return path_; }
  base::FileStat root_stat() override { return {}; }
  bool root_is_current() override { return true; }
  std::unique_ptr<base::Directory> open_directory(const std::string&) override {
    return std::make_unique<EmptyDirectory>();
  }
  std::optional<base::FileStat> stat(const std::string&) override { return std::nullopt; }
  std::unique_ptr<base::ReadableFile> open_read(const std::string&, bool) override {
    refuse();
  }
  std::unique_ptr<base::WritableFile> create(const std::string&, std::uint32_t) override {
    refuse();
  }
  std::unique_ptr<base::WritableFile> open_write(const std::string&) override {
    refuse();
  }
  std::string read_link(const std::string&) override { refuse(); }
  void make_symlink(const std::string&, const std::string&) override { refuse(); }
  void make_directories(const std::string&, std::uint32_t) override { refuse(); }
  RenameOutcome rename_new(const std::string&, const std::string&) override { refuse(); }
  RenameOutcome exchange(const std::string&, const std::string&) override { refuse(); }
  void rename_over(const std::string&, const std::string&) override { refuse(); }
  RenameOutcome link(const std::string&, const std::string&) override { refuse(); }
  bool remove_file(const std::string&) override { return false; }
  bool remove_directory(const std::string&) override { return false; }
  void copy_attributes(const std::string&, const std::string&) override { refuse(); }
  void set_mode(const std::string&, std::uint32_t) override { refuse(); }
  void sync_directory(const std::string&) override {}
  void sync_all() override {}
  std::uint64_t free_bytes() override { return 0; }

 private:
  [[noreturn]] void refuse() const {
    throw Error(ErrorCode::kInternal, "a dry run tried to write below '" + path_ + "'");
  }
  std::string path_;
};

}  // namespace

std::unique_ptr<base::FileSystem> make_absent_root(const std::string& path) {
  return std::make_unique<AbsentRoot>(path);
}

}  // namespace cloudsync::sync
