// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_sessions.h"

#include "base/encoding.h"
#include "base/log.h"
#include "hash/digest.h"
#include "storage/gcs/gcs_body.h"
#include "storage/gcs/gcs_media.h"
#include "storage/gcs/gcs_responses.h"

#include <algorithm>

namespace cloudsync::storage::gcs {
namespace {

constexpr std::uint64_t kChunkMultiple = 256 << 10;

bool is_gone(const GcsAnswer& answer) { return answer.is(404) || answer.is(410); }

// Parts are told apart by where they end: the service names none of them.
PartReceipt receipt_of(std::uint32_t number, std::uint64_t size, std::uint64_t end) {
  PartReceipt receipt;
  receipt.number = number;
  receipt.size = size;
  receipt.etag = std::to_string(end);
  return receipt;
}

void check_part(const PartRequest& request, const SessionId& session,
                std::uint64_t length) {
  const std::uint64_t end = request.offset + length;
  const bool last = end == session.size;
  const bool in_place = session.part_size == 0 || request.number == 0 ||
                        request.offset == (request.number - 1) * session.part_size;
  if (length != 0 && end <= session.size && in_place &&
      (last || end % kChunkMultiple == 0)) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "part " + std::to_string(request.number) + " of \"" +
                  base::printable(request.key.value) +
                  "\": its place and size do not belong to this upload; all parts but "
                  "the last are a multiple of 256 KiB");
}

std::vector<std::byte> read_all(ByteSource& source) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(source.size()));
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const std::size_t n = source.read(MutableBytes(bytes).subspan(filled));
    if (n == 0) {
      throw Error(ErrorCode::kLocalIo, "the data to send ended after " +
                                           std::to_string(filled) + " of " +
                                           std::to_string(bytes.size()) + " bytes");
    }
    filled += n;
  }
  return bytes;
}

}  // namespace

UploadId GcsSessions::begin_upload(const BeginUploadRequest& request,
                                   const CallContext& context) {
  const GcsRequest built = build_.begin_session(request);
  const GcsAnswer answer = client_.send(built, context);
  client_.require_ok(built, answer);
  const GcsConfig& config = client_.config();
  SessionId session{request.part_size, request.size,
                    generation_condition(request.condition),
                    std::string(answer.http.header("location").value_or(""))};
  const std::string origin = origin_of(session.url);
  client_.interpret(built, [&] {
    if (origin.empty())
      throw Error(ErrorCode::kUnavailable, "unreadable answer: no session URI");
    if (!is_own_origin(config, origin) && config.google) {
      throw Error(ErrorCode::kUnsupported,
                  "the session is at another host than the endpoint");
    }
  });
  // An emulator behind a forwarded port does not know its own address.
  if (!is_own_origin(config, origin)) {
    session.url = config.origin + session.url.substr(origin.size());
  }
  const UploadId id = encode_session(session);
  table_.get(id)->persisted = 0;
  return id;
}

GcsSessions::Call GcsSessions::open(const ObjectKey& key, const UploadId& upload,
                                    const CallContext& context) {
  auto session = decode_session(upload, client_.config());
  if (!session) {
    throw Error(ErrorCode::kNotFound, "the upload of \"" + base::printable(key.value) +
                                          "\" was begun at another endpoint");
  }
  auto state = table_.get(upload);
  std::unique_lock lock(state->mutex);
  return {key, upload, std::move(*session), std::move(state), std::move(lock), context};
}

void GcsSessions::throw_gone(const Call& call, const std::string& why) {
  table_.forget(call.upload);
  throw Error(ErrorCode::kNotFound, "the upload of \"" + base::printable(call.key.value) +
                                        "\" to gs://" + client_.config().bucket +
                                        " cannot go on: " + why);
}

void GcsSessions::throw_took_nothing(const Call& call) const {
  const GcsRequest built = build_.ask_session(call.key, call.session);
  throw Error(ErrorCode::kUnavailable,
              describe(client_.site(built)) +
                  ": the service kept nothing of what was sent to the session");
}

// fake-gcs-server makes an object of what it has when a session is asked for its state.
// Nobody may take that for the file, so it goes, by its generation.
void GcsSessions::remove_fragment(const Call& call, const ObjectInfo& fragment) {
  DeleteRequest request;
  request.key = call.key;
  request.if_match = fragment.token;
  const GcsRequest built = build_.remove(request);
  const GcsAnswer answer = client_.send(built, call.context);
  // 412: somebody has replaced it already.
  if (!is_gone(answer) && !answer.is(412)) client_.require_ok(built, answer);
  base::log().warn(
      "the server ended the upload of {} by itself after {} of {} bytes; what it stored "
      "was removed and the upload begins anew",
      base::printable(call.key.value), fragment.size, call.session.size);
}

