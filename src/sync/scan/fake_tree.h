// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "cloudsync/error.h"

namespace cloudsync::sync {

// For tests: a tree in memory of which a walk can be had, with faults that a real
// directory gives only by chance. Everything that writes or reads content is
// kUnsupported.
class FakeTree : public base::FileSystem {
 public:
  struct Node {
    base::FileStat stat;
    std::string link_target;
    std::optional<base::FileStat> followed;  // what stat_following finds
    bool refuses_stat = false;
    bool refuses_open = false;                  // directories
    bool vanished = false;                      // listed, then gone
    std::optional<base::FileKind> replaced_by;  // listed as one kind, found as another
  };

  FakeTree() { add("", base::FileKind::kDirectory); }

  Node& add(const std::string& path, base::FileKind kind = base::FileKind::kRegular) {
    add_parents(path);
    Node& node = nodes_[path];
    node.stat.kind = kind;
    node.stat.ino = nodes_.size();
    node.stat.dev = 1;
    node.stat.size = path.size();
    return node;
  }
  Node& add_directory(const std::string& path) {
    return add(path, base::FileKind::kDirectory);
  }
  Node& add_link(const std::string& path, const std::string& target) {
    Node& node = add(path, base::FileKind::kSymlink);
    node.link_target = target;
    return node;
  }
  Node& node(const std::string& path) { return nodes_.at(path); }

  std::vector<std::string> opened;  // directories, in order
  std::vector<std::string> stated;  // single names
  std::function<void()> on_open = [] {};

  const std::string& root_path() const override { return root_; }
  base::FileStat root_stat() override { return nodes_.at("").stat; }
  bool root_is_current() override { return true; }

  std::unique_ptr<base::Directory> open_directory(const std::string& path) override {
    on_open();
    opened.push_back(path);
    const auto found = nodes_.find(path);
    if (found == nodes_.end() || found->second.vanished) fail("no such directory", path);
    if (found->second.refuses_open) fail("permission denied", path);
    return std::make_unique<OpenDirectory>(*this, path);
  }
  std::optional<base::FileStat> stat(const std::string& path) override {
    stated.push_back(path);
    const auto found = nodes_.find(path);
    if (found == nodes_.end() || found->second.vanished) return std::nullopt;
    if (found->second.refuses_stat) fail("permission denied", path);
    base::FileStat stat = found->second.stat;
    stat.kind = found->second.replaced_by.value_or(stat.kind);
    return stat;
  }
  std::string read_link(const std::string& path) override {
    return nodes_.at(path).link_target;
  }

  std::unique_ptr<base::ReadableFile> open_read(const std::string&, bool) override {
    refuse();
  }
  std::unique_ptr<base::WritableFile> create(const std::string&, std::uint32_t) override {
    refuse();
  }
  std::unique_ptr<base::WritableFile> open_write(const std::string&) override {
    refuse();
  }
  void make_symlink(const std::string&, const std::string&) override { refuse(); }
  void make_directories(const std::string&, std::uint32_t) override { refuse(); }
  base::RenameOutcome rename_new(const std::string&, const std::string&) override {
    refuse();
  }
  base::RenameOutcome exchange(const std::string&, const std::string&) override {
    refuse();
  }
  void rename_over(const std::string&, const std::string&) override { refuse(); }
  base::RenameOutcome link(const std::string&, const std::string&) override { refuse(); }
  bool remove_file(const std::string&) override { refuse(); }
  bool remove_directory(const std::string&) override { refuse(); }
  void copy_attributes(const std::string&, const std::string&) override { refuse(); }
  void set_mode(const std::string&, std::uint32_t) override { refuse(); }
  void sync_directory(const std::string&) override { refuse(); }
  void sync_all() override { refuse(); }
  std::uint64_t free_bytes() override { refuse(); }

 private:
  class OpenDirectory : public base::Directory {
   public:
    OpenDirectory(FakeTree& tree, const std::string& path)
        : tree_(tree), prefix_(path.empty() ? "" : path + "/") {}
    // In reverse, so that nobody relies on an order.
    std::vector<base::DirEntry> entries() override {
      std::vector<base::DirEntry> result;
      for (auto at = tree_.nodes_.rbegin(); at != tree_.nodes_.rend(); ++at) {
        const auto& [path, node] = *at;
        if (path.empty() || !path.starts_with(prefix_)) continue;
        std::string name = path.substr(prefix_.size());
        if (name.find('/') != std::string::npos) continue;
        result.push_back({std::move(name), node.stat.kind});
      }
      return result;
    }
    std::optional<base::FileStat> stat(const std::string& name) override {
      return tree_.stat(prefix_ + name);
    }
    std::optional<base::FileStat> stat_following(const std::string& name) override {
      return tree_.nodes_.at(prefix_ + name).followed;
    }

   private:
    FakeTree& tree_;
    std::string prefix_;
  };

  void add_parents(const std::string& path) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string parent = path.substr(0, slash);
      if (!nodes_.contains(parent)) add(parent, base::FileKind::kDirectory);
    }
  }
  [[noreturn]] static void fail(const std::string& what, const std::string& path) {
    throw Error(ErrorCode::kLocalIo, "'" + path + "': " + what);
  }
  [[noreturn]] static void refuse() {
    throw Error(ErrorCode::kUnsupported, "not in a fake tree");
  }

  std::string root_ = "/fake";
  std::map<std::string, Node> nodes_;
};

}  // namespace cloudsync::sync
