// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_session.h"

#include "base/log.h"
#include "hash/digest.h"
#include "storage/gcs/gcs_values.h"

#include <string_view>

namespace cloudsync::storage::gcs {
namespace {

// The id alone opens the session as well as the whole URI.
void redact(const std::string& url) {
  base::redact_secret(url);
  constexpr std::string_view kName = "upload_id=";
  const std::size_t found = url.find(kName);
  if (found == std::string::npos) return;
  const std::string_view id = std::string_view(url).substr(found + kName.size());
  base::redact_secret(id.substr(0, id.find('&')));
}

std::string_view take_field(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(';'), rest.size());
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field;
}

}  // namespace

UploadId encode_session(const SessionId& session) {
  redact(session.url);
  return {std::to_string(session.part_size) + ";" + std::to_string(session.size) + ";" +
          session.condition + ";" + session.url};
}

std::optional<SessionId> decode_session(const UploadId& id, const GcsConfig& config) {
  std::string_view rest = id.value;
  const auto part_size = parse_number(take_field(rest));
  const auto size = parse_number(take_field(rest));
  SessionId session;
  session.condition = take_field(rest);
  session.url = rest;
  if (!part_size || !size || !is_own_origin(config, origin_of(session.url)))
    return std::nullopt;
  session.part_size = *part_size;
  session.size = *size;
  redact(session.url);
  return session;
}

void SessionState::append_crc(std::uint64_t offset, std::uint64_t length,
                              std::uint32_t part_crc) {
  if (offset != crc_end) return;
  crc = hash::crc32c_combine(crc, part_crc, length);
  crc_end += length;
}

std::optional<std::uint32_t> SessionState::whole_crc(std::uint64_t size) const {
  if (!tail || crc_end != tail_begin || tail_begin + tail->size() != size)
    return std::nullopt;
  return hash::crc32c(*tail, crc);
}

std::shared_ptr<SessionState> SessionTable::get(const UploadId& id) {
  const std::lock_guard lock(mutex_);
  auto& state = states_[id];
  if (state == nullptr) state = std::make_shared<SessionState>();
  return state;
}

void SessionTable::forget(const UploadId& id) {
  const std::lock_guard lock(mutex_);
  states_.erase(id);
}

}  // namespace cloudsync::storage::gcs
