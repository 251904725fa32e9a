// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_copy.h"

#include "base/encoding.h"
#include "base/log.h"
#include "storage/azure/azure_headers.h"
#include "storage/azure/azure_wire.h"

#include <algorithm>
#include <chrono>

namespace cloudsync::storage::azure {
namespace {

constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{5000};

void pause(const base::Clock& clock, std::chrono::milliseconds duration,
           const CallContext& context) {
  clock.sleep_for(duration, context.stop);
  context.throw_if_stopped();
  if (context.deadline && clock.steady_now() >= *context.deadline) {
    throw Error(ErrorCode::kDeadlineExceeded,
                "the server-side copy has not ended in time; it goes on without us");
  }
}

bool has_failed(const CopyState& state) {
  return state.status == "failed" || state.status == "aborted";
}

// A blob with content is somebody's file, whatever is said about the copy into it.
bool is_empty(const http::HttpResponse& blob) {
  return blob.header("content-length").value_or("") == "0";
}

bool is_source_changed(const AzureAnswer& answer) {
  return answer.is("SourceConditionNotMet") || is_condition_failed(answer);
}

}  // namespace

PutResult AzureCopy::run(const CopyRequest& request, const ObjectInfo& source,
                         const Tags& tags, const CallContext& context) {
  const AzureRequest built = build_.copy(request, client_.readable_source(request.source),
                                         source.storage_class, tags);
  const AzureAnswer answer = client_.send(built, context);
  const bool refused = is_condition_failed(answer, request.condition) ||
                       (request.source_if_match && is_source_changed(answer));
  // An absent destination fails If-Match with 412; 404 is about the source.
  if (is_absent(answer)) return rest::put_outcome(Outcome::kNotFound);
  if (refused) return rest::put_outcome(Outcome::kPreconditionFailed);
  if (answer.is("BlobArchived") || answer.is("BlobBeingRehydrated")) {
    return rest::put_outcome(Outcome::kArchived);
  }
  client_.require_ok(built, answer);
  const CopyState state = copy_state(answer.http);
  return client_.interpret(built, [&] {
    if (state.status == "success") return put_result(answer.http, client_.now_ns());
    // Without the id its end could not be told from that of any other copy.
    if (state.id.empty()) rest::unreadable("no valid x-ms-copy-id header");
    return await_end(request, state.id, context);
  });
}

http::HttpResponse AzureCopy::ask(const AzureRequest& head, const CallContext& context) {
  AzureAnswer answer = client_.send(head, context);
  client_.require_ok(head, answer);
  return std::move(answer.http);
}

PutResult AzureCopy::await_end(const CopyRequest& request, const std::string& copy_id,
                               const CallContext& context) {
  const AzureRequest head = build_.head(request.destination);
  std::chrono::milliseconds duration = kFirstPause;
  for (;;) {
    pause(client_.clock(), duration, context);
    duration = std::min(duration * 2, kLongestPause);
    const http::HttpResponse destination = ask(head, context);
    const CopyState state = copy_state(destination);
    if (state.id != copy_id) {
      throw Error(ErrorCode::kPreconditionFailed,
                  "another writer replaced the destination during the copy");
    }
    if (state.status == "success") return put_result(destination, client_.now_ns());
    if (has_failed(state)) give_up(request, destination, context);
    if (state.status != "pending") {
      rest::unreadable("x-ms-copy-status is '" + base::printable(state.status) + "'");
    }
  }
}

// What a failed copy leaves behind is an empty blob that nobody may take for a file.
void AzureCopy::remove_wreck(const CopyRequest& request,
                             const http::HttpResponse& destination,
                             const CallContext& context) {
  DeleteRequest wreck;
  wreck.key = request.destination;
  wreck.if_match = VersionToken{unquoted(destination.header("etag").value_or(""))};
  const AzureRequest built = build_.remove(wreck);
  const AzureAnswer removed = client_.send(built, context);
  if (removed.ok() || is_absent(removed)) return;
  base::log().warn("{}: the empty blob that a failed copy left behind stays",
                   azure::describe(client_.site(built)));
}

void AzureCopy::give_up(const CopyRequest& request, const http::HttpResponse& destination,
                        const CallContext& context) {
  if (is_empty(destination)) remove_wreck(request, destination, context);
  const CopyState state = copy_state(destination);
  throw Error(ErrorCode::kUnavailable, "the server-side copy ended as '" +
                                           base::printable(state.status) +
                                           "': " + base::printable(state.description));
}

}  // namespace cloudsync::storage::azure
