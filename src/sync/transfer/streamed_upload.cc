// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "sync/transfer/hash_file.h"
#include "sync/transfer/upload_steps.h"

namespace cloudsync::sync {
namespace {

// Reads the file for the second time and holds the last block back until the file has
// proved unchanged: without its last bytes the request never becomes an object.
class HeldBackSource final : public ByteSource {
 public:
  HeldBackSource(base::FileSystem& files, const SourceFile& source,
                 std::function<void(std::uint64_t)> on_bytes)
      : files_(files), source_(source), on_bytes_(std::move(on_bytes)) {}

  std::uint64_t size() const override { return source_.stat.size; }
  void rewind() override { position_ = 0; }
  bool changed() const { return changed_; }

  std::size_t read(MutableBytes out) override {
    const std::uint64_t left = size() - position_;
    const auto block =
        out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left)));
    if (block.empty()) return 0;
    if (!read_exactly(*source_.file, position_, block)) refuse();
    if (block.size() == left && !is_unchanged(files_, source_)) refuse();
    position_ += block.size();
    report();
    return block.size();
  }

 private:
  [[noreturn]] void refuse() {
    changed_ = true;
    throw Error(ErrorCode::kPreconditionFailed,
                base::printable(source_.path) + " changed while it was being uploaded");
  }

  // A repeated attempt reports only what goes beyond the best one.
  void report() {
    if (position_ <= reported_) return;
    on_bytes_(position_ - reported_);
    reported_ = position_;
  }

  base::FileSystem& files_;
  const SourceFile& source_;
  std::function<void(std::uint64_t)> on_bytes_;
  std::uint64_t position_ = 0;
  std::uint64_t reported_ = 0;
  bool changed_ = false;
};

}  // namespace

UploadResult upload_streamed(TransferEnvironment& environment, const UploadJob& job,
                             const UploadTry& attempt, const CallContext& context) {
  UploadResult changed;
  changed.status = TransferStatus::kSourceChanged;
  const auto digests = hash_source(environment.files, attempt.source,
                                   environment.settings.content_hash, context);
  if (!digests) return changed;
  HeldBackSource body(environment.files, attempt.source, [&](std::uint64_t bytes) {
    report_bytes(environment, job.key, bytes);
  });
  const auto request = put_request(environment, job, attempt.source.stat, *digests);
  intend_upload(environment, job, attempt, *digests);
  try {
    const auto stored = environment.store.put(request, body, context);
    UploadResult result = finish_upload(environment, job, attempt, *digests, stored);
    result.bytes = attempt.source.stat.size;
    return result;
  } catch (const Error&) {
    if (!body.changed()) throw;
  }
  return changed;
}

}  // namespace cloudsync::sync
