// SPDX-License-Identifier: Apache-2.0
#include "sync/run/summary_json.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace cloudsync::sync {

namespace {

using Json = nlohmann::ordered_json;

Json concurrency_json(const ConcurrencyReport& report) {
  if (report.most == 0) return nullptr;
  return Json{{"mode", report.automatic ? "auto" : "fixed"},
              {"most", report.most},
              {"last", report.last},
              {"throttled", report.throttled}};
}

}  // namespace

namespace {

Json summary_of(const SyncProgress& progress) {
  const auto& requests = progress.requests;
  Json json = {{"type", "summary"},
               {"command", progress.command},
               {"uploaded", progress.uploaded},
               {"downloaded", progress.downloaded},
               {"deleted_local", progress.deleted_local},
               {"deleted_remote", progress.deleted_remote},
               {"adopted", progress.adopted},
               {"unchanged", progress.unchanged},
               {"conflicts", progress.conflicts},
               {"conflicts_open", progress.conflicts_open},
               {"conflicts_resolved", progress.conflicts_resolved},
               {"archived", progress.archived},
               {"skipped", progress.skipped},
               {"unsafe", progress.unsafe},
               {"failed", progress.failed},
               {"bytes_uploaded", progress.bytes_uploaded},
               {"bytes_downloaded", progress.bytes_downloaded},
               {"seconds", progress.seconds},
               {"requests", Json{{"list", requests.list},
                                 {"head", requests.head},
                                 {"get", requests.get},
                                 {"put", requests.put},
                                 {"delete", requests.del},
                                 {"other", requests.other}}},
               {"concurrency", concurrency_json(progress.concurrency)},
               {"rewritten", progress.rewritten},
               {"state", progress.state_rebuilt ? Json("rebuilt") : Json(nullptr)},
               {"brake", progress.brake ? Json(*progress.brake) : Json(nullptr)},
               {"exit_code", exit_code(progress)}};
  return json;
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string summary_json(const SyncProgress& progress) {
  return text_of(summary_of(progress));
}

std::string stored_summary(const SyncProgress& progress, bool all_keys) {
  Json json = summary_of(progress);
  if (all_keys) {
    Json& paths = json["unsafe_paths"] = Json::array();
    for (const auto& path : progress.unsafe_paths)
      paths.push_back(base::percent_encode(path, true));
  }
  return text_of(json);
}

}  // namespace cloudsync::sync
