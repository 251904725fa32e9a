// SPDX-License-Identifier: Apache-2.0
#include "sync/place/placing_batch.h"

#include <algorithm>
#include <chrono>

#include "cloudsync/error.h"

namespace cloudsync::sync {

namespace {

constexpr std::size_t kFullBatch = 512;
constexpr std::chrono::milliseconds kBatchTime{100};
// A stat older than this shows every later write: two ticks of the coarsest kernel clock
// and more.
constexpr std::chrono::milliseconds kRacyWindow{25};
constexpr std::int64_t kCoarseWindow = 2'000'000'000;

std::string parent_of(const std::string& key) {
  const auto slash = key.rfind('/');
  return slash == std::string::npos ? std::string() : key.substr(0, slash);
}

}  // namespace

PlacingBatch::PlacingBatch(base::FileSystem& files, Placer& placer, Durability durability,
                           const base::Clock& clock)
    : files_(files), placer_(placer), durability_(durability), clock_(clock) {
  if (durability_ == Durability::kBatch) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
}

PlacingBatch::~PlacingBatch() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void PlacingBatch::submit(PlaceTask task) {
  if (durability_ != Durability::kBatch) {
    place_now(std::move(task));
    return;
  }
  const std::lock_guard lock(mutex_);
  ++unfinished_;
  waiting_.push_back(std::move(task));
  if (waiting_.size() == 1 || waiting_.size() >= kFullBatch) arrived_.notify_one();
}

void PlacingBatch::wait_idle() {
  std::unique_lock lock(mutex_);
  hurry_ = true;
  arrived_.notify_one();
  idle_.wait(lock, [&] { return unfinished_ == 0; });
  hurry_ = false;
}

void PlacingBatch::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, stop, [&] { return !waiting_.empty(); });
    if (waiting_.empty()) return;
    arrived_.wait_for(lock, stop, kBatchTime,
                      [&] { return hurry_ || waiting_.size() >= kFullBatch; });
    std::vector<PlaceTask> batch = std::move(waiting_);
    waiting_.clear();
    const std::size_t count = batch.size();
    lock.unlock();
    place_batch(std::move(batch));
    lock.lock();
    unfinished_ -= count;
    if (unfinished_ == 0) idle_.notify_all();
  }
}

std::optional<PlaceResult> PlacingBatch::place_one(PlaceTask& task) {
  try {
    return placer_.place(task.request);
  } catch (const Error& error) {
    task.on_error(error);
    return std::nullopt;
  }
}

void PlacingBatch::place_batch(std::vector<PlaceTask> batch) {
  try {
    files_.sync_all();
  } catch (const Error& error) {
    for (auto& task : batch) task.on_error(error);
    return;
  }
  std::vector<Placed> placed;
  placed.reserve(batch.size());
  for (auto& task : batch) {
    auto result = place_one(task);
    if (result) placed.push_back({std::move(task), std::move(*result)});
  }
  settle(placed);
}

void PlacingBatch::settle(std::vector<Placed>& placed) {
  const auto begin = clock_.steady_now();
  try {
    files_.sync_all();
  } catch (const Error& error) {
    for (auto& one : placed) one.task.on_error(error);
    return;
  }
  const auto spent =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now() - begin);
  if (spent < kRacyWindow) clock_.sleep_for(kRacyWindow - spent, {});
  for (auto& one : placed) {
    bool racy = true;
    try {
      const auto now = files_.stat(one.task.request.key);
      racy = !now || !now->same_version(one.result.placed) || is_in_coarse_tick(*now);
    } catch (const Error&) {
      racy = true;  // unreadable now: hash it at the next scan
    }
    report_placed(one, racy);
  }
}

// Where times are that coarse the wait proves nothing.
bool PlacingBatch::is_in_coarse_tick(const base::FileStat& stat) const {
  const FileClock& clock = placer_.file_clock();
  return clock.coarse &&
         std::max(stat.mtime_ns, stat.ctime_ns) >= clock.now_ns(clock_) - kCoarseWindow;
}

// A failure to record one file is that file's outcome, not the end of the thread.
void PlacingBatch::report_placed(Placed& placed, bool racy) {
  try {
    placed.task.on_placed(placed.result, racy);
  } catch (const Error& error) {
    placed.task.on_error(error);
  } catch (const std::exception& error) {
    placed.task.on_error(Error(ErrorCode::kInternal, error.what()));
  }
}

// A symbolic link has no content: it is on disk with its folder.
void PlacingBatch::sync_content(const std::string& path) {
  const auto stat = files_.stat(path);
  if (stat && stat->kind == base::FileKind::kRegular) files_.open_write(path)->sync();
}

void PlacingBatch::place_now(PlaceTask task) {
  try {
    if (durability_ == Durability::kFull) sync_content(task.request.temp_path);
    auto result = place_one(task);
    if (!result) return;
    if (durability_ == Durability::kFull && result->status == PlaceStatus::kPlaced) {
      for (const auto& made : result->created_directories) {
        files_.sync_directory(parent_of(made.substr(0, made.size() - 1)));
      }
      files_.sync_directory(parent_of(task.request.key));
    }
    task.on_placed(*result, true);
  } catch (const Error& error) {
    task.on_error(error);
  }
}

}  // namespace cloudsync::sync
