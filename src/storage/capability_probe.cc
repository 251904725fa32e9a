// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

#include "base/key_order.h"
#include "base/log.h"
#include "base/retry.h"
#include "hash/digest.h"
#include "storage/decorators.h"

namespace cloudsync::storage {
namespace {

// Of one step; a probe is no reason to keep a run waiting.
constexpr base::RetryPolicy kStepRetries{.retries = 2,
                                         .delay = std::chrono::milliseconds(300),
                                         .max_delay = std::chrono::milliseconds(1000)};
constexpr std::chrono::seconds kWholeProbe{90};
constexpr int kMostOutages = 3;  // steps that failed on the way; then nobody is there
constexpr std::chrono::seconds kCleanUp{60};
constexpr std::chrono::seconds kCleanUpAfterStop{5};

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// 412, and AWS's 409 for a collision, in whatever form the store hands them on.
bool is_refusal(const Error& error) {
  const int status = error.detail().http_status;
  return error.code() == ErrorCode::kPreconditionFailed || status == 409 || status == 412;
}

// An outage is no answer, a missing right is none about the server, and a service that
// fails inside may not fail tomorrow. 501 is the word for what is not there, and some say
// it by a code of their own.
bool is_inconclusive(const Error& error) {
  const int status = error.detail().http_status;
  if (status == 501 || error.code() == ErrorCode::kUnsupported) return false;
  if (status >= 500 || status == 403 || status == 429) return true;
  switch (error.code()) {
    case ErrorCode::kCancelled:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kThrottled:
    case ErrorCode::kDeadlineExceeded:
      return true;
    case ErrorCode::kUnavailable:
      return !is_refusal(error);
    default:
      return false;
  }
}

bool utf16_before(const std::string& a, const std::string& b) {
  return base::compare_utf16(a, b) < 0;
}

bool component_before(const std::string& a, const std::string& b) {
  const auto rank = [](char c) { return c == '/' ? -1 : static_cast<unsigned char>(c); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

class Probe {
 public:
  Probe(ObjectStore& store, std::string folder, ServerFacts known,
        const CallContext& context)
      : store_(store),
        folder_(std::move(folder)),
        facts_(std::move(known)),
        caller_(context),
        context_(bounded(context)) {}

  // Throws only kCancelled.
  void run();
  // Its own context: what was written is removed also after a stop, but a server that
  // does not answer must not hold that up.
  void clean_up();
  const ServerFacts& facts() const { return facts_; }
  // The server's clock, where the probe could write.
  std::optional<std::int64_t> server_now_ns() const { return server_now_ns_; }

 private:
  static CallContext bounded(CallContext context) {
    const auto end = std::chrono::steady_clock::now() + kWholeProbe;
    context.deadline = context.deadline ? std::min(*context.deadline, end) : end;
    return context;
  }
  ObjectKey key(const std::string& name) const { return {folder_ + name}; }
  PutRequest request(const std::string& name, Precondition condition = {}) const;
  PutResult put(const PutRequest& request, const std::string& body = "probe");

  // Settles one feature, unless it is known already.
  template <class Step>
  void settle(const char* name, Step&& step);
  void note_doubt(const char* name, const Error& error);

  // What became of a call whose condition does not hold. A server that answers with
  // another error does not know conditions.
  template <class Call>
  Support refuses(Call&& call) const;
  // Whether `call` is an answer of the kind that a feature gives that is there.
  template <class Call>
  bool works(Call&& call) const;

  void begin();
  Support probe_put();
  PutResult upload(const Precondition& condition);
  Support probe_multipart();
  Support probe_complete();
  Support probe_delete();
  bool survives_batch(const std::optional<VersionToken>& token);
  Support probe_copy_source();
  Support probe_copy_destination();
  Support probe_nested();
  Support probe_order();
  Support probe_start_after();
  std::vector<std::string> put_ordered();
  template <class Checksum>
  Support probe_checksum(std::optional<Checksum> PutRequest::* member, Checksum right);
  bool accepts(const PutRequest& checked);
  std::vector<std::string> listed(const ListRequest& request);

  ObjectStore& store_;
  std::string folder_;
  ServerFacts facts_;
  const CallContext& caller_;
  const CallContext context_;
  int outages_ = 0;
  bool writable_ = true;
  std::optional<std::int64_t> server_now_ns_;
  VersionToken wrong_token_;  // of the shape of this store's own
  std::vector<ObjectKey> written_;
  std::vector<std::pair<ObjectKey, UploadId>> uploads_;
};

PutRequest Probe::request(const std::string& name, Precondition condition) const {
  PutRequest request;
  request.key = key(name);
  request.condition = std::move(condition);
  return request;
}

PutResult Probe::put(const PutRequest& request, const std::string& body) {
  MemorySource source(bytes_of(body));
  try {
    const PutResult result = store_.put(request, source, context_);
    written_.push_back(request.key);
    return result;
  } catch (const Error& error) {
    const int status = error.detail().http_status;
    const bool refused = status >= 400 && status < 500;
    if (!refused) written_.push_back(request.key);
    throw;
  }
}

void Probe::note_doubt(const char* name, const Error& error) {
  const ServiceDetail& detail = error.detail();
  if (detail.http_status == 0 && detail.provider_code.empty()) ++outages_;
  facts_.doubts[name] = error.what();
}

template <class Step>
void Probe::settle(const char* name, Step&& step) {
  if (facts_.of(name) != Support::kUnknown) return;
  caller_.throw_if_stopped();
  if (!writable_ || outages_ >= kMostOutages) {
    facts_.doubts.try_emplace(name, "the server did not answer");
    return;
  }
  try {
    facts_.support[name] = base::retry_loop(kStepRetries, base::Idempotency::kSafe,
                                            context_, {}, [&](int) { return step(); });
  } catch (const Error& error) {
    caller_.throw_if_stopped();
    note_doubt(name, error);
  }
}

template <class Call>
Support Probe::refuses(Call&& call) const {
  try {
    const Outcome outcome = call();
    const bool refused =
        outcome == Outcome::kPreconditionFailed || outcome == Outcome::kNotFound;
    return refused ? Support::kHonoured : Support::kIgnored;
  } catch (const Error& error) {
    if (is_refusal(error)) return Support::kHonoured;
    if (is_inconclusive(error)) throw;
    return Support::kRefused;
  }
}

template <class Call>
bool Probe::works(Call&& call) const {
  try {
    call();
    return true;
  } catch (const Error& error) {
    if (is_inconclusive(error)) throw;
    return false;
  }
}

// Writes without any condition, which all else is compared with: a server that does not
// take them has said nothing yet.
void Probe::begin() {
  try {
    base::retry_loop(kStepRetries, base::Idempotency::kSafe, context_, {}, [&](int) {
      // A token from nowhere may be no token at all to this store, and be refused as
      // such.
      wrong_token_ = put(request("w"), "another").token;
      put(request("c"));
      const auto written = store_.head(key("c"), context_);
      if (written) server_now_ns_ = written->last_modified_ns;
    });
  } catch (const Error& error) {
    caller_.throw_if_stopped();
    writable_ = false;
    note_doubt(feature::kPut, error);
  }
}

Support Probe::probe_put() {
  const Support absent =
      refuses([&] { return put(request("c", {{}, true}), "other").outcome; });
  if (absent != Support::kHonoured) return absent;
  const Support wrong =
      refuses([&] { return put(request("c", {wrong_token_, false}), "third").outcome; });
  if (wrong != Support::kHonoured) return wrong;
  const auto now = store_.head(key("c"), context_);
  if (!now) return Support::kRefused;
  // A server that refuses every condition would block each replacement.
  const Support right =
      refuses([&] { return put(request("c", {now->token, false})).outcome; });
  return right == Support::kIgnored ? Support::kHonoured : Support::kRefused;
}

// One part, which is the last: nothing of the smallest size has to be sent.
PutResult Probe::upload(const Precondition& condition) {
  MultipartStore& multipart = *store_.multipart();
  const std::string body = "probe";
  BeginUploadRequest begin;
  begin.key = key("c");
  begin.condition = condition;
  begin.size = body.size();
  begin.part_size = store_.capabilities().min_part;
  const UploadId id = multipart.begin_upload(begin, context_);
  uploads_.emplace_back(begin.key, id);
  PartRequest part;
  part.key = begin.key;
  part.upload = id;
  part.number = 1;
  part.md5 = hash::Md5::of(bytes_of(body));
  MemorySource source(bytes_of(body));
  CompleteRequest complete;
  complete.key = begin.key;
  complete.upload = id;
  complete.parts = {multipart.upload_part(part, source, context_)};
  complete.size = begin.size;
  complete.condition = condition;
  return multipart.complete_upload(complete, context_);
}

Support Probe::probe_multipart() {
  const bool there = store_.multipart() && works([&] { upload({}); });
  return there ? Support::kHonoured : Support::kRefused;
}

Support Probe::probe_complete() {
  if (facts_.of(feature::kMultipart) == Support::kRefused) return Support::kRefused;
  const Support absent = refuses([&] { return upload({{}, true}).outcome; });
  if (absent != Support::kHonoured) return absent;
  return refuses([&] { return upload({wrong_token_, false}).outcome; });
}

Support Probe::probe_copy_source() {
  written_.push_back(key("d"));
  CopyRequest copy{key("c"), wrong_token_, key("d"), {}, 5};
  const Support support = refuses([&] { return store_.copy(copy, context_).outcome; });
  if (support != Support::kHonoured) return support;
  return store_.head(key("d"), context_) ? Support::kIgnored : Support::kHonoured;
}

Support Probe::probe_copy_destination() {
  put(request("d"), "before");
  const auto before = store_.head(key("d"), context_);
  CopyRequest copy{key("c"), {}, key("d"), {{}, true}, 5};
  const Support absent = refuses([&] { return store_.copy(copy, context_).outcome; });
  if (absent != Support::kHonoured) return absent;
  copy.condition = {wrong_token_, false};
  const Support wrong = refuses([&] { return store_.copy(copy, context_).outcome; });
  if (wrong != Support::kHonoured) return wrong;
  const auto after = store_.head(key("d"), context_);
  const bool untouched = before && after && before->token == after->token;
  return untouched ? Support::kHonoured : Support::kIgnored;
}

Support Probe::probe_delete() {
  put(request("c"));
  const Support support =
      refuses([&] { return store_.remove({key("c"), wrong_token_}, context_).outcome; });
  if (support != Support::kHonoured) return support;
  return store_.head(key("c"), context_) ? Support::kHonoured : Support::kIgnored;
}

// The key's own error counts as little as an answer of success: only the object's
// survival does.
bool Probe::survives_batch(const std::optional<VersionToken>& token) {
  put(request("e"));
  const std::vector<DeleteRequest> batch{{key("e"), token}};
  works([&] {
    for (const DeleteResult& result : store_.remove_many(batch, context_)) {
      if (result.error && is_inconclusive(*result.error)) throw *result.error;
    }
  });
  return store_.head(key("e"), context_).has_value();
}

Support Probe::probe_nested() {
  put(request("n/x"));
  if (!works([&] { put(request("n")); })) return Support::kRefused;
  ListRequest list;
  list.prefix = folder_ + "n";
  return listed(list) == std::vector<std::string>{"n", "n/x"} ? Support::kHonoured
                                                              : Support::kIgnored;
}

std::vector<std::string> Probe::listed(const ListRequest& request) {
  std::vector<std::string> names;
  for (const ObjectInfo& info : store_.list(request, context_).objects) {
    names.push_back(info.key.value.substr(folder_.size()));
  }
  return names;
}

std::vector<std::string> Probe::put_ordered() {
  std::vector<std::string> names{"o/a-b", "o/a.b", "o/a/b", "o/\xEE\x80\x80",
                                 "o/\xF0\x9F\x98\x80"};
  for (const std::string& name : names) put(request(name));
  return names;
}

Support Probe::probe_order() {
  std::vector<std::string> names = put_ordered();
  ListRequest list;
  list.prefix = folder_ + "o/";
  const auto seen = listed(list);
  const auto is_sorted_by = [&](const auto& before) {
    std::sort(names.begin(), names.end(), before);
    return seen == names;
  };
  facts_.list_order = KeyOrder::kNone;
  if (is_sorted_by(component_before)) facts_.list_order = KeyOrder::kComponent;
  if (is_sorted_by(utf16_before)) facts_.list_order = KeyOrder::kUtf16;
  if (is_sorted_by(std::less<>())) facts_.list_order = KeyOrder::kUtf8;
  return Support::kHonoured;
}

Support Probe::probe_start_after() {
  const std::size_t count = put_ordered().size();
  ListRequest list;
  list.prefix = folder_ + "o/";
  const auto seen = listed(list);
  if (seen.size() != count) return Support::kIgnored;
  list.start_after = folder_ + seen[2];
  std::vector<std::string> rest;
  if (!works([&] { rest = listed(list); })) return Support::kRefused;
  return rest == std::vector<std::string>(seen.begin() + 3, seen.end())
             ? Support::kHonoured
             : Support::kIgnored;
}

bool Probe::accepts(const PutRequest& checked) {
  return works([&] { put(checked); });
}

template <class Checksum>
Support Probe::probe_checksum(std::optional<Checksum> PutRequest::* member,
                              Checksum right) {
  PutRequest checked = request("k");
  checked.*member = right;
  if (!accepts(checked)) return Support::kRefused;
  // One that is taken without being looked at protects nothing.
  checked.*member = right ^ 1U;
  return accepts(checked) ? Support::kIgnored : Support::kHonoured;
}

void Probe::run() {
  begin();
  settle(feature::kPut, [&] { return probe_put(); });
  settle(feature::kMultipart, [&] { return probe_multipart(); });
  settle(feature::kComplete, [&] { return probe_complete(); });
  settle(feature::kCopySource, [&] { return probe_copy_source(); });
  settle(feature::kCopyDestination, [&] { return probe_copy_destination(); });
  settle(feature::kDelete, [&] { return probe_delete(); });
  settle(feature::kBatchDelete,
         [&] { return survives_batch({}) ? Support::kRefused : Support::kHonoured; });
  settle(feature::kConditionalBatchDelete, [&] {
    if (facts_.of(feature::kBatchDelete) != Support::kHonoured) return Support::kRefused;
    return survives_batch(wrong_token_) ? Support::kHonoured : Support::kIgnored;
  });
  settle(feature::kNestedKeys, [&] { return probe_nested(); });
  settle(feature::kListOrder, [&] { return probe_order(); });
  settle(feature::kStartAfter, [&] { return probe_start_after(); });
  const std::string text = "probe";
  const Bytes body = bytes_of(text);
  settle(feature::kCrc64nvme,
         [&] { return probe_checksum(&PutRequest::crc64nvme, hash::crc64nvme(body)); });
  // Reads are checked against it too, so it is only confirmed where it is claimed.
  settle(feature::kCrc32c, [&] {
    if (!store_.capabilities().crc32c) return Support::kRefused;
    return probe_checksum(&PutRequest::crc32c, hash::crc32c(body));
  });
}

void Probe::clean_up() {
  const CallContext context{{},
                            std::chrono::steady_clock::now() +
                                (context_.stopped() ? kCleanUpAfterStop : kCleanUp)};
  std::optional<Error> failure;
  // One that cannot be removed is no reason to leave the others.
  const auto attempt = [&](const auto& remove) {
    try {
      remove();
    } catch (const Error& error) {
      if (!failure) failure = error;
    }
  };
  for (const auto& [upload_key, upload] : uploads_) {
    attempt([&] { store_.multipart()->abort_upload(upload_key, upload, context); });
  }
  // By the names that were written, not by a listing: some servers hide one of them.
  std::sort(written_.begin(), written_.end());
  written_.erase(std::unique(written_.begin(), written_.end()), written_.end());
  for (const ObjectKey& written : written_) {
    attempt([&] { store_.remove({written, {}}, context); });
  }
  if (failure) throw *failure;
}

}  // namespace

ProbeResult probe_server(ObjectStore& store, const std::string& prefix,
                         const std::string& probe_id, ServerFacts known,
                         const CallContext& context) {
  Probe probe(store, prefix + ".cloudsync/probe/" + probe_id + "/", std::move(known),
              context);
  ProbeResult result;
  const auto clean_up = [&] {
    try {
      probe.clean_up();
    } catch (const Error& error) {
      result.clean = false;
      base::log().warn("cannot remove the probe's objects below {}.cloudsync/probe/: {}",
                       prefix, error.what());
    }
  };
  try {
    probe.run();
  } catch (const Error&) {
    clean_up();
    throw;
  }
  clean_up();
  if (const auto now_ns = probe.server_now_ns()) {
    result.clean &= remove_probe_leftovers(store, prefix, *now_ns, context);
  }
  result.facts = probe.facts();
  return result;
}

}  // namespace cloudsync::storage