GcsSessions::Status GcsSessions::ask(const Call& call) {
  const GcsRequest built = build_.ask_session(call.key, call.session);
  const GcsAnswer answer = client_.send(built, call.context);
  Status status;
  status.gone = is_gone(answer);
  if (status.gone) return status;
  client_.require_ok(built, answer);
  client_.interpret(built, [&] {
    if (answer.http.status == 308) {
      status.persisted = persisted_bytes(answer.http);
      if (status.persisted > call.session.size) {
        rest::unreadable("the service keeps more than the object has");
      }
    } else {
      status.object = parse_object(answer.http.body);
    }
  });
  // Never at Google's own service, where what is smaller could only be another's object.
  if (status.object && status.object->size < call.session.size &&
      !client_.config().google) {
    remove_fragment(call, *status.object);
    return {.gone = true, .persisted = 0, .object = std::nullopt};
  }
  if (!status.object) call.state->persisted = status.persisted;
  return status;
}

std::uint64_t GcsSessions::persisted(const Call& call) {
  if (call.state->persisted) return *call.state->persisted;
  const Status status = ask(call);
  if (status.gone) throw_gone(call, "the session was cancelled or has expired");
  if (status.object) throw_gone(call, "it is complete already");
  return status.persisted;
}

std::optional<ObjectInfo> GcsSessions::send_chunk(const Call& call, const Chunk& chunk,
                                                  ByteSource& body, Outcome& outcome) {
  call.state->persisted.reset();
  const GcsRequest built = build_.send_chunk(call.key, call.session, chunk);
  const GcsAnswer answer = client_.send(built, call.context, {&body});
  if (is_gone(answer)) throw_gone(call, "the session was cancelled or has expired");
  if (answer.is(412)) {
    outcome = Outcome::kPreconditionFailed;
    return std::nullopt;
  }
  client_.require_ok(built, answer);
  return client_.interpret(built, [&]() -> std::optional<ObjectInfo> {
    if (answer.http.status != 308) return parse_object(answer.http.body);
    const std::uint64_t kept = persisted_bytes(answer.http);
    if (kept > chunk.end) {
      throw Error(ErrorCode::kUnavailable,
                  "unreadable answer: the service keeps more than was sent");
    }
    call.state->persisted = kept;
    return std::nullopt;
  });
}

void GcsSessions::send_part(const Call& call, std::uint64_t offset, ByteSource& source) {
  const std::uint64_t end = offset + source.size();
  std::uint64_t from = persisted(call);
  if (from < offset) throw_gone(call, "the service does not have all bytes before it");
  CheckedSource body(source);
  while (from < end) {
    body.start_at(from - offset);
    Outcome outcome = Outcome::kOk;
    const Chunk chunk{from, end, false, ""};
    if (send_chunk(call, chunk, body, outcome)) {
      throw Error(ErrorCode::kUnsupported, "the server published \"" +
                                               base::printable(call.key.value) +
                                               "\", of which only a part was sent");
    }
    if (outcome != Outcome::kOk) {
      throw Error(ErrorCode::kPreconditionFailed,
                  "\"" + base::printable(call.key.value) +
                      "\" changed while it was being uploaded");
    }
    if (*call.state->persisted <= from) throw_took_nothing(call);
    from = *call.state->persisted;
  }
  call.state->append_crc(offset, source.size(), body.crc32c());
}

void GcsSessions::keep_tail(const Call& call, std::uint64_t offset,
                            ByteSource& source) const {
  call.state->tail = read_all(source);
  call.state->tail_begin = offset;
}

PartReceipt GcsSessions::upload_part(const PartRequest& request, ByteSource& source,
                                     const CallContext& context) {
  const Call call = open(request.key, request.upload, context);
  const std::uint64_t size = source.size();
  check_part(request, call.session, size);
  const std::uint64_t end = request.offset + size;
  if (end == call.session.size) {
    keep_tail(call, request.offset, source);
  } else {
    send_part(call, request.offset, source);
  }
  return receipt_of(request.number, size, end);
}

PartReceipt GcsSessions::copy_part(const CopyPartRequest&, const CallContext&) {
  throw Error(ErrorCode::kUnsupported,
              "Google Cloud Storage copies objects whole; there are no parts to copy");
}

