// SPDX-License-Identifier: Apache-2.0
#include "sync/run/root_marker.h"

#include <nlohmann/json.hpp>

#include "sync/scan/key_rules.h"

namespace cloudsync::sync {

namespace {

constexpr char kNewMarkerPath[] = ".cloudsync/root.json.new";
constexpr std::size_t kMostMarkerBytes = 1 << 20;
constexpr std::int64_t kMostEpochs = std::int64_t{1} << 53;

std::string read_whole(base::FileSystem& files, const std::string& path) {
  const auto file = files.open_read(path);
  std::string text(std::min<std::size_t>(file->stat().size, kMostMarkerBytes), '\0');
  const auto bytes = std::as_writable_bytes(std::span(text.data(), text.size()));
  text.resize(file->read_at(0, bytes));
  return text;
}

void write_marker(base::FileSystem& files, const RootMarker& marker) {
  nlohmann::json json;
  json["root_uuid"] = marker.root_uuid;
  json["pairs"] = marker.epochs;
  if (!marker.databases.empty()) json["databases"] = claims_to_json(marker.databases);
  const std::string text = json.dump(2) + "\n";
  files.remove_file(kNewMarkerPath);
  const auto file = files.create(kNewMarkerPath, 0644);
  file->write_at(0, std::as_bytes(std::span(text.data(), text.size())));
  file->sync();
  files.rename_over(kNewMarkerPath, kMarkerPath);
  files.sync_directory(kOwnDirectory);
}

}  // namespace

MarkerView RootMarker::view(const std::string& pair_uuid) const {
  MarkerView result;
  result.present = present;
  const auto it = epochs.find(pair_uuid);
  result.uuid_matches = it != epochs.end();
  if (result.uuid_matches) result.epoch = it->second;
  return result;
}

RootMarker read_root_marker(base::FileSystem& files) {
  RootMarker marker;
  const auto stat = files.stat(kMarkerPath);
  if (!stat || stat->kind != base::FileKind::kRegular) return marker;
  const auto json = nlohmann::json::parse(read_whole(files, kMarkerPath), nullptr, false);
  if (!json.is_object() || !json.contains("root_uuid") ||
      !json["root_uuid"].is_string()) {
    return marker;
  }
  marker.present = true;
  marker.root_uuid = json["root_uuid"].get<std::string>();
  if (const auto known = json.find("databases"); known != json.end())
    marker.databases = claims_from_json(*known);
  const auto pairs = json.find("pairs");
  if (pairs == json.end() || !pairs->is_object()) return marker;
  for (const auto& [uuid, epoch] : pairs->items()) {
    if (!epoch.is_number_integer()) continue;
    // Nobody counts that far: a damaged number must not overflow the next one.
    const auto number = epoch.get<std::int64_t>();
    if (number >= 0 && number < kMostEpochs) marker.epochs[uuid] = number;
  }
  return marker;
}

void raise_epoch(base::FileSystem& files, SyncStateDatabase& state, base::Random& random,
                 PairRecord& pair, const std::optional<DatabaseClaim>& claim) {
  RootMarker marker = read_root_marker(files);
  if (claim) put_claim(marker.databases, *claim);
  if (!marker.present) marker.root_uuid = base::random_hex_id(random);
  if (const auto it = marker.epochs.find(pair.uuid); it != marker.epochs.end()) {
    // A marker ahead of the database was accepted (an older database): go on from its
    // epoch.
    pair.epoch = std::max(pair.epoch, it->second);
  }
  if (!marker.present || marker.epochs[pair.uuid] != pair.epoch) {
    marker.epochs[pair.uuid] = pair.epoch;
    write_marker(files, marker);
  }
  pair.epoch += 1;
  pair.has_marker = true;
  state.save_pair(pair);
  marker.epochs[pair.uuid] = pair.epoch;
  write_marker(files, marker);
}

}  // namespace cloudsync::sync
