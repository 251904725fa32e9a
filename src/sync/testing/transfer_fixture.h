// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"
#include "base/test_directory.h"
#include "base/worker_pool.h"
#include "cloudsync/sync_state.h"
#include "hash/digest.h"
#include "storage/memory/memory_store.h"
#include "sync/place/place.h"
#include "sync/testing/intercepted_files.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {

inline constexpr std::uint64_t kMiB = 1ULL << 20;
inline constexpr char kPrefix[] = "data/";

// The system's clock, moved.
class ShiftedClock final : public base::Clock {
 public:
  std::int64_t shift_ns = 0;
  std::int64_t now_ns() const override {
    return base::system_clock().now_ns() + shift_ns;
  }
  std::chrono::steady_clock::time_point steady_now() const override {
    return base::system_clock().steady_now();
  }
  bool sleep_for(std::chrono::milliseconds duration,
                 std::stop_token stop) const override {
    return base::system_clock().sleep_for(duration, std::move(stop));
  }
};

// A local tree, a bucket in memory, a state database on disk and four workers. Parts of 1
// MiB.
class TransferFixture : public ::testing::Test {
 protected:
  TransferFixture() : store_(std::make_unique<storage::MemoryStore>(store_options())) {
    placer_.prepare();
  }

  static storage::MemoryStore::Options store_options(bool crc = true) {
    storage::MemoryStore::Options options;
    options.capabilities.multipart = true;
    options.capabilities.min_part = kMiB;
    options.capabilities.crc64nvme = crc;
    options.require_preconditions = true;
    return options;
  }

  TransferEnvironment environment() {
    TransferEnvironment made{
        .files = files_,
        .store = *store_,
        .state = *state_,
        .record =
            [this](const StateChange& change) { state_->apply(std::span(&change, 1)); },
        .pool = pool_,
        .clock = clock_,
        .random = base::system_random(),
        .pair = pair_,
        .prefix = kPrefix,
        .settings = {},
        .on_bytes = [this](const std::string&,
                           std::uint64_t bytes) { reported_ += bytes; }};
    made.settings.multipart_threshold = 2 * kMiB;
    made.settings.chunk_size = kMiB;
    return made;
  }

  static UploadJob create_job(const std::string& key) {
    UploadJob job;
    job.key = key;
    job.condition.if_absent = true;
    return job;
  }

  UploadResult upload(const UploadJob& job) {
    auto made = environment();
    return upload_file(made, job, context_);
  }

  DownloadJob download_job(const std::string& key) {
    return {key, *store_->head({kPrefix + key}, context_)};
  }

  DownloadResult download(const DownloadJob& job) {
    auto made = environment();
    return download_file(made, job, context_);
  }

  // Bytes that differ from part to part.
  static std::string pattern(std::size_t size, unsigned seed = 1) {
    std::string text(size, '\0');
    std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
    for (char& c : text) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      c = static_cast<char>(state >> 56);
    }
    return text;
  }

  static Md5Digest md5_of(const std::string& text) {
    return hash::Md5::of(std::as_bytes(std::span(text)));
  }

  void set_mtime(const std::string& name, std::int64_t mtime_ns) {
    const auto time = std::filesystem::file_time_type(std::chrono::file_clock::from_sys(
        std::chrono::sys_time(std::chrono::nanoseconds(mtime_ns))));
    std::filesystem::last_write_time(tree_ / name, time);
  }

  std::size_t count_temp_files() const { return count_files(kTempDirectory); }
  std::size_t count_files(const std::string& directory) const {
    std::size_t count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(tree_ / directory)) {
      if (!entry.is_directory()) ++count;
    }
    return count;
  }

  base::TestDirectory tree_;
  base::TestDirectory database_directory_;
  std::unique_ptr<base::FileSystem> disk_ = base::open_posix_file_system(tree_.path());
  InterceptedFiles files_{*disk_};
  std::unique_ptr<SyncStateDatabase> state_ =
      open_state_database(database_directory_ / "state.db");
  PairId pair_ = state_->pair({tree_.path(), "memory", "bucket", kPrefix}).id;
  std::unique_ptr<storage::MemoryStore> store_;
  base::WorkerPool pool_{4, 4, 16};
  ShiftedClock clock_;
  CallContext context_;
  std::atomic<std::uint64_t> reported_{0};
  Placer placer_{files_, "run-1", true, clock_};
};

}  // namespace cloudsync::sync
