// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"
#include "storage/decorators.h"

namespace cloudsync::storage {
namespace {

Outcome check(const std::optional<ObjectInfo>& now, const Precondition& condition) {
  if (condition.if_absent && now) return Outcome::kPreconditionFailed;
  const bool mismatch = condition.if_match && (!now || now->token != *condition.if_match);
  return mismatch ? Outcome::kPreconditionFailed : Outcome::kOk;
}

PutResult refused(Outcome outcome) {
  PutResult result;
  result.outcome = outcome;
  return result;
}

// The condition is taken out of the request once it was checked here: some servers answer
// one that they do not know with an error.
class GuardedUploads final : public MultipartStore {
 public:
  GuardedUploads(ObjectStore& store, const Capabilities& capabilities)
      : store_(store), inner_(*store.multipart()), capabilities_(capabilities) {}

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
  const Capabilities& capabilities_;
};

UploadId GuardedUploads::begin_upload(const BeginUploadRequest& request,
                                      const CallContext& context) {
  if (capabilities_.conditional_complete) return inner_.begin_upload(request, context);
  BeginUploadRequest plain = request;
  plain.condition = {};
  return inner_.begin_upload(plain, context);
}

PartReceipt GuardedUploads::copy_part(const CopyPartRequest& request,
                                      const CallContext& context) {
  if (!request.source_if_match || capabilities_.conditional_copy_source) {
    return inner_.copy_part(request, context);
  }
  const auto now = store_.head(request.source, context);
  if (check(now, {request.source_if_match, false}) != Outcome::kOk) {
    throw Error(ErrorCode::kPreconditionFailed,
                "the source '" + base::printable(request.source.value) + "' changed");
  }
  CopyPartRequest plain = request;
  plain.source_if_match.reset();
  return inner_.copy_part(plain, context);
}

PutResult GuardedUploads::complete_upload(const CompleteRequest& request,
                                          const CallContext& context) {
  if (!request.condition.any() || capabilities_.conditional_complete) {
    return inner_.complete_upload(request, context);
  }
  const Outcome outcome = check(store_.head(request.key, context), request.condition);
  if (outcome != Outcome::kOk) return refused(outcome);
  CompleteRequest plain = request;
  plain.condition = {};
  return inner_.complete_upload(plain, context);
}

class PreconditionGuard final : public ObjectStore {
 public:
  PreconditionGuard(ObjectStore& inner, const Capabilities& capabilities)
      : inner_(inner), capabilities_(capabilities) {
    if (inner.multipart() && capabilities_.multipart)
      uploads_.emplace(inner, capabilities_);
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
  Outcome check_source(CopyRequest& request, const CallContext& context);

  ObjectStore& inner_;
  const Capabilities capabilities_;
  std::optional<GuardedUploads> uploads_;
};

PutResult PreconditionGuard::put(const PutRequest& request, ByteSource& source,
                                 const CallContext& context) {
  if (!request.condition.any() || capabilities_.conditional_put) {
    return inner_.put(request, source, context);
  }
  const Outcome outcome = check(inner_.head(request.key, context), request.condition);
  if (outcome != Outcome::kOk) return refused(outcome);
  PutRequest plain = request;
  plain.condition = {};
  return inner_.put(plain, source, context);
}

DeleteResult PreconditionGuard::remove(const DeleteRequest& request,
                                       const CallContext& context) {
  if (!request.if_match || capabilities_.conditional_delete) {
    return inner_.remove(request, context);
  }
  const auto now = inner_.head(request.key, context);
  if (!now) return {};
  if (now->token != *request.if_match) return {Outcome::kPreconditionFailed, {}};
  return inner_.remove({request.key, {}}, context);
}

// Where a batch does not know conditions, a key that has one goes by itself; all do where
// there are no batches.
std::vector<DeleteResult> PreconditionGuard::remove_many(
    std::span<const DeleteRequest> requests, const CallContext& context) {
  const bool batches = capabilities_.batch_delete_limit > 1;
  if (batches && capabilities_.conditional_batch_delete)
    return inner_.remove_many(requests, context);
  std::vector<DeleteResult> results(requests.size());
  std::vector<DeleteRequest> plain;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (batches && !requests[i].if_match) {
      plain.push_back(requests[i]);
      places.push_back(i);
      continue;
    }
    try {
      results[i] = remove(requests[i], context);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled) throw;
      results[i].error = error;
    }
  }
  if (plain.empty()) return results;
  std::vector<DeleteResult> answers = inner_.remove_many(plain, context);
  for (std::size_t k = 0; k < places.size(); ++k)
    results[places[k]] = std::move(answers[k]);
  return results;
}

Outcome PreconditionGuard::check_source(CopyRequest& request,
                                        const CallContext& context) {
  if (!request.source_if_match || capabilities_.conditional_copy_source)
    return Outcome::kOk;
  const auto now = inner_.head(request.source, context);
  if (!now) return Outcome::kNotFound;
  const Outcome outcome = check(now, {request.source_if_match, false});
  request.source_if_match.reset();
  return outcome;
}

PutResult PreconditionGuard::copy(const CopyRequest& request,
                                  const CallContext& context) {
  CopyRequest plain = request;
  Outcome outcome = check_source(plain, context);
  if (outcome == Outcome::kOk && request.condition.any() &&
      !capabilities_.conditional_copy_destination) {
    outcome = check(inner_.head(request.destination, context), request.condition);
    plain.condition = {};
  }
  return outcome == Outcome::kOk ? inner_.copy(plain, context) : refused(outcome);
}

}  // namespace

std::unique_ptr<ObjectStore> make_precondition_guard(ObjectStore& inner,
                                                     const Capabilities& capabilities) {
  return std::make_unique<PreconditionGuard>(inner, capabilities);
}

}  // namespace cloudsync::storage
