// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/call_context.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "cloudsync/cloud_sync.h"
#include "cloudsync/types.h"
#include "sync/place/file_clock.h"
#include "sync/place/held_files.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {

struct PlaceRequest {
  std::string key;
  std::string temp_path;  // verified content
  std::optional<base::FileStat>
      expected;  // what decide saw under the name; nothing = absent
  // The dagger: the replaced version is a loser, which no limit of the trash evicts.
  bool keep_replaced = false;
  std::string copy_key = {};  // the replaced file gets this name; "" = the trash
  // Content of `expected` where it is known.
  std::optional<Md5Digest> expected_md5 = {};
};

enum class PlaceStatus {
  kPlaced,
  kTargetChanged,  // the name holds something else now: nothing was changed
  kTypeConflict,   // a directory has the name, or a file has the name of a parent
};

struct PlaceResult {
  PlaceStatus status = PlaceStatus::kPlaced;
  base::FileStat placed;  // of the file under its final name
  std::string trash_ref;  // where the replaced content is kept, "" = not in the trash
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

// What a purge of the trash and the temporary folder goes by.
struct PurgeOptions {
  std::int64_t retention_seconds = 0;
  TrashLimit limit;
  bool clock_is_wrong = false;  // by the server's time: nothing leaves the trash
  std::set<std::string> live_temp_names;  // named by rows of interrupted transfers
};

struct Purged {
  std::uint64_t files = 0;
  std::string notice;  // why nothing went, "" = it did
};

// Puts content under its final name and takes it away again, atomically and without a
// race against other programs: at every instant the name holds the whole old or the whole
// new content (on file systems that cannot exchange two names it is absent for an instant
// in between), and what was replaced or removed lies in the trash, moved there by rename.
// Never unlinks a user's file. Thread-safe for different keys. With `trash` off it lies
// there until drop_held().
class Placer {
 public:
  Placer(base::FileSystem& files, std::string run_name, bool trash,
         const base::Clock& clock);
  ~Placer();

  // Creates .cloudsync/{tmp,trash} and its .gitignore, and reads the file system's clock.
  // Idempotent.
  void prepare();
  // The file system's clock less ours, and how coarse its times are, as of prepare().
  const FileClock& file_clock() const { return file_clock_; }
  // Does not sync; the caller syncs temp files before and directories after.
  PlaceResult place(const PlaceRequest& request);
  // Moves the file to the trash if it still is `expected`; else puts it back. `md5` as
  // PlaceRequest::expected_md5.
  RemoveResult remove(const std::string& key, const base::FileStat& expected,
                      const std::optional<Md5Digest>& md5 = std::nullopt);
  // At the end of a run with `trash` off: unlinks what was replaced and removed if stat
  // and hash say that nobody has written to it since. Returns the paths of what stays.
  std::vector<std::string> drop_held(const CallContext& context);
  // For a run that went through, with no transfer going on below this root. Removes runs
  // in the trash older than the retention, replaced files of earlier runs beyond the
  // limit, and temporary files that nobody will take up again. Nothing leaves the trash
  // while the file system's clock and ours are more than five minutes apart.
  Purged purge(const PurgeOptions& options);
  // What the trashes below this root hold, counted once a run.
  std::uint64_t trash_bytes();

 private:
  struct Swapped {
    PlaceStatus status = PlaceStatus::kTargetChanged;
    base::FileStat seen;   // of the old file, right before it moved
    std::string old_path;  // where it is now
    std::optional<std::string> rescued_key;
    bool other_mount = false;
  };
  std::optional<base::FileStat> look(const std::string& key,
                                     const base::FileStat& expected, PlaceStatus& status);
  void give_attributes(const PlaceRequest& request, const base::FileStat& incoming);
  // `other_mount` becomes true, and nothing has happened, when the content lies on
  // another mount than its name.
  PlaceResult place_here(const PlaceRequest& request, bool& other_mount);
  PlaceResult place_new(const PlaceRequest& request, const base::FileStat& incoming,
                        bool& other_mount);
  PlaceResult replace(const PlaceRequest& request, const base::FileStat& incoming,
                      bool& other_mount);
  void sync_names(const std::string& key, const std::vector<std::string>& made);
  std::string carry_over(const PlaceRequest& request);
  std::string trash_folder(const std::string& key);
  void remember_mount(const std::string& top);
  std::string replaced_folder(const PlaceRequest& request);
  std::optional<std::string> park(const PlaceRequest& request, bool& other_mount);
  void take_back(const PlaceRequest& request, const std::string& parked,
                 const base::FileStat& incoming, PlaceResult& result);
  Swapped swap_in(const PlaceRequest& request, const std::string& parked);
  void swap_by_renames(const PlaceRequest& request, const std::string& parked,
                       Swapped& swapped);
  void settle_replaced(const PlaceRequest& request, const Swapped& swapped,
                       PlaceResult& result);
  void keep(const std::string& path, const base::FileStat& stat,
            const std::optional<Md5Digest>& md5, std::string& trash_ref);
  base::FileStat placed_stat(const std::string& key, const base::FileStat& incoming);
  RemoveResult put_back(const std::string& key, const std::string& moved);
  std::string rescue(const std::string& path, const std::string& key);
  bool prepare_copy(PlaceRequest& request, const base::FileStat& seen);
  std::string copy_privately(const std::string& path, const base::FileStat& seen);
  void read_clock();
  std::uint64_t purge_trash(const std::string& trash, std::int64_t retention_seconds);
  std::uint64_t purge_temp(const std::set<std::string>& live_temp_names);
  void unshare(const std::string& path, const base::FileStat& stat);

  base::FileSystem& files_;
  std::string run_name_;
  bool trash_;
  const base::Clock& clock_;
  std::uint32_t new_file_mode_;
  FileClock file_clock_;
  std::atomic<std::uint64_t> copies_{0};
  std::atomic<bool> replaced_any_{false};
  std::unique_ptr<HeldFiles> held_;
  std::once_flag counted_once_;
  std::uint64_t trash_bytes_ = 0;
  std::mutex mutex_;
  std::set<std::string>
      mounts_;  // with a trash of this run, below the root; guarded by mutex_
};

}  // namespace cloudsync::sync
