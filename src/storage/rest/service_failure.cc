// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/service_failure.h"

#include "base/encoding.h"

namespace cloudsync::storage::rest {

std::string describe(const Place& place) {
  std::string text(place.operation);
  if (!place.key.empty()) text += " of \"" + base::printable(place.key) + "\"";
  text += place.key.empty() ? " on " : " in ";
  text += place.scheme;
  text += "://" + base::printable(place.bucket) + " at ";
  text += place.endpoint;
  return text;
}

ErrorCode classify_status(int status) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 405:
    case 501:
      return ErrorCode::kUnsupported;
    case 408:
      return ErrorCode::kUnavailable;
    case 412:
      return ErrorCode::kPreconditionFailed;
    case 429:
    case 503:
      return ErrorCode::kThrottled;
    default:
      break;
  }
  // A code inside a 200 that nobody has documented is the service's fault, not the
  // request's.
  return status >= 500 || status < 300 ? ErrorCode::kUnavailable
                                       : ErrorCode::kInvalidArgument;
}

std::string service_words(std::string_view code, const Refusal& refusal) {
  std::string words = base::printable(code);
  if (!refusal.message.empty()) {
    words += words.empty() ? "" : ": ";
    words += base::printable(refusal.message);
  }
  return with_status(std::move(words), refusal);
}

std::string with_status(std::string words, const Refusal& refusal) {
  const bool bracket = !words.empty();
  words += bracket ? " (HTTP " : "HTTP ";
  words += std::to_string(refusal.status);
  if (!refusal.request_id.empty()) {
    words += ", request id " + base::printable(refusal.request_id);
  }
  return bracket ? words + ")" : words;
}

std::string_view bounded(std::string_view words) {
  constexpr std::size_t kEnough = 1024;
  return words.substr(0, kEnough);
}

std::string first_words(std::string_view body, std::size_t enough) {
  return std::string(body.substr(0, std::min(body.find('\n'), enough)));
}

}  // namespace cloudsync::storage::rest
