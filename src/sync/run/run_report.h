// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "cloudsync/cloud_sync.h"

namespace cloudsync::sync {

// Gathers what a run does and tells whoever watches. Thread-safe; callbacks are never
// called at once from two threads.
class RunReport {
 public:
  RunReport(std::string command, bool dry_run, const base::Clock& clock,
            std::function<void(const ActionEvent&)> on_action,
            std::function<void(const ProgressSnapshot&)> on_progress);

  // What the state database knows before the first byte moves.
  void expect(std::uint64_t files, std::uint64_t bytes);

  void unchanged();
  void checked();
  void queued(std::uint64_t bytes);  // decided, a transfer follows
  void unqueued(const std::string& path, std::uint64_t bytes);  // ... or does not
  void started(const std::string& path);
  void moved(const std::string& path, std::uint64_t bytes);  // part of a file
  void finished(const std::string& path, std::uint64_t bytes);
  void listing_complete();

  // Counts and publishes an action.
  void act(OperationAction action, const std::string& path, std::uint64_t bytes,
           const std::string& new_path = "");
  // Left out by a rule: told to whoever asks for it, and counted nowhere.
  void excluded(const std::string& path);
  void fail(OperationAction action, const std::string& path, const Error& error);
  // A conflict was met; `settled` by this strategy or left open.
  void conflict(SyncConflict conflict);
  void conflict_resolved();
  void stale_resolution();

  void state_rebuilt();  // by comparing both sides
  // Most of what was known has new content on one side.
  void rewritten(std::uint64_t files, const std::string& remark);
  void notice(const std::string& text);  // said once
  void brake(const std::string& name, const std::string& message);
  void fatal(const Error& error);  // the first one is kept
  bool has_fatal() const;

  void publish_progress();
  // What a callback threw: it is not called again, and `stop` is asked to end the run.
  void on_callback_failure(std::function<void()> stop);
  bool callback_failed() const;
  void rethrow_callback_failure() const;
  std::vector<SyncConflict> take_conflicts();
  SyncProgress result(const RequestCounts& requests, bool stopped);

 private:
  template <class Call>
  void guarded(Call&& call);
  void publish(ActionEvent event);
  void count(OperationAction action, std::uint64_t bytes);

  mutable std::mutex mutex_;
  mutable std::mutex callback_mutex_;
  std::exception_ptr callback_failure_;  // guarded by callback_mutex_, as the next
  std::function<void()> stop_;
  SyncProgress progress_;
  ProgressSnapshot snapshot_;
  std::multiset<std::string> in_flight_;
  std::vector<SyncConflict> conflicts_;
  std::set<std::string> notices_said_;
  const base::Clock& clock_;
  std::chrono::steady_clock::time_point begin_;
  std::function<void(const ActionEvent&)> on_action_;
  std::function<void(const ProgressSnapshot&)> on_progress_;
};

}  // namespace cloudsync::sync
