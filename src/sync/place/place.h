// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "cloudsync/types.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {

struct PlaceRequest {
  std::string key;
  std::string temp_path;  // verified content, same file system
  std::optional<base::FileStat>
      expected;                // what decide saw under the name; nothing = absent
  bool keep_replaced = false;  // the dagger: the replaced file stays in the trash
};

enum class PlaceStatus {
  kPlaced,
  kTargetChanged,  // the name holds something else now: nothing was changed
  kTypeConflict,   // a directory has the name, or a file has the name of a parent
};

struct PlaceResult {
  PlaceStatus status = PlaceStatus::kPlaced;
  base::FileStat placed;  // of the file under its final name
  std::string trash_ref;  // where the replaced content is kept, "" = dropped
  // Content that a user wrote in the instant of the exchange, saved under this new name.
  std::optional<std::string> rescued_key;
  std::vector<std::string> created_directories;  // "a/", "a/b/": made for this file
};

struct RemoveResult {
  PlaceStatus status = PlaceStatus::kPlaced;  // kPlaced = removed
  std::string trash_ref;
  // The file was not the expected one and its name was taken again before it could be put
  // back.
  std::optional<std::string> rescued_key;
};

// Puts content under its final name and takes it away again, atomically and without a
// race against other programs: at every instant the name holds the whole old or the whole
// new content, and what was replaced is recoverable. Never unlinks a user's file.
// Thread-safe for different keys. With `trash` off the removed or replaced content is
// dropped after the atomic step proved that it was the one expected.
class Placer {
 public:
  Placer(base::FileSystem& files, std::string run_name, bool trash,
         const base::Clock& clock);

  // Creates .cloudsync/{tmp,trash} and its .gitignore. Idempotent.
  void prepare();
  // Does not sync; the caller syncs temp files before and directories after.
  PlaceResult place(const PlaceRequest& request);
  // Moves the file to the trash if it still is `expected`; else puts it back.
  RemoveResult remove(const std::string& key, const base::FileStat& expected);
  // A second name for the file's content (link, else a copy), for conflict copies.
  // kTargetChanged when it is no longer `expected`; kTypeConflict when `copy_key` is
  // taken by another content. A link moves the file's ctime; a following place() of the
  // key still takes the same `expected`.
  PlaceStatus copy_aside(const std::string& key, const base::FileStat& expected,
                         const std::string& copy_key);
  // Removes trash runs whose age exceeds the retention and temporary files older than 24
  // h that no transfer row names. Returns the number of files removed.
  std::uint64_t purge(std::int64_t retention_seconds,
                      const std::set<std::string>& live_temp_names);

 private:
  struct Linked {
    base::FileStat before;
    base::FileStat after;
  };
  base::FileStat expected_now(const std::string& key, const base::FileStat& expected);
  void remember_link(const std::string& key, const base::FileStat& before,
                     const base::FileStat& after);
  PlaceStatus check(const std::string& key, const base::FileStat& expected);
  void give_attributes(const PlaceRequest& request, const base::FileStat& incoming);
  PlaceResult place_new(const PlaceRequest& request, const base::FileStat& incoming);
  PlaceResult replace(const PlaceRequest& request, const base::FileStat& incoming);
  PlaceStatus swap_in(const PlaceRequest& request, const std::string& parked,
                      std::string& old_path);
  PlaceStatus swap_by_link(const PlaceRequest& request, const std::string& parked,
                           std::string& old_path);
  void settle_replaced(const PlaceRequest& request, const std::string& old_path,
                       PlaceResult& result);
  base::FileStat placed_stat(const std::string& key, const base::FileStat& incoming);
  RemoveResult put_back(const std::string& key, const std::string& moved);
  std::string rescue(const std::string& path, const std::string& key);
  PlaceStatus verify_link(const std::string& key, const base::FileStat& expected,
                          const std::string& copy_key);
  PlaceStatus judge_taken(const std::string& key, const base::FileStat& expected,
                          const std::string& copy_key);
  PlaceStatus copy_bytes(const std::string& key, const base::FileStat& expected,
                         const std::string& copy_key);
  std::uint64_t purge_trash(std::int64_t retention_seconds);
  std::uint64_t purge_temp(const std::set<std::string>& live_temp_names);
  std::uint64_t remove_tree(const std::string& path);

  base::FileSystem& files_;
  std::string run_name_;
  bool trash_;
  const base::Clock& clock_;
  std::uint32_t new_file_mode_;
  std::atomic<std::uint64_t> copies_{0};
  std::mutex mutex_;
  std::map<std::string, Linked> linked_;  // guarded by mutex_
};

}  // namespace cloudsync::sync
