// SPDX-License-Identifier: Apache-2.0
#include "sync/place/run_name.h"

#include <algorithm>

#include "base/time_format.h"

namespace cloudsync::sync {
namespace {

constexpr std::size_t kTimeLength = 16;  // 20261123T180000Z
constexpr std::size_t kPartLength = 6;

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "-a1b2c3"
bool is_part(std::string_view text) {
  return text.size() == kPartLength + 1 && text.front() == '-' && is_hex(text.substr(1));
}

std::optional<std::int64_t> parse_compact(std::string_view text) {
  if (text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t length) {
    return std::string(text.substr(at, length));
  };
  return base::parse_rfc3339(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" +
                             part(9, 2) + ":" + part(11, 2) + ":" + part(13, 2) + "Z");
}

}  // namespace

std::string replica_name(const std::string& pair_uuid) {
  const std::string name = pair_uuid.substr(0, kPartLength);
  return name.size() == kPartLength && is_hex(name) ? name : "";
}

std::string make_run_name(const base::Clock& clock, base::Random& random,
                          const std::string& pair_uuid) {
  const std::string replica = replica_name(pair_uuid);
  return base::format_compact(clock.now_ns()) + "-" +
         base::random_hex_id(random).substr(0, kPartLength) +
         (replica.empty() ? "" : "-" + replica);
}

std::optional<RunName> parse_run_name(std::string_view name) {
  if (name.size() < kTimeLength + kPartLength + 1) return std::nullopt;
  RunName run;
  const auto time = parse_compact(name);
  if (!time || !is_part(name.substr(kTimeLength, kPartLength + 1))) return std::nullopt;
  run.time_ns = *time;
  const std::string_view rest = name.substr(kTimeLength + kPartLength + 1);
  if (rest.empty()) return run;
  if (!is_part(rest)) return std::nullopt;
  run.replica = rest.substr(1);
  return run;
}

}  // namespace cloudsync::sync
