// SPDX-License-Identifier: Apache-2.0
#include "sync/run/run_report.h"

#include <algorithm>

#include "base/log.h"

namespace cloudsync::sync {

namespace {

constexpr std::size_t kShownInFlight = 8;
constexpr std::size_t kMostUnsafePaths = 1000;

double seconds_since(std::chrono::steady_clock::time_point begin,
                     const base::Clock& clock) {
  return std::chrono::duration<double>(clock.steady_now() - begin).count();
}

}  // namespace

RunReport::RunReport(std::string command, bool dry_run, const base::Clock& clock,
                     std::function<void(const ActionEvent&)> on_action,
                     std::function<void(const ProgressSnapshot&)> on_progress)
    : clock_(clock),
      begin_(clock.steady_now()),
      on_action_(std::move(on_action)),
      on_progress_(std::move(on_progress)) {
  progress_.command = std::move(command);
  progress_.dry_run = dry_run;
}

void RunReport::expect(std::uint64_t files, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  snapshot_.total_files = files;
  snapshot_.total_bytes = bytes;
}

void RunReport::unchanged() {
  const std::lock_guard lock(mutex_);
  ++progress_.unchanged;
}

void RunReport::checked() {
  const std::lock_guard lock(mutex_);
  ++snapshot_.checked_files;
  snapshot_.total_files = std::max(snapshot_.total_files, snapshot_.checked_files);
}

void RunReport::queued(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  ++snapshot_.pending_files;
  snapshot_.pending_bytes += bytes;
}

void RunReport::unqueued(const std::string& path, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (const auto it = in_flight_.find(path); it != in_flight_.end()) in_flight_.erase(it);
  --snapshot_.pending_files;
  snapshot_.pending_bytes -= bytes;
}

void RunReport::started(const std::string& path) {
  const std::lock_guard lock(mutex_);
  in_flight_.insert(path);
}

void RunReport::moved(const std::string&, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  snapshot_.done_bytes += bytes;
}

void RunReport::finished(const std::string& path, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (const auto it = in_flight_.find(path); it != in_flight_.end()) in_flight_.erase(it);
  ++snapshot_.done_files;
  --snapshot_.pending_files;
  snapshot_.pending_bytes -= bytes;
}

void RunReport::listing_complete() {
  const std::lock_guard lock(mutex_);
  snapshot_.listing_complete = true;
  snapshot_.total_files = snapshot_.checked_files;
}

void RunReport::count(OperationAction action, std::uint64_t bytes) {
  switch (action) {
    case OperationAction::kUpload:
      ++progress_.uploaded;
      progress_.bytes_uploaded += bytes;
      break;
    case OperationAction::kDownload:
      ++progress_.downloaded;
      progress_.bytes_downloaded += bytes;
      break;
    case OperationAction::kDeleteLocal:
      ++progress_.deleted_local;
      break;
    case OperationAction::kDeleteRemote:
      ++progress_.deleted_remote;
      break;
    case OperationAction::kAdopt:
      ++progress_.adopted;
      break;
    case OperationAction::kForget:
      ++progress_.forgotten;
      break;
    case OperationAction::kArchived:
      ++progress_.archived;
      break;
    case OperationAction::kUnsafe:
      ++progress_.unsafe;
      ++progress_.skipped;
      break;
    case OperationAction::kSkip:
      ++progress_.skipped;
      break;
    case OperationAction::kConflict:
    case OperationAction::kConflictCopy:
      break;
  }
}

// The user's code runs on threads that must not see an exception.
template <class Call>
void RunReport::guarded(Call&& call) {
  const std::lock_guard lock(callback_mutex_);
  if (callback_failure_) return;
  try {
    call();
  } catch (...) {
    callback_failure_ = std::current_exception();
    if (stop_) stop_();
  }
}

void RunReport::on_callback_failure(std::function<void()> stop) {
  const std::lock_guard lock(callback_mutex_);
  stop_ = std::move(stop);
  if (callback_failure_ && stop_) stop_();
}

bool RunReport::callback_failed() const {
  const std::lock_guard lock(callback_mutex_);
  return callback_failure_ != nullptr;
}

void RunReport::rethrow_callback_failure() const {
  const std::lock_guard lock(callback_mutex_);
  if (callback_failure_) std::rethrow_exception(callback_failure_);
}

void RunReport::publish(ActionEvent event) {
  if (on_action_) guarded([&] { on_action_(event); });
}

void RunReport::act(OperationAction action, const std::string& path, std::uint64_t bytes,
                    const std::string& new_path) {
  bool planned = false;
  {
    const std::lock_guard lock(mutex_);
    count(action, bytes);
    if (action == OperationAction::kUnsafe &&
        progress_.unsafe_paths.size() < kMostUnsafePaths) {
      progress_.unsafe_paths.push_back(path);
    }
    planned = progress_.dry_run;
  }
  ActionEvent event;
  event.action = action;
  event.path = path;
  event.new_path = new_path;
  event.bytes = bytes;
  event.status = planned ? ActionEvent::Status::kPlanned : ActionEvent::Status::kDone;
  publish(std::move(event));
}

void RunReport::excluded(const std::string& path) {
  ActionEvent event;
  event.action = OperationAction::kSkip;
  event.path = path;
  publish(std::move(event));
}

void RunReport::fail(OperationAction action, const std::string& path,
                     const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    ++progress_.failed;
  }
  ActionEvent event;
  event.action = action;
  event.path = path;
  event.status = ActionEvent::Status::kFailed;
  event.error_code = std::string(error_code_name(error.code()));
  event.error_message = error.what();
  publish(std::move(event));
}

