// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"
#include "storage/condition_keeper.h"
#include "storage/decorators.h"

#include <atomic>
#include <utility>

namespace cloudsync::storage {
namespace {

PutResult refused(Outcome outcome) {
  PutResult result;
  result.outcome = outcome;
  return result;
}

// What is known of the conditions, and becomes known on the way.
struct Keepers {
  Keepers(ObjectStore& store, const ServerFacts& facts, const GuardOptions& options)
      : put(feature::kPut, facts.of(feature::kPut), store, options),
        complete(feature::kComplete, facts.of(feature::kComplete), store, options),
        remove(feature::kDelete, facts.of(feature::kDelete), store, options) {}
  ConditionKeeper put, complete, remove;
};

class GuardedUploads final : public MultipartStore {
 public:
  GuardedUploads(ObjectStore& store, Keepers& keepers, Support copy_source)
      : store_(store),
        inner_(*store.multipart()),
        keepers_(keepers),
        copy_source_(copy_source) {}

  UploadId begin_upload(const BeginUploadRequest& request,
                        const CallContext& context) override;
  PartReceipt upload_part(const PartRequest& request, ByteSource& source,
                          const CallContext& context) override {
    return inner_.upload_part(request, source, context);
  }
  PartReceipt copy_part(const CopyPartRequest& request,
                        const CallContext& context) override;
  PutResult complete_upload(const CompleteRequest& request,
                            const CallContext& context) override;
  void abort_upload(const ObjectKey& key, const UploadId& id,
                    const CallContext& context) override {
    inner_.abort_upload(key, id, context);
  }
  std::optional<std::vector<PartReceipt>> list_parts(
      const ObjectKey& key, const UploadId& id, const CallContext& context) override {
    return inner_.list_parts(key, id, context);
  }
  std::vector<UploadInfo> list_uploads(const std::string& prefix,
                                       const CallContext& context) override {
    return inner_.list_uploads(prefix, context);
  }

 private:
  ObjectStore& store_;
  MultipartStore& inner_;
  Keepers& keepers_;
  const Support copy_source_;
};

UploadId GuardedUploads::begin_upload(const BeginUploadRequest& request,
                                      const CallContext& context) {
  if (keepers_.complete.support() != Support::kRefused)
    return inner_.begin_upload(request, context);
  BeginUploadRequest plain = request;
  plain.condition = {};
  return inner_.begin_upload(plain, context);
}

PartReceipt GuardedUploads::copy_part(const CopyPartRequest& request,
                                      const CallContext& context) {
  if (!request.source_if_match || copy_source_ == Support::kHonoured) {
    return inner_.copy_part(request, context);
  }
  const auto now = store_.head(request.source, context);
  if (check_condition(now, {request.source_if_match, false}) != Outcome::kOk) {
    throw Error(ErrorCode::kPreconditionFailed,
                "the source '" + base::printable(request.source.value) + "' changed");
  }
  CopyPartRequest plain = request;
  plain.source_if_match.reset();
  return inner_.copy_part(plain, context);
}

PutResult GuardedUploads::complete_upload(const CompleteRequest& request,
                                          const CallContext& context) {
  CompleteRequest sent = request;
  return keepers_.complete.write(request.key, request.condition, context,
                                 [&](const Precondition& condition) {
                                   sent.condition = condition;
                                   return inner_.complete_upload(sent, context);
                                 });
}

class PreconditionGuard final : public ObjectStore {
 public:
  PreconditionGuard(ObjectStore& inner, const ServerFacts& facts, GuardOptions options)
      : inner_(inner),
        options_(std::move(options)),
        capabilities_(facts.over(inner.capabilities())),
        copy_destination_(facts.of(feature::kCopyDestination)),
        copy_source_(facts.of(feature::kCopySource)),
        keepers_(inner, facts, options_),
        batches_(capabilities_.batch_delete_limit > 1) {
    if (inner.multipart() && capabilities_.multipart)
      uploads_.emplace(inner, keepers_, copy_source_);
  }

  const Capabilities& capabilities() const override { return capabilities_; }
  std::string describe() const override { return inner_.describe(); }
  std::optional<std::int64_t> clock_offset_ns() override {
    return inner_.clock_offset_ns();
  }
  MultipartStore* multipart() override { return uploads_ ? &*uploads_ : nullptr; }

  ListPage list(const ListRequest& request, const CallContext& context) override {
    return inner_.list(request, context);
  }
  std::optional<ObjectInfo> head(const ObjectKey& key,
                                 const CallContext& context) override {
    return inner_.head(key, context);
  }
  Tags tags(const ObjectKey& key, const CallContext& context) override {
    return inner_.tags(key, context);
  }
  GetResult get(const GetRequest& request, ByteSink& sink,
                const CallContext& context) override {
    return inner_.get(request, sink, context);
  }
  std::optional<BucketIdentity> identity(const CallContext& context) override {
    return inner_.identity(context);
  }
  std::string give_identity(const CallContext& context) override {
    return inner_.give_identity(context);
  }
  BucketInfo describe_bucket(const CallContext& context) override {
    return inner_.describe_bucket(context);
  }
  PutResult put(const PutRequest& request, ByteSource& source,
                const CallContext& context) override;
  DeleteResult remove(const DeleteRequest& request, const CallContext& context) override;
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest> requests,
                                        const CallContext& context) override;
  PutResult copy(const CopyRequest& request, const CallContext& context) override;

