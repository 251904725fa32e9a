// SPDX-License-Identifier: Apache-2.0
#include "cli/output/json_output.h"

#include <nlohmann/json.hpp>

#include <span>

#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "config/value_parsers.h"
#include "sync/run/summary_json.h"

namespace cloudsync::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_bytes(Json& json, const std::string& name, const std::string& bytes) {
  json[name] = bytes;
  if (base::is_valid_utf8(bytes)) return;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  json[name + "_base64"] = base::to_base64(std::span(data, bytes.size()));
}

Json time_or_null(std::int64_t time_ns) {
  return time_ns == 0 ? Json(nullptr) : Json(base::format_rfc3339(time_ns));
}

std::string_view status_name(ActionEvent::Status status) {
  switch (status) {
    case ActionEvent::Status::kDone:
      return "done";
    case ActionEvent::Status::kFailed:
      return "failed";
    case ActionEvent::Status::kPlanned:
      return "planned";
  }
  return "failed";
}

Json error_of(const std::string& code, const std::string& message) {
  return Json{{"code", code}, {"message", base::redacted(message)}};
}

Json side_json(const ConflictSide& side, bool remote) {
  if (!side.present) return Json{{"present", false}};
  Json json{{"present", true}, {"bytes", side.size}};
  json["md5"] = side.md5 ? Json(base::to_hex(*side.md5)) : Json(nullptr);
  json["last_modified"] = time_or_null(side.mtime_ns);
  if (remote) json["etag"] = side.token;
  return json;
}

void add_pair(Json& json, const PairRecord& pair) {
  add_bytes(json, "local_dir", pair.identity.local_root);
  add_bytes(json, "cloud_prefix", pair.identity.prefix);
}

// The summary that a run stored; null where it never ended or is of another version.
Json stored_summary(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return nullptr;
  if (json.is_object()) json.erase("unsafe_paths");  // records of their own
  return json;
}

}  // namespace

std::string action_json(const ActionEvent& event) {
  Json json{{"type", "action"}, {"action", action_name(event.action)}};
  add_bytes(json, "path", event.path);
  if (!event.new_path.empty()) add_bytes(json, "new_path", event.new_path);
  json["bytes"] = event.bytes;
  json["status"] = status_name(event.status);
  if (!event.error_code.empty())
    json["error"] = error_of(event.error_code, event.error_message);
  return line(json);
}

std::string summary_json(const SyncProgress& progress, int exit_code) {
  Json json = Json::parse(sync::summary_json(progress));
  json["exit_code"] = exit_code;
  return line(json);
}

std::string object_json(const CloudFile& file) {
  Json json;
  add_bytes(json, "path", file.path);
  json["bytes"] = file.size;
  json["last_modified"] = time_or_null(file.last_modified_ns);
  json["etag"] = file.etag;
  json["storage_class"] = file.storage_class;
  return line(json);
}

std::string conflict_json(const ConflictRow& row, const PairRecord* pair) {
  Json json;
  add_bytes(json, "path", row.key);
  json["reason"] = conflict_reason_text(row.reason);
  json["local"] = side_json(row.local, false);
  json["cloud"] = side_json(row.cloud, true);
  json["resolution"] =
      row.choice ? Json(config::conflict_strategy_name(*row.choice)) : Json(nullptr);
  if (pair != nullptr) add_pair(json, *pair);
  return line(json);
}

std::string config_value_json(const ConfigValue& value) {
  return line(Json{{"key", value.key}, {"value", value.value}, {"origin", value.origin}});
}

std::string status_json(const std::string& database, const SyncStatistics& statistics) {
  Json json{{"type", "status"}};
  add_bytes(json, "database", database);
  json["total_files"] = statistics.total_files;
  json["total_bytes"] = statistics.total_bytes;
  json["total_bytes_synced"] = statistics.total_bytes_synced;
  json["total_operations"] = statistics.total_operations;
  json["recent_failures_24h"] = statistics.recent_failures_24h;
  json["open_conflicts"] = statistics.open_conflicts;
  json["interrupted_transfers"] = statistics.interrupted_transfers;
  return line(json);
}

std::string pair_json(const PairRecord& pair) {
  Json json{{"type", "pair"}};
  add_pair(json, pair);
  json["provider"] = pair.identity.provider;
  json["bucket"] = pair.identity.container;
  json["files"] = pair.entries;
  json["bytes"] = pair.bytes;
  return line(json);
}

std::string run_json(const RunRow& run, const PairRecord* pair) {
  Json json{{"type", "run"}, {"command", run.command}};
  if (pair != nullptr) add_pair(json, *pair);
  json["started"] = time_or_null(run.started_ns);
  json["ended"] = time_or_null(run.ended_ns);
  json["outcome"] = run_outcome_name(run);
  json["summary"] = stored_summary(run.stats);
  return line(json);
}

std::string failure_json(const FailedRecord& failure) {
  Json json{{"type", "failure"}, {"action", action_name(failure.action)}};
  add_bytes(json, "path", failure.key);
  add_bytes(json, "local_path", failure.local_path);
  json["attempts"] = failure.attempts;
  json["failed_at"] = time_or_null(failure.failed_at_ns);
  json["error"] = error_of(failure.error_code, failure.error_text);
  return line(json);
}

std::string unsafe_json(const std::string& path, const PairRecord* pair) {
  Json json{{"type", "unsafe"}};
  if (pair != nullptr) add_pair(json, *pair);
  add_bytes(json, "path", path);
  return line(json);
}

std::string transfer_json(const TransferRow& transfer) {
  Json json{{"type", "transfer"}, {"action", action_name(transfer.direction)}};
  add_bytes(json, "path", transfer.key);
  json["bytes"] = transfer.size;
  json["started"] = time_or_null(transfer.started_ns);
  return line(json);
}

std::string_view run_outcome_name(const RunRow& run) {
  switch (run.outcome) {
    case RunOutcome::kRunning:
      return "unfinished";
    case RunOutcome::kDone:
      return "done";
    case RunOutcome::kPartial:
      return "partial";
    case RunOutcome::kBrake:
      return "brake";
    case RunOutcome::kStopped:
      return "stopped";
    case RunOutcome::kFailed:
      return "failed";
  }
  return "unfinished";
}

}  // namespace cloudsync::cli