void RunReport::conflict(SyncConflict conflict) {
  const std::lock_guard lock(mutex_);
  ++progress_.conflicts;
  ++(conflict.resolution ? progress_.conflicts_resolved : progress_.conflicts_open);
  conflicts_.push_back(std::move(conflict));
}

void RunReport::conflict_resolved() {
  const std::lock_guard lock(mutex_);
  ++progress_.conflicts;
  ++progress_.conflicts_resolved;
}

void RunReport::stale_resolution() {
  const std::lock_guard lock(mutex_);
  progress_.stale_resolution = true;
}

void RunReport::state_rebuilt() {
  const std::lock_guard lock(mutex_);
  progress_.state_rebuilt = true;
}

void RunReport::rewritten(std::uint64_t files, const std::string& remark) {
  base::log().info("{}", remark);
  notice(remark);
  const std::lock_guard lock(mutex_);
  progress_.rewritten = files;
}

void RunReport::notice(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (notices_said_.insert(text).second) progress_.notices.push_back(text);
}

void RunReport::brake(const std::string& name, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (progress_.brake) {
    progress_.brake_message += "\n" + message;
    return;
  }
  progress_.brake = name;
  progress_.brake_message = message;
}

void RunReport::fatal(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!progress_.fatal) progress_.fatal = error;
}

bool RunReport::has_fatal() const {
  const std::lock_guard lock(mutex_);
  return progress_.fatal.has_value();
}

void RunReport::publish_progress() {
  if (!on_progress_) return;
  ProgressSnapshot snapshot;
  {
    const std::lock_guard lock(mutex_);
    snapshot = snapshot_;
    for (const auto& path : in_flight_) {
      if (snapshot.in_flight.size() == kShownInFlight) break;
      snapshot.in_flight.push_back(path);
    }
  }
  snapshot.seconds = seconds_since(begin_, clock_);
  guarded([&] { on_progress_(snapshot); });
}

std::vector<SyncConflict> RunReport::take_conflicts() {
  const std::lock_guard lock(mutex_);
  return std::move(conflicts_);
}

SyncProgress RunReport::result(const RequestCounts& requests, bool stopped) {
  const std::lock_guard lock(mutex_);
  progress_.requests = requests;
  progress_.stopped = stopped;
  progress_.seconds = seconds_since(begin_, clock_);
  progress_.total_files = snapshot_.checked_files;
  progress_.completed_files = progress_.uploaded + progress_.downloaded;
  const double bytes =
      static_cast<double>(progress_.bytes_uploaded + progress_.bytes_downloaded);
  progress_.transfer_speed_mbps =
      progress_.seconds > 0 ? bytes / 1e6 / progress_.seconds : 0;
  return progress_;
}

}  // namespace cloudsync::sync
