// SPDX-License-Identifier: Apache-2.0
#include "storage/decorators.h"
#include "storage/server_helps.h"

namespace cloudsync::storage {
namespace {

class CountedUploads final : public MultipartStore {
 public:
  CountedUploads(MultipartStore& inner, RequestCounter& counter)
      : inner_(inner), counter_(counter) {}

  UploadId begin_upload(const BeginUploadRequest& request,
                        const CallContext& context) override {
    ++counter_.other;
    return counted(inner_.begin_upload(request, context));
  }
  PartReceipt upload_part(const PartRequest& request, ByteSource& source,
                          const CallContext& context) override {
    ++counter_.put;
    auto receipt = inner_.upload_part(request, source, context);
    counter_.answered(source.size());
    return receipt;
  }
  PartReceipt copy_part(const CopyPartRequest& request,
                        const CallContext& context) override {
    ++counter_.other;
    return counted(inner_.copy_part(request, context));
  }
  PutResult complete_upload(const CompleteRequest& request,
                            const CallContext& context) override {
    ++counter_.other;
    return counted(inner_.complete_upload(request, context));
  }
  void abort_upload(const ObjectKey& key, const UploadId& id,
                    const CallContext& context) override {
    ++counter_.other;
    inner_.abort_upload(key, id, context);
  }
  std::optional<std::vector<PartReceipt>> list_parts(
      const ObjectKey& key, const UploadId& id, const CallContext& context) override {
    ++counter_.other;
    return inner_.list_parts(key, id, context);
  }
  std::vector<UploadInfo> list_uploads(const std::string& prefix,
                                       const CallContext& context) override {
    ++counter_.other;
    return inner_.list_uploads(prefix, context);
  }

 private:
  template <class Result>
  Result counted(Result result) const {
    counter_.answered(0);
    return result;
  }

  MultipartStore& inner_;
  RequestCounter& counter_;
};

class CountedStore final : public ObjectStore, public ServerHelps {
 public:
  CountedStore(ObjectStore& inner, RequestCounter& counter)
      : inner_(inner), counter_(counter) {
    if (inner.multipart()) uploads_.emplace(*inner.multipart(), counter);
  }

  const Capabilities& capabilities() const override { return inner_.capabilities(); }
  std::string describe() const override { return inner_.describe(); }
  std::optional<std::int64_t> clock_offset_ns() override {
    return inner_.clock_offset_ns();
  }
  MultipartStore* multipart() override { return uploads_ ? &*uploads_ : nullptr; }

  ListPage list(const ListRequest& request, const CallContext& context) override {
    ++counter_.list;
    return inner_.list(request, context);
  }
  std::optional<ObjectInfo> head(const ObjectKey& key,
                                 const CallContext& context) override {
    ++counter_.head;
    return counted(inner_.head(key, context));
  }
  Tags tags(const ObjectKey& key, const CallContext& context) override {
    ++counter_.other;
    return counted(inner_.tags(key, context));
  }
  GetResult get(const GetRequest& request, ByteSink& sink,
                const CallContext& context) override {
    ++counter_.get;
    auto result = inner_.get(request, sink, context);
    counter_.answered(result.body_bytes);
    return result;
  }
  PutResult put(const PutRequest& request, ByteSource& source,
                const CallContext& context) override {
    ++counter_.put;
    auto result = inner_.put(request, source, context);
    counter_.answered(source.size());
    return result;
  }
  DeleteResult remove(const DeleteRequest& request, const CallContext& context) override {
    ++counter_.del;
    return counted(inner_.remove(request, context));
  }
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest> requests,
                                        const CallContext& context) override {
    ++counter_.del;
    return counted(inner_.remove_many(requests, context));
  }
  PutResult copy(const CopyRequest& request, const CallContext& context) override {
    ++counter_.other;
    return counted(inner_.copy(request, context));
  }
  std::optional<BucketIdentity> identity(const CallContext& context) override {
    return inner_.identity(context);
  }
  std::string give_identity(const CallContext& context) override {
    return inner_.give_identity(context);
  }
  BucketInfo describe_bucket(const CallContext& context) override {
    ++counter_.other;
    return inner_.describe_bucket(context);
  }
  std::optional<VersionToken> token_below_marker(const ObjectKey& key,
                                                 const CallContext& context) override {
    ++counter_.list;
    ServerHelps* helps = helps_of(inner_);
    return helps ? helps->token_below_marker(key, context) : std::nullopt;
  }
  std::vector<std::string> renounced() const override {
    const ServerHelps* helps = helps_of(inner_);
    return helps ? helps->renounced() : std::vector<std::string>{};
  }
  void renounce(const std::vector<std::string>& helps) override {
    if (ServerHelps* server = helps_of(inner_)) server->renounce(helps);
  }

 private:
  template <class Result>
  Result counted(Result result) const {
    counter_.answered(0);
    return result;
  }

  ObjectStore& inner_;
  RequestCounter& counter_;
  std::optional<CountedUploads> uploads_;
};

}  // namespace

RequestCounts RequestCounter::counts() const {
  return {list.load(), head.load(), get.load(), put.load(), del.load(), other.load()};
}

std::unique_ptr<ObjectStore> make_counted_store(ObjectStore& inner,
                                                RequestCounter& counter) {
  return std::make_unique<CountedStore>(inner, counter);
}

}  // namespace cloudsync::storage
