// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/database_claim.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "hash/digest.h"

namespace cloudsync::sync {

namespace {

using Json = nlohmann::json;

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::string text_of(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

// Paths and keys are bytes, JSON is UTF-8.
constexpr std::string_view kBase64 = "base64:";

std::string encoded(const std::string& bytes) {
  if (base::is_valid_utf8(bytes) && !bytes.starts_with(kBase64)) return bytes;
  const std::vector<std::uint8_t> raw(bytes.begin(), bytes.end());
  return std::string(kBase64) + base::to_base64(raw);
}

std::string decoded(const std::string& text) {
  if (!text.starts_with(kBase64)) return text;
  const auto bytes = base::from_base64(text.substr(kBase64.size()));
  return bytes ? std::string(bytes->begin(), bytes->end()) : text;
}

}  // namespace

bool DatabaseClaim::concerns(const DatabaseClaim& other) const {
  return provider == other.provider && container == other.container &&
         prefix == other.prefix;
}

bool DatabaseClaim::same_place(const DatabaseClaim& other) const {
  return database_id == other.database_id && path == other.path && host == other.host;
}

// The id is meant for this machine's own use, so only a digest of it is written anywhere.
std::string host_id() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  file >> id;
  if (id.empty()) id = "name " + host_name();
  id += " cloudsync";
  const auto digest = hash::Sha256::of(std::as_bytes(std::span(id.data(), id.size())));
  return base::to_hex(digest).substr(0, 16);
}

DatabaseClaim own_claim(const PairIdentity& pair, const SyncStateDatabase& state,
                        std::int64_t now_ns) {
  DatabaseClaim claim;
  claim.provider = pair.provider;
  claim.container = pair.container;
  claim.prefix = pair.prefix;
  claim.database_id = state.meta("database_id").value_or("");
  claim.path = state.path();
  claim.host = host_id();
  claim.host_name = host_name();
  claim.at_ns = now_ns;
  return claim;
}

std::vector<DatabaseClaim> claims_from_json(const Json& list) {
  std::vector<DatabaseClaim> claims;
  if (!list.is_array()) return claims;
  for (const auto& entry : list) {
    if (!entry.is_object()) continue;
    DatabaseClaim claim;
    claim.provider = text_of(entry, "provider");
    claim.container = decoded(text_of(entry, "container"));
    claim.prefix = decoded(text_of(entry, "prefix"));
    claim.database_id = text_of(entry, "database_id");
    claim.path = decoded(text_of(entry, "path"));
    claim.host = text_of(entry, "host");
    claim.host_name = text_of(entry, "host_name");
    if (const auto at = entry.find("at_ns");
        at != entry.end() && at->is_number_integer()) {
      claim.at_ns = at->get<std::int64_t>();
    }
    if (!claim.database_id.empty() && !claim.path.empty())
      claims.push_back(std::move(claim));
  }
  return claims;
}

Json claims_to_json(const std::vector<DatabaseClaim>& claims) {
  Json list = Json::array();
  for (const auto& claim : claims) {
    list.push_back({{"provider", claim.provider},
                    {"container", encoded(claim.container)},
                    {"prefix", encoded(claim.prefix)},
                    {"database_id", claim.database_id},
                    {"path", encoded(claim.path)},
                    {"host", claim.host},
                    {"host_name", encoded(claim.host_name)},
                    {"at_ns", claim.at_ns}});
  }
  return list;
}

void put_claim(std::vector<DatabaseClaim>& claims, const DatabaseClaim& claim) {
  std::erase_if(claims,
                [&](const DatabaseClaim& other) { return other.concerns(claim); });
  claims.push_back(claim);
}

const DatabaseClaim* find_claim(const std::vector<DatabaseClaim>& claims,
                                const DatabaseClaim& own) {
  const DatabaseClaim* latest = nullptr;
  for (const auto& claim : claims) {
    if (!claim.concerns(own)) continue;
    if (latest == nullptr || claim.at_ns > latest->at_ns) latest = &claim;
  }
  return latest;
}

ClaimVerdict judge_claim(const DatabaseClaim* known, const DatabaseClaim& own,
                         const std::function<bool(const DatabaseClaim&)>& exists) {
  if (known == nullptr || known->database_id == own.database_id)
    return ClaimVerdict::kOwn;
  if (known->host != own.host) return ClaimVerdict::kOtherHost;
  return exists(*known) ? ClaimVerdict::kOtherHere : ClaimVerdict::kRebuilt;
}

bool database_exists(const DatabaseClaim& claim) {
  std::error_code error;
  if (!std::filesystem::exists(claim.path, error)) return static_cast<bool>(error);
  try {
    const auto state = open_state_database(claim.path, OpenMode::kReadOnly);
    return state->meta("database_id") == claim.database_id;
  } catch (const Error&) {
    return true;
  }
}

std::string other_database_text(ClaimVerdict verdict, const DatabaseClaim& known,
                                const DatabaseClaim& own, const std::string& root) {
  const std::string place =
      verdict == ClaimVerdict::kOtherHost
          ? fmt::format("'{}' on host '{}'", known.path, known.host_name)
          : fmt::format("'{}'", known.path);
  return fmt::format(
      "'{}' with prefix '{}' is kept by the state database {}, not by '{}'. Nothing was "
      "done. Set sync_state_db to the former (an absolute path, where the working "
      "directory changes), or go on with the latter by --force state: both sides are "
      "then compared anew, and nothing is deleted in that run",
      root, own.prefix, place, own.path);
}

}  // namespace cloudsync::sync
