// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "base/retry.h"
#include "storage/decorators.h"

namespace cloudsync::storage {

// What the calls of a retrying store share: policy, environment and whom to tell.
class RetryCalls {
 public:
  RetryCalls(const base::RetryPolicy& policy, base::RetryEnvironment environment,
             RetryObserver observer);

  // fn(attempt) by the retry loop.
  template <class Fn>
  auto run(base::Idempotency idempotency, const CallContext& context, Fn&& fn) const
      -> decltype(fn(1)) {
    const auto observed = [&](int attempt) {
      try {
        return fn(attempt);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kThrottled && on_throttled_) on_throttled_();
        throw;
      }
    };
    return base::retry_loop(policy_, idempotency, context, environment_, observed);
  }

  std::int64_t now_ns() const { return environment_.clock.now_ns(); }

  // For calls that may always be repeated.
  template <class Fn>
  auto run_safe(const CallContext& context, Fn&& fn) const -> decltype(fn(1)) {
    return run(base::Idempotency::kSafe, context, std::forward<Fn>(fn));
  }

 private:
  base::RetryPolicy policy_;
  base::RetryEnvironment environment_;
  std::function<void()> on_throttled_;
};

// Below ".cloudsync/" only this program writes, under names of its own: twice is the same
// as once.
bool is_own_key(const ObjectKey& key);

class RetryingUploads final : public MultipartStore {
 public:
  RetryingUploads(ObjectStore& store, const RetryCalls& calls)
      : store_(store), inner_(*store.multipart()), calls_(calls) {}

  UploadId begin_upload(const BeginUploadRequest&, const CallContext&) override;
  PartReceipt upload_part(const PartRequest&, ByteSource&, const CallContext&) override;
  PartReceipt copy_part(const CopyPartRequest&, const CallContext&) override;
  PutResult complete_upload(const CompleteRequest&, const CallContext&) override;
  void abort_upload(const ObjectKey&, const UploadId&, const CallContext&) override;
  std::optional<std::vector<PartReceipt>> list_parts(const ObjectKey&, const UploadId&,
                                                     const CallContext&) override;
  std::vector<UploadInfo> list_uploads(const std::string& prefix,
                                       const CallContext&) override;

 private:
  PutResult complete_once(const CompleteRequest& request, const CallContext& context);

  ObjectStore& store_;
  MultipartStore& inner_;
  const RetryCalls& calls_;
};

// A GET that goes on where its body broke.
class ResumingGet {
 public:
  ResumingGet(ObjectStore& store, const RetryCalls& calls, const CallContext& context)
      : store_(store), calls_(calls), context_(context) {}
  GetResult run(const GetRequest& request, ByteSink& sink);

 private:
  class CountingSink;
  GetResult run_pinned(const GetRequest& request, std::optional<ObjectInfo> known,
                       CountingSink& sink);
  GetResult resume(const GetRequest& request, std::optional<ObjectInfo>& known,
                   CountingSink& sink);

  ObjectStore& store_;
  const RetryCalls& calls_;
  const CallContext& context_;
};

}  // namespace cloudsync::storage
