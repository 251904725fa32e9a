// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_deletions.h"

#include "base/log.h"
#include "storage/azure/azure_responses.h"
#include "storage/azure/azure_wire.h"

#include <algorithm>
#include <utility>

namespace cloudsync::storage::azure {
namespace {

// Servers without batches, accounts whose features exclude them, and credentials that may
// delete blobs but not speak to the container. Blob by blob tells the true story.
bool refuses_batches(const ServiceFailure& failure, const AzureConfig& config) {
  // Azurite has no rule for batches with an account SAS, and says no more than 500.
  if (failure.status == 500 && failure.code.empty() && !config.azure) return true;
  switch (classify(failure)) {
    case ErrorCode::kUnsupported:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kInvalidArgument:
      return true;
    case ErrorCode::kNotFound:
      return failure.code != "ContainerNotFound";
    default:
      return false;
  }
}

AzureAnswer answer_of(const http::HttpResponse& response) {
  AzureAnswer answer;
  answer.http = response;
  if (response.status < 200 || response.status >= 300) {
    answer.failure = parse_failure(response);
  }
  return answer;
}

}  // namespace

DeleteResult AzureDeletions::outcome_of(const AzureRequest& built,
                                        const DeleteRequest& request,
                                        const AzureAnswer& answer) const {
  if (request.if_match && is_condition_failed(answer)) {
    return {Outcome::kPreconditionFailed, {}};
  }
  if (is_absent(answer)) return {};
  client_.require_ok(built, answer);
  return {};
}

DeleteResult AzureDeletions::remove(const DeleteRequest& request,
                                    const CallContext& context) {
  const AzureRequest built = build_.remove(request);
  return outcome_of(built, request, client_.send(built, context));
}

void AzureDeletions::remove_into(Slot& slot, const CallContext& context) {
  slot.answered = true;
  try {
    const AzureAnswer answer = client_.send(slot.built, context);
    *slot.result = outcome_of(slot.built, *slot.request, answer);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    slot.result->error = error;
  }
}

std::string AzureDeletions::compose(std::span<Slot> slots, const std::string& boundary,
                                    const CallContext& context) {
  std::vector<std::string> sub_requests;
  sub_requests.reserve(slots.size());
  for (const Slot& slot : slots) {
    sub_requests.push_back(client_.sub_request(slot.built, context));
  }
  return compose_batch(boundary, sub_requests);
}

void AzureDeletions::settle(Slot& slot, const http::HttpResponse& response,
                            const CallContext& context) {
  const AzureAnswer answer = answer_of(response);
  // The authorization inside a batch cannot be corrected there.
  if (answer.failure && classify(*answer.failure) == ErrorCode::kUnauthenticated) {
    remove_into(slot, context);
    return;
  }
  slot.answered = true;
  try {
    *slot.result = outcome_of(slot.built, *slot.request, answer);
  } catch (const Error& error) {
    slot.result->error = error;
  }
}

void AzureDeletions::read_parts(std::span<const BatchPart> parts, std::span<Slot> slots,
                                const CallContext& context) {
  for (const BatchPart& part : parts) {
    if (!part.id || *part.id >= slots.size() || slots[*part.id].answered) continue;
    settle(slots[*part.id], part.http, context);
  }
  for (const Slot& slot : slots) {
    if (slot.answered) continue;
    slot.result->error =
        Error(ErrorCode::kUnavailable, azure::describe(client_.site(slot.built)) +
                                           ": the batch's answer leaves this blob out");
  }
}

bool AzureDeletions::remove_batch(std::span<Slot> slots, const CallContext& context) {
  const std::string boundary = "batch_" + guid_of(base::random_hex_id(client_.random()));
  const AzureRequest built = build_.batch(boundary, compose(slots, boundary, context));
  AzureAnswer answer = client_.send(built, context);
  std::vector<BatchPart> parts;
  if (answer.ok()) {
    parts = client_.interpret(built, [&] {
      return parse_batch(answer.http.header("content-type").value_or(""),
                         answer.http.body);
    });
    // A refusal of the whole may come as its only part, without a Content-ID.
    if (parts.size() == 1 && !parts[0].id) answer = answer_of(parts[0].http);
  }
  if (answer.failure && refuses_batches(*answer.failure, client_.config())) {
    base::log().info("{}; deleting blob by blob",
                     make_error(*answer.failure, client_.site(built)).what());
    return false;
  }
  client_.require_ok(built, answer);
  read_parts(parts, slots, context);
  return true;
}

std::vector<DeleteResult> AzureDeletions::remove_many(
    std::span<const DeleteRequest> requests, const CallContext& context) {
  const std::uint32_t limit = client_.config().capabilities.batch_delete_limit;
  if (requests.size() > limit) {
    throw Error(ErrorCode::kInvalidArgument,
                "Delete Blobs: " + std::to_string(requests.size()) +
                    " blobs in one request, the limit is " + std::to_string(limit));
  }
  std::vector<DeleteResult> results(requests.size());
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    try {
      slots.push_back({&requests[i], &results[i], build_.remove(requests[i]), false});
    } catch (const Error& error) {
      results[i].error = error;  // a name that Azure forbids
    }
  }
  const bool one_by_one = slots.size() < 2 || batches_refused_.load();
  if (!one_by_one && remove_batch(slots, context)) return results;
  if (!one_by_one) batches_refused_.store(true);
  for (Slot& slot : slots) remove_into(slot, context);
  return results;
}

}  // namespace cloudsync::storage::azure
