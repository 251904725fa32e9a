// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/file_system.h"

namespace cloudsync::sync {

// A file system in which another program acts at a chosen instant: hooks run before an
// operation takes effect ("stat", "exchange", "rename_new", "rename_away",
// "copy_file", "link", "rename_over", "remove_file") and after a read.
class InterceptedFiles final : public base::FileSystem {
 public:
  using Hook = std::function<void(const std::string& operation, const std::string& path)>;

  explicit InterceptedFiles(base::FileSystem& inner) : inner_(inner) {}

  Hook before;  // `path` is the second one of two
  std::function<void(std::uint64_t offset)> after_read;
  bool can_exchange = true;
  bool can_link = true;

  const std::string& root_path() const override { return inner_.root_path(); }
  base::FileStat root_stat() override { return inner_.root_stat(); }
  bool root_is_current() override { return inner_.root_is_current(); }
  std::unique_ptr<base::Directory> open_directory(const std::string& path) override {
    call("open_directory", path);
    return inner_.open_directory(path);
  }
  std::optional<base::FileStat> stat(const std::string& path) override {
    call("stat", path);
    return inner_.stat(path);
  }
  std::unique_ptr<base::ReadableFile> open_read(const std::string& path,
                                                bool follow) override {
    return std::make_unique<Readable>(*this, inner_.open_read(path, follow));
  }
  std::unique_ptr<base::WritableFile> create(const std::string& path,
                                             std::uint32_t mode) override {
    call("create", path);
    return inner_.create(path, mode);
  }
  std::unique_ptr<base::WritableFile> open_write(const std::string& path) override {
    return inner_.open_write(path);
  }
  std::string read_link(const std::string& path) override {
    return inner_.read_link(path);
  }
  void make_symlink(const std::string& target, const std::string& path) override {
    inner_.make_symlink(target, path);
  }
  void make_directories(const std::string& path, std::uint32_t mode) override {
    inner_.make_directories(path, mode);
  }
  base::RenameOutcome rename_new(const std::string& from,
                                 const std::string& to) override {
    call("rename_new", to);
    return inner_.rename_new(from, to);
  }
  base::RenameOutcome rename_away(const std::string& from,
                                  const std::string& to) override {
    call("rename_away", to);
    return inner_.rename_away(from, to);
  }
  void copy_file(const std::string& from, const std::string& to) override {
    call("copy_file", to);
    inner_.copy_file(from, to);
  }
  std::shared_ptr<const void> pin(const std::string& path) override {
    return inner_.pin(path);
  }
  std::string mount_top(const std::string& path) override {
    return inner_.mount_top(path);
  }
  std::uint64_t total_bytes(const std::string& path) override {
    return inner_.total_bytes(path);
  }
  base::RenameOutcome exchange(const std::string& a, const std::string& b) override {
    call("exchange", b);
    return can_exchange ? inner_.exchange(a, b) : base::RenameOutcome::kUnsupported;
  }
  void rename_over(const std::string& from, const std::string& to) override {
    call("rename_over", to);
    inner_.rename_over(from, to);
  }
  base::RenameOutcome link(const std::string& from, const std::string& to) override {
    call("link", to);
    return can_link ? inner_.link(from, to) : base::RenameOutcome::kUnsupported;
  }
  bool remove_file(const std::string& path) override {
    call("remove_file", path);
    return inner_.remove_file(path);
  }
  bool remove_directory(const std::string& path) override {
    return inner_.remove_directory(path);
  }
  void copy_attributes(const std::string& from, const std::string& to) override {
    inner_.copy_attributes(from, to);
  }
  void set_mode(const std::string& path, std::uint32_t mode) override {
    inner_.set_mode(path, mode);
  }
  void sync_directory(const std::string& path) override { inner_.sync_directory(path); }
  void sync_all() override { inner_.sync_all(); }
  std::uint64_t free_bytes() override { return inner_.free_bytes(); }

 private:
  class Readable final : public base::ReadableFile {
   public:
    Readable(InterceptedFiles& owner, std::unique_ptr<base::ReadableFile> inner)
        : owner_(owner), inner_(std::move(inner)) {}
    base::FileStat stat() const override { return inner_->stat(); }
    std::size_t read_at(std::uint64_t offset, MutableBytes out) const override {
      const std::size_t n = inner_->read_at(offset, out);
      if (owner_.after_read) owner_.after_read(offset);
      return n;
    }

   private:
    InterceptedFiles& owner_;
    std::unique_ptr<base::ReadableFile> inner_;
  };

  void call(const std::string& operation, const std::string& path) {
    if (before) before(operation, path);
  }

  base::FileSystem& inner_;
};

}  // namespace cloudsync::sync
