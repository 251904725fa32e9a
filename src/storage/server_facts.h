// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/object_store.h"

namespace cloudsync::storage {

// What a server was seen to do with a condition or a feature.
enum class Support {
  kHonoured,
  kIgnored,  // taken, and without effect
  kRefused,  // answered 400, 404, 405 or 501: not known there
  kUnknown,  // no answer that tells: 403, 429, 5xx, time-out
};

// The features that a probe asks for; also their names in the database.
namespace feature {
inline constexpr char kPut[] = "conditional_put";
inline constexpr char kComplete[] = "conditional_complete";
inline constexpr char kDelete[] = "conditional_delete";
inline constexpr char kBatchDelete[] = "batch_delete";
inline constexpr char kConditionalBatchDelete[] = "conditional_batch_delete";
inline constexpr char kCopySource[] = "conditional_copy_source";
inline constexpr char kCopyDestination[] = "conditional_copy_destination";
inline constexpr char kMultipart[] = "multipart";
inline constexpr char kNestedKeys[] = "nested_keys";
inline constexpr char kListOrder[] = "list_order";
inline constexpr char kStartAfter[] = "start_after";
inline constexpr char kCrc64nvme[] = "crc64nvme";
inline constexpr char kCrc32c[] = "crc32c";
}  // namespace feature

// What is known of one endpoint and bucket. Nothing of it holds for ever: servers are
// updated and gateways reconfigured.
struct ServerFacts {
  std::map<std::string, Support, std::less<>> support;
  KeyOrder list_order = KeyOrder::kNone;
  std::vector<std::string> renounced;  // see ServerHelps
  std::int64_t learnt_ns = 0;          // of the oldest part
  // Why steps of this run's probe stayed without an answer; never remembered.
  std::map<std::string, std::string, std::less<>> doubts;

  Support of(std::string_view name) const;
  // Nothing is left to ask.
  bool complete() const;
  // A flag is true only where it was seen to hold; of an upload in parts that nobody
  // could try, the first large file will tell.
  Capabilities over(const Capabilities& declared) const;
};

// Of a service that keeps what its protocol says.
ServerFacts declared_facts(const Capabilities& declared);

// What is unknown is left out, and asked again.
std::string facts_to_json(const ServerFacts& facts);
// Reads the earlier form too, which has no time: its facts are as old as can be. Nothing
// when the text is not ours.
std::optional<ServerFacts> facts_from_json(const std::string& text);

}  // namespace cloudsync::storage
