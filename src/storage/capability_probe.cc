// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

#include "base/key_order.h"
#include "base/log.h"
#include "hash/digest.h"
#include "storage/decorators.h"

namespace cloudsync::storage {
namespace {

constexpr std::chrono::seconds kCleanUp{60};
constexpr std::chrono::seconds kCleanUpAfterStop{5};

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// Failures that say nothing about what the server honours.
bool is_inconclusive(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kCancelled:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kThrottled:
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
      return true;
    default:
      return false;
  }
}

// An answer of the service, not a broken line: what it fails at may be what it does not
// know (Azurite answers 500 to a checksum header).
bool is_answered_failure(const Error& error) {
  return error.code() == ErrorCode::kUnavailable && error.detail().http_status >= 500;
}

// 412, and AWS's 409 for a collision, in whatever form the store hands them on.
bool is_refusal(const Error& error) {
  const int status = error.detail().http_status;
  return error.code() == ErrorCode::kPreconditionFailed || status == 409 || status == 412;
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
  Probe(ObjectStore& store, std::string folder, const CallContext& context)
      : store_(store), folder_(std::move(folder)), context_(context) {}

  Capabilities run();
  // Its own context: what was written is removed also after a stop, but a server that
  // does not answer must not hold that up.
  void clean_up();

 private:
  ObjectKey key(const std::string& name) const { return {folder_ + name}; }
  PutRequest request(const std::string& name, Precondition condition = {}) const;
  PutResult put(const PutRequest& request, const std::string& body = "probe");
  // Whether `call` was refused by its condition. A server that answers with another error
  // does not know conditions.
  template <class Call>
  bool refuses(Call&& call) const;
  // Whether `call` is an answer of the kind that a feature gives that is there.
  template <class Call>
  bool works(Call&& call) const;

  bool probe_put();
  void probe_multipart(Capabilities& capabilities);
  PutResult upload(const Precondition& condition);
  bool upload_refused(const Precondition& condition);
  bool probe_delete();
  void probe_batch_delete(Capabilities& capabilities);
  bool probe_copy_source();
  bool probe_copy_destination();
  bool accepts_nested();
  bool probe_nested();
  void probe_listing(Capabilities& capabilities);
  template <class Checksum>
  bool probe_checksum(std::optional<Checksum> PutRequest::* member, Checksum right);
  bool accepts(const PutRequest& checked);
  std::vector<std::string> listed(const ListRequest& request);

  ObjectStore& store_;
  std::string folder_;
  const CallContext& context_;
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
  written_.push_back(request.key);
  MemorySource source(bytes_of(body));
  return store_.put(request, source, context_);
}

template <class Call>
bool Probe::refuses(Call&& call) const {
  try {
    const Outcome outcome = call();
    return outcome == Outcome::kPreconditionFailed || outcome == Outcome::kNotFound;
  } catch (const Error& error) {
    if (is_inconclusive(error)) throw;
    return is_refusal(error);
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

bool Probe::probe_put() {
  // A token from nowhere may be no token at all to this store, and be refused as such.
  wrong_token_ = put(request("w"), "another").token;
  put(request("c"));
  const bool absent =
      refuses([&] { return put(request("c", {{}, true}), "other").outcome; });
  const bool wrong =
      refuses([&] { return put(request("c", {wrong_token_, false}), "third").outcome; });
  if (!absent || !wrong) return false;
  const auto now = store_.head(key("c"), context_);
  // A server that refuses every condition would block each replacement.
  return now && !refuses([&] { return put(request("c", {now->token, false})).outcome; });
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

bool Probe::upload_refused(const Precondition& condition) {
  return refuses([&] { return upload(condition).outcome; });
}

void Probe::probe_multipart(Capabilities& capabilities) {
  capabilities.multipart = store_.multipart() && works([&] { upload({}); });
  capabilities.conditional_complete = capabilities.multipart &&
                                      upload_refused({{}, true}) &&
                                      upload_refused({wrong_token_, false});
}

bool Probe::probe_copy_source() {
  written_.push_back(key("d"));
  CopyRequest copy{key("c"), wrong_token_, key("d"), {}, 5};
  return refuses([&] { return store_.copy(copy, context_).outcome; }) &&
         !store_.head(key("d"), context_);
}

bool Probe::probe_copy_destination() {
  put(request("d"), "before");
  const auto before = store_.head(key("d"), context_);
  CopyRequest copy{key("c"), {}, key("d"), {{}, true}, 5};
  const bool absent = refuses([&] { return store_.copy(copy, context_).outcome; });
  copy.condition = {wrong_token_, false};
  const bool wrong =
      absent && refuses([&] { return store_.copy(copy, context_).outcome; });
  const auto after = store_.head(key("d"), context_);
  return wrong && before && after && before->token == after->token;
}

bool Probe::probe_delete() {
  const bool refused =
      refuses([&] { return store_.remove({key("c"), wrong_token_}, context_).outcome; });
  return refused && store_.head(key("c"), context_).has_value();
}

// The key's own error counts as little as an answer of success: only the object's
// survival does.
void Probe::probe_batch_delete(Capabilities& capabilities) {
  const auto survives = [&](const std::optional<VersionToken>& token) {
    put(request("e"));
    const std::vector<DeleteRequest> batch{{key("e"), token}};
    works([&] { store_.remove_many(batch, context_); });
    return store_.head(key("e"), context_).has_value();
  };
  const bool there = !survives({});
  if (!there) capabilities.batch_delete_limit = 1;
  capabilities.conditional_batch_delete = there && survives(wrong_token_);
}

// gcp-storage-emulator hangs up on such a name. It is no outage when writes just before
// and after it succeed.
bool Probe::accepts_nested() {
  try {
    return put(request("n")).outcome == Outcome::kOk;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable && is_inconclusive(error)) throw;
    put(request("k"));
    return false;
  }
}

bool Probe::probe_nested() {
  put(request("n/x"));
  if (!accepts_nested()) return false;
  ListRequest list;
  list.prefix = folder_ + "n";
  return listed(list) == std::vector<std::string>{"n", "n/x"};
}

std::vector<std::string> Probe::listed(const ListRequest& request) {
  std::vector<std::string> names;
  for (const ObjectInfo& info : store_.list(request, context_).objects) {
    names.push_back(info.key.value.substr(folder_.size()));
  }
  return names;
}

void Probe::probe_listing(Capabilities& capabilities) {
  std::vector<std::string> names{"o/a-b", "o/a.b", "o/a/b", "o/\xEE\x80\x80",
                                 "o/\xF0\x9F\x98\x80"};
  for (const std::string& name : names) put(request(name));
  ListRequest list;
  list.prefix = folder_ + "o/";
  const auto seen = listed(list);
  const auto is_sorted_by = [&](const auto& before) {
    std::sort(names.begin(), names.end(), before);
    return seen == names;
  };
  capabilities.list_order = KeyOrder::kNone;
  if (is_sorted_by(component_before)) capabilities.list_order = KeyOrder::kComponent;
  if (is_sorted_by(utf16_before)) capabilities.list_order = KeyOrder::kUtf16;
  if (is_sorted_by(std::less<>())) capabilities.list_order = KeyOrder::kUtf8;
  if (seen.size() != names.size()) return;
  list.start_after = folder_ + seen[2];
  capabilities.start_after =
      listed(list) == std::vector<std::string>(seen.begin() + 3, seen.end());
}

// A failure of the service says "no" only where the same write without the checksum
// succeeds before and after it, twice over: else it was an outage.
bool Probe::accepts(const PutRequest& checked) {
  constexpr int kFailures = 2;
  for (int failures = 0;;) {
    try {
      return put(checked).outcome == Outcome::kOk;
    } catch (const Error& error) {
      if (is_answered_failure(error)) {
        put(request("k"));
        if (++failures < kFailures) continue;
      } else if (is_inconclusive(error)) {
        throw;
      }
      return false;
    }
  }
}

template <class Checksum>
bool Probe::probe_checksum(std::optional<Checksum> PutRequest::* member, Checksum right) {
  put(request("k"));
  PutRequest checked = request("k");
  checked.*member = right;
  if (!accepts(checked)) return false;
  // One that is taken without being looked at protects nothing.
  checked.*member = right ^ 1U;
  return !accepts(checked);
}

Capabilities Probe::run() {
  const std::string text = "probe";
  const Bytes body = bytes_of(text);
  Capabilities capabilities = store_.capabilities();
  capabilities.conditional_put = probe_put();
  probe_multipart(capabilities);
  capabilities.conditional_copy_source = probe_copy_source();
  capabilities.conditional_copy_destination = probe_copy_destination();
  capabilities.conditional_delete = probe_delete();
  probe_batch_delete(capabilities);
  capabilities.nested_keys = probe_nested();
  probe_listing(capabilities);
  capabilities.crc64nvme = probe_checksum(&PutRequest::crc64nvme, hash::crc64nvme(body));
  // Reads are checked against it too, so it is only confirmed where it is claimed.
  capabilities.crc32c =
      capabilities.crc32c && probe_checksum(&PutRequest::crc32c, hash::crc32c(body));
  capabilities.declared = true;
  return capabilities;
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

Capabilities probe_capabilities(ObjectStore& store, const std::string& prefix,
                                const std::string& probe_id, const CallContext& context) {
  Probe probe(store, prefix + ".cloudsync/probe/" + probe_id + "/", context);
  const auto clean_up = [&] {
    try {
      probe.clean_up();
    } catch (const Error& error) {
      base::log().warn("cannot remove the probe's objects below {}.cloudsync/probe/: {}",
                       prefix, error.what());
    }
  };
  try {
    const Capabilities capabilities = probe.run();
    clean_up();
    return capabilities;
  } catch (const Error& error) {
    clean_up();
    throw error.with_context("finding out what " + store.describe() + " honours");
  }
}

}  // namespace cloudsync::storage
