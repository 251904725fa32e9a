// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "storage/content_type.h"
#include "storage/file_transfer.h"
#include "storage/local_file.h"
#include "storage/object_metadata.h"

namespace cloudsync::storage {
namespace {

constexpr int kContentTries = 3;   // of a file that changes while it is being read
constexpr int kReplaceTries = 10;  // against other writers of the same key
constexpr std::size_t kPartThreads = 4;
constexpr std::chrono::milliseconds kLastCall{1000};

Metadata metadata_of(const ObjectStore& store, const SourceFile& file) {
  return file_metadata(store.capabilities().mtime_style, file.stat().mtime_ns,
                       std::nullopt);
}

Precondition as_it_is(ObjectStore& store, const ObjectKey& key,
                      const CallContext& context) {
  const auto now = store.head(key, context);
  return now ? Precondition{now->token, false} : Precondition{{}, true};
}

[[noreturn]] void throw_contended(const ObjectStore& store, const ObjectKey& key) {
  throw Error(ErrorCode::kPreconditionFailed,
              "'" + base::printable(key.value) + "' in " + store.describe() +
                  " is being written by others all the time; try again later");
}

// Calls write(condition) with the version that is there until nobody came in between.
template <class Write>
PutResult replace_current(ObjectStore& store, const ObjectKey& key,
                          const CallContext& context, Write&& write) {
  for (int attempt = 0; attempt < kReplaceTries; ++attempt) {
    PutResult result = write(as_it_is(store, key, context));
    if (result.outcome == Outcome::kOk) return result;
  }
  throw_contended(store, key);
}

PutResult send_whole(ObjectStore& store, const StorageOptions& options,
                     const SourceFile& file, const ObjectKey& key,
                     const ProgressCallback& progress, const CallContext& context) {
  PutRequest request;
  request.key = key;
  request.md5 = md5_of(file, 0, file.stat().size, context);
  request.content_type = content_type_for(key.value);
  request.storage_class = options.storage_class;
  request.metadata = metadata_of(store, file);
  FileRangeSource source(file, 0, file.stat().size, progress);
  return replace_current(store, key, context, [&](Precondition condition) {
    source.rewind();
    request.condition = std::move(condition);
    return store.put(request, source, context);
  });
}

std::uint64_t part_size_for(const StorageOptions& options,
                            const Capabilities& capabilities, std::uint64_t size) {
  const std::uint64_t fewest =
      (size + capabilities.max_parts - 1) / capabilities.max_parts;
  const std::uint64_t multiple = std::max<std::uint64_t>(1, capabilities.part_multiple);
  const std::uint64_t wanted =
      std::max({options.chunk_size, capabilities.min_part, fewest, multiple});
  return std::min((wanted + multiple - 1) / multiple * multiple, capabilities.max_part);
}

// The parts of one upload, sent by a few threads (one where the store wants them in
// order) while another takes the hash of the whole; the first failure stops the others.
class PartSender {
 public:
  PartSender(ObjectStore& store, const SourceFile& file, const ProgressCallback& progress,
             const CallContext& context)
      : store_(*store.multipart()),
        threads_(store.capabilities().sequential_parts ? 1 : kPartThreads),
        file_(file),
        forward_(context.stop, [this] { stop_.request_stop(); }),
        progress_([this, &progress](std::uint64_t bytes) {
          const std::lock_guard lock(mutex_);
          if (progress) progress(bytes);
        }) {}

  std::vector<PartReceipt> send(const ObjectKey& key, const UploadId& upload,
                                std::uint64_t part_size) {
    const std::uint64_t size = file_.stat().size;
    receipts_.resize(static_cast<std::size_t>((size + part_size - 1) / part_size));
    {
      std::vector<std::jthread> threads;
      threads.emplace_back(
          [&] { stopping_others([&] { md5_ = md5_of(file_, 0, size, own()); }); });
      for (std::size_t i = 0; i < std::min(threads_, receipts_.size()); ++i) {
        threads.emplace_back(
            [&] { stopping_others([&] { send_parts(key, upload, part_size); }); });
      }
    }
    if (failure_) std::rethrow_exception(failure_);
    own().throw_if_stopped();
    return std::move(receipts_);
  }
  // Of the whole file; valid after send().
  const Md5Digest& md5() const { return md5_; }

 private:
  CallContext own() const { return {stop_.get_token(), {}}; }