 private:
  PutResult put_told_apart(const PutRequest& request, ByteSource& source,
                           const CallContext& context);
  std::vector<DeleteResult> remove_one_by_one(std::span<const DeleteRequest> requests,
                                              const CallContext& context);
  std::vector<DeleteResult> remove_batch(std::span<const DeleteRequest> requests,
                                         const CallContext& context);
  Outcome check_source(CopyRequest& request, const CallContext& context);

  ObjectStore& inner_;
  const GuardOptions options_;
  const Capabilities capabilities_;
  const Support copy_destination_;
  const Support copy_source_;
  Keepers keepers_;
  std::atomic<bool> batches_;
  std::optional<GuardedUploads> uploads_;
};

PutResult PreconditionGuard::put(const PutRequest& request, ByteSource& source,
                                 const CallContext& context) {
  PutRequest sent = request;
  bool again = false;
  return keepers_.put.write(request.key, request.condition, context,
                            [&](const Precondition& condition) {
                              if (std::exchange(again, true)) source.rewind();
                              sent.condition = condition;
                              return put_told_apart(sent, source, context);
                            });
}

// A server that does not know tags refuses as one does that does not know conditions.
// Nothing is learnt about these from a request that had both.
PutResult PreconditionGuard::put_told_apart(const PutRequest& request, ByteSource& source,
                                            const CallContext& context) {
  try {
    return inner_.put(request, source, context);
  } catch (const Error& error) {
    if (request.tags.empty() || error.retryable()) throw;
    throw Error(error.code(), error.what());
  }
}

DeleteResult PreconditionGuard::remove(const DeleteRequest& request,
                                       const CallContext& context) {
  return keepers_.remove.remove(request, context);
}

std::vector<DeleteResult> PreconditionGuard::remove_one_by_one(
    std::span<const DeleteRequest> requests, const CallContext& context) {
  std::vector<DeleteResult> results(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    try {
      results[i] = remove(requests[i], context);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled) throw;
      results[i].error = error;
    }
  }
  return results;
}

// A server that does not know batches has deleted nothing by one.
std::vector<DeleteResult> PreconditionGuard::remove_batch(
    std::span<const DeleteRequest> requests, const CallContext& context) {
  try {
    return inner_.remove_many(requests, context);
  } catch (const Error& error) {
    const int status = error.detail().http_status;
    if (status != 405 && status != 501) throw;
    if (batches_.exchange(false) && options_.on_learnt)
      options_.on_learnt(feature::kBatchDelete, Support::kRefused, error.what());
  }
  return remove_one_by_one(requests, context);
}

// Where a batch does not know conditions, a key that has one goes by itself; all do where
// there are no batches.
std::vector<DeleteResult> PreconditionGuard::remove_many(
    std::span<const DeleteRequest> requests, const CallContext& context) {
  if (!batches_) return remove_one_by_one(requests, context);
  if (capabilities_.conditional_batch_delete) return remove_batch(requests, context);
  std::vector<DeleteRequest> single, plain;
  for (const DeleteRequest& request : requests)
    (request.if_match ? single : plain).push_back(request);
  auto single_results = remove_one_by_one(single, context);
  std::vector<DeleteResult> plain_results;
  if (!plain.empty()) plain_results = remove_batch(plain, context);
  std::vector<DeleteResult> results;
  std::size_t next_single = 0, next_plain = 0;
  for (const DeleteRequest& request : requests) {
    results.push_back(std::move(request.if_match ? single_results[next_single++]
                                                 : plain_results[next_plain++]));
  }
  return results;
}

Outcome PreconditionGuard::check_source(CopyRequest& request,
                                        const CallContext& context) {
  if (!request.source_if_match || copy_source_ == Support::kHonoured) return Outcome::kOk;
  const auto now = inner_.head(request.source, context);
  if (!now) return Outcome::kNotFound;
  const Outcome outcome = check_condition(now, {request.source_if_match, false});
  request.source_if_match.reset();
  return outcome;
}

PutResult PreconditionGuard::copy(const CopyRequest& request,
                                  const CallContext& context) {
  CopyRequest plain = request;
  Outcome outcome = check_source(plain, context);
  if (outcome == Outcome::kOk && request.condition.any() &&
      copy_destination_ != Support::kHonoured) {
    outcome =
        check_condition(inner_.head(request.destination, context), request.condition);
    plain.condition = {};
  }
  return outcome == Outcome::kOk ? inner_.copy(plain, context) : refused(outcome);
}

}  // namespace

std::unique_ptr<ObjectStore> make_precondition_guard(ObjectStore& inner,
                                                     const ServerFacts& facts,
                                                     GuardOptions options) {
  return std::make_unique<PreconditionGuard>(inner, facts, std::move(options));
}

}  // namespace cloudsync::storage