// A service that checked the hashes cannot have stored anything else; one that ignores
// them can.
void GcsSessions::verify(const Call& call, const CompleteRequest& request,
                         const ObjectInfo& stored) const {
  const auto crc = call.state->whole_crc(call.session.size);
  const bool whole = stored.size == call.session.size;
  const bool same_md5 = !request.md5 || !stored.md5 || *request.md5 == *stored.md5;
  const bool same_crc = !crc || !stored.crc32c || *crc == *stored.crc32c;
  if (whole && same_md5 && same_crc) return;
  throw Error(ErrorCode::kDataCorrupt,
              "the server stored \"" + base::printable(call.key.value) + "\" in gs://" +
                  client_.config().bucket + " with " + std::to_string(stored.size) +
                  " bytes that are not the " + std::to_string(call.session.size) +
                  " that were sent; upload it again");
}

std::optional<ObjectInfo> GcsSessions::send_tail(const Call& call,
                                                 const std::string& hashes,
                                                 Outcome& outcome) {
  const SessionState& state = *call.state;
  std::uint64_t from = *state.persisted;
  for (;;) {
    MemorySource rest(Bytes(*state.tail).subspan(from - state.tail_begin));
    const Chunk chunk{from, call.session.size, true, hashes};
    auto stored = send_chunk(call, chunk, rest, outcome);
    if (stored || outcome != Outcome::kOk) return stored;
    if (*state.persisted <= from) throw_took_nothing(call);
    from = *state.persisted;
  }
}

bool GcsSessions::holds_condition(const Call& call, const Precondition& condition) const {
  const std::string wanted = generation_condition(condition);
  if (!wanted.empty() && call.session.condition.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "an upload session has its condition from the beginning on; this one was "
                "begun without");
  }
  return wanted.empty() || wanted == call.session.condition;
}

std::optional<ObjectInfo> GcsSessions::publish(const Call& call,
                                               const CompleteRequest& request,
                                               Outcome& outcome) {
  SessionState& state = *call.state;
  if (!state.persisted) {
    Status status = ask(call);
    if (status.gone)
      throw_gone(call, "the session is over, perhaps because it succeeded");
    if (status.object) return std::move(status.object);
  }
  if (*state.persisted < state.tail_begin)
    throw_gone(call, "the service does not have all bytes before the last part");
  const auto crc = state.whole_crc(call.session.size);
  return send_tail(call, hash_header(crc, request.md5), outcome);
}

PutResult GcsSessions::complete_upload(const CompleteRequest& request,
                                       const CallContext& context) {
  const Call call = open(request.key, request.upload, context);
  if (!holds_condition(call, request.condition))
    return put_outcome(Outcome::kPreconditionFailed);
  if (!call.state->tail) throw_gone(call, "its last part is not in memory any more");
  Outcome outcome = Outcome::kOk;
  const auto stored = publish(call, request, outcome);
  if (!stored) return put_outcome(outcome);
  verify(call, request, *stored);
  table_.forget(request.upload);
  return put_result(*stored);
}

void GcsSessions::abort_upload(const ObjectKey& key, const UploadId& upload,
                               const CallContext& context) {
  table_.forget(upload);
  const auto session = decode_session(upload, client_.config());
  if (!session) return;
  const GcsRequest built = build_.cancel_session(key, *session);
  const GcsAnswer answer = client_.send(built, context);
  // 499 is the service's word for a cancelled one; gcp-storage-emulator cannot cancel,
  // and a session that is left over ends by itself.
  if (answer.is(499) || answer.is(501) || is_gone(answer)) return;
  client_.require_ok(built, answer);
}

std::optional<std::vector<PartReceipt>> GcsSessions::list_parts(
    const ObjectKey& key, const UploadId& upload, const CallContext& context) {
  if (!decode_session(upload, client_.config())) return std::nullopt;
  const Call call = open(key, upload, context);
  const Status status = ask(call);
  if (status.gone || status.object) {
    table_.forget(upload);
    return std::nullopt;
  }
  const SessionId& session = call.session;
  std::vector<PartReceipt> parts;
  if (session.part_size == 0) return parts;
  // The last part is never among them: it has not been sent.
  const std::uint64_t sent = std::min(status.persisted, session.size - 1);
  for (std::uint64_t i = 1; i <= sent / session.part_size; ++i) {
    parts.push_back(receipt_of(static_cast<std::uint32_t>(i), session.part_size,
                               i * session.part_size));
  }
  return parts;
}

// Only who began a session knows of it; one that is left over ends by itself in a week.
std::vector<UploadInfo> GcsSessions::list_uploads(const std::string&,
                                                  const CallContext&) {
  return {};
}

}  // namespace cloudsync::storage::gcs