  void send_parts(const ObjectKey& key, const UploadId& upload, std::uint64_t part_size) {
    for (std::size_t i = next_++; i < receipts_.size() && !stop_.stop_requested();
         i = next_++) {
      PartRequest request;
      request.key = key;
      request.upload = upload;
      request.number = static_cast<std::uint32_t>(i + 1);
      request.offset = i * part_size;
      const std::uint64_t length =
          std::min(part_size, file_.stat().size - request.offset);
      request.md5 = md5_of(file_, request.offset, length, own());
      FileRangeSource source(file_, request.offset, length, progress_);
      receipts_[i] = store_.upload_part(request, source, own());
    }
  }

  template <class Work>
  void stopping_others(Work&& work) {
    try {
      work();
    } catch (...) {  // the caller's progress may throw anything
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stop_.request_stop();
    }
  }

  MultipartStore& store_;
  const std::size_t threads_;
  const SourceFile& file_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_;
  ProgressCallback progress_;
  std::vector<PartReceipt> receipts_;
  Md5Digest md5_{};
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // guards failure_ and the caller's progress
  std::exception_ptr failure_;
};

PutResult complete(ObjectStore& store, CompleteRequest request,
                   const CallContext& context) {
  if (store.capabilities().sequential_parts) {
    PutResult result = store.multipart()->complete_upload(request, context);
    if (result.outcome != Outcome::kOk) throw_contended(store, request.key);
    return result;
  }
  return replace_current(store, request.key, context, [&](Precondition condition) {
    request.condition = std::move(condition);
    PutResult result = store.multipart()->complete_upload(request, context);
    if (result.outcome == Outcome::kNotFound) {
      throw Error(ErrorCode::kNotFound,
                  "the upload of '" + base::printable(request.key.value) +
                      "' was aborted by somebody else; start again");
    }
    return result;
  });
}

// Tidying up after a stop must not outlast it.
CallContext last_call(const CallContext& context) {
  if (!context.stopped()) return context;
  return {{}, std::chrono::steady_clock::now() + kLastCall};
}

PutResult send_parts(ObjectStore& store, const StorageOptions& options,
                     const SourceFile& file, const ObjectKey& key,
                     const ProgressCallback& progress, const CallContext& context) {
  MultipartStore& multipart = *store.multipart();
  BeginUploadRequest begin;
  begin.key = key;
  begin.size = file.stat().size;
  begin.part_size = part_size_for(options, store.capabilities(), begin.size);
  begin.content_type = content_type_for(key.value);
  begin.storage_class = options.storage_class;
  begin.metadata = metadata_of(store, file);
  // A session has its condition from the beginning on.
  if (store.capabilities().sequential_parts) {
    begin.condition = as_it_is(store, key, context);
  }
  CompleteRequest request;
  request.key = key;
  request.condition = begin.condition;
  request.size = begin.size;
  request.content_type = begin.content_type;
  request.storage_class = begin.storage_class;
  request.metadata = begin.metadata;
  request.upload = multipart.begin_upload(begin, context);
  try {
    PartSender sender(store, file, progress, context);
    request.parts = sender.send(key, request.upload, begin.part_size);
    request.md5 = sender.md5();
    file.require_unchanged();
    return complete(store, request, context);
  } catch (...) {
    try {
      multipart.abort_upload(key, request.upload, last_call(context));
    } catch (const Error&) {
      // The first failure is the one to tell; parts that stay fall to the bucket's
      // clean-up rule.
    }
    throw;
  }
}

PutResult send_once(ObjectStore& store, const StorageOptions& options,
                    const std::string& local_path, const ObjectKey& key,
                    const ProgressCallback& progress, const CallContext& context) {
  const SourceFile file(local_path);
  const bool by_parts =
      store.multipart() && (file.stat().size > options.multipart_threshold ||
                            file.stat().size > store.capabilities().max_single_put);
  return by_parts ? send_parts(store, options, file, key, progress, context)
                  : send_whole(store, options, file, key, progress, context);
}

bool has_changed(const std::string& local_path, const base::FileStat& before) {
  return !SourceFile(local_path).stat().same_version(before);
}

}  // namespace

PutResult send_file(ObjectStore& store, const StorageOptions& options,
                    const std::string& local_path, const ObjectKey& key,
                    const ProgressCallback& progress, const CallContext& context) {
  for (int attempt = 1;; ++attempt) {
    const base::FileStat before = SourceFile(local_path).stat();
    try {
      return send_once(store, options, local_path, key, progress, context);
    } catch (const Error& error) {
      // Only the file's own change is worth another reading.
      if (attempt == kContentTries || !has_changed(local_path, before)) {
        throw error.with_context("uploading '" + local_path + "'");
      }
    }
  }
}

}  // namespace cloudsync::storage
