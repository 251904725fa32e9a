// SPDX-License-Identifier: Apache-2.0
#include "cli/output/text_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "cli/output/quantities.h"
#include "config/value_parsers.h"

namespace cloudsync::cli {
namespace {

std::string quoted(const std::string& path) { return "'" + base::printable(path) + "'"; }

void join(std::string& text, const std::string& part) {
  text += (text.empty() ? "" : ", ") + part;
}

void add_part(std::string& text, std::uint64_t count, const std::string& what) {
  if (count > 0) join(text, format_count(count) + " " + what);
}

void add_moved(std::string& text, std::uint64_t count, std::uint64_t bytes,
               const std::string& what) {
  if (count > 0)
    join(text, format_count(count) + " " + what + " (" + format_bytes(bytes) + ")");
}

std::string parts_of(const SyncProgress& progress) {
  std::string parts;
  add_moved(parts, progress.uploaded, progress.bytes_uploaded, "uploaded");
  add_moved(parts, progress.downloaded, progress.bytes_downloaded, "downloaded");
  add_part(parts, progress.deleted_local, "deleted locally");
  add_part(parts, progress.deleted_remote, "deleted in the cloud");
  add_part(parts, progress.adopted, "found equal");
  add_part(parts, progress.unchanged, "unchanged");
  add_part(parts, progress.forgotten, "gone on both sides");
  add_part(parts, progress.skipped, "skipped");
  add_part(parts, progress.unsafe, "of these not to be held by the other side");
  add_part(parts, progress.archived, "archived");
  add_part(parts, progress.failed, "failed");
  if (progress.conflicts > 0) {
    join(parts, plural(progress.conflicts, "conflict") + " (" +
                    format_count(progress.conflicts_open) + " open)");
  }
  if (!parts.empty()) return parts;
  return progress.fatal || progress.brake || progress.stopped ? "nothing done"
                                                              : "nothing to do";
}

std::string rate_of(const SyncProgress& progress) {
  std::string text = " in " + format_duration(progress.seconds);
  const std::uint64_t bytes = progress.bytes_uploaded + progress.bytes_downloaded;
  // Below that a rate says more about the clock than about the transfer.
  if (bytes > 0 && progress.seconds >= 0.1 && !progress.dry_run) {
    const double rate = static_cast<double>(bytes) / progress.seconds;
    text += ", " + format_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  }
  return text;
}

std::string requests_of(const SyncProgress& progress) {
  const ConcurrencyReport& seen = progress.concurrency;
  if (progress.completed_files == 0 || seen.most == 0) return "";
  std::string text = ", up to " + format_count(seen.most) + " requests at once";
  if (seen.automatic) text += " (auto)";
  if (seen.throttled > 0) text += ", slowed down by the service";
  return text;
}

std::string side_text(const ConflictSide& side) {
  if (!side.present) return "deleted";
  std::string text = format_bytes(side.size) + ", modified " + format_time(side.mtime_ns);
  if (side.md5) text += ", md5 " + base::to_hex(*side.md5);
  if (!side.token.empty()) text += ", etag " + base::printable(side.token);
  return text;
}

}  // namespace

std::string action_text(const ActionEvent& event) {
  const std::string path = quoted(event.path);
  // A failed try has moved nothing, which says nothing about the file's size.
  const bool failed = event.status == ActionEvent::Status::kFailed;
  const std::string sized = failed ? path : path + " (" + format_bytes(event.bytes) + ")";
  switch (event.action) {
    case OperationAction::kUpload:
      return "upload " + sized;
    case OperationAction::kDownload:
      return "download " + sized;
    case OperationAction::kDeleteLocal:
      return "delete " + path + " here";
    case OperationAction::kDeleteRemote:
      return "delete " + path + " in the cloud";
    case OperationAction::kAdopt:
      return "note that " + path + " is equal on both sides";
    case OperationAction::kForget:
      return "forget " + path + ", gone on both sides";
    case OperationAction::kConflict:
      return "conflict: " + path + " differs on both sides";
    case OperationAction::kConflictCopy:
      return "keep the other version of " + path + " as " + quoted(event.new_path);
    case OperationAction::kArchived:
      return "leave " + path + ": it is archived and must be restored first";
    case OperationAction::kUnsafe:
      return "leave " + path + ": its name cannot be a file here";
    case OperationAction::kSkip:
      return "leave " + path;
  }
  throw Error(ErrorCode::kInternal, "unknown action");
}

std::string summary_text(const SyncProgress& progress) {
  std::string text = progress.command +
                     (progress.dry_run ? " (dry run, nothing changed): " : ": ") +
                     (progress.fatal ? "ended early, " : "") + parts_of(progress) +
                     rate_of(progress) + requests_of(progress);
  if (progress.conflicts_open > 0) {
    text += "\n'cloudsync conflicts list' shows the open conflicts";
  }
  if (progress.failed > 0 && !progress.dry_run) {
    text +=
        "\n'cloudsync status --verbose' says why, 'cloudsync retry' repeats what failed";
  }
  if (progress.stale_resolution) {
    text +=
        "\na conflict has changed since it was shown; nothing was done to it. Look at it "
        "again "
        "with 'cloudsync conflicts show'";
  }
  if (progress.stopped) text += "\nstopped on request; run it again to go on";
  return text;
}

std::string object_line(const CloudFile& file) {
  return fmt::format("{:>15}  {:20}  {}", format_count(file.size),
                     format_time(file.last_modified_ns), base::printable(file.path));
}

std::string conflict_line(const ConflictRow& row) {
  std::string text =
      base::printable(row.key) + ": " + std::string(conflict_reason_text(row.reason));
  if (row.choice) {
    text += "; will be settled by " +
            std::string(config::conflict_strategy_name(*row.choice));
  }
  return text;
}

std::string conflict_details(const ConflictRow& row, const PairRecord& pair) {
  const std::string path = base::printable(row.key);
  return conflict_line(row) + "\n  local  " + base::printable(pair.identity.local_root) +
         "/" + path + ": " + side_text(row.local) + "\n  cloud  " +
         base::printable(pair.identity.prefix) + path + ": " + side_text(row.cloud) +
         "\n  first seen " + format_time(row.first_seen_ns) + ", last seen " +
         format_time(row.last_seen_ns) +
         "\n  settle it with: cloudsync conflicts resolve " + quoted(row.key) +
         " --keep local|cloud|both";
}

std::string config_table(const std::vector<ConfigValue>& values) {
  std::size_t key_width = 0;
  std::size_t value_width = 0;
  std::string text;
  const auto shown = [](const ConfigValue& value) {
    std::string one_line = value.value.empty() ? "-" : value.value;
    for (std::size_t at; (at = one_line.find('\n')) != std::string::npos;) {
      one_line.replace(at, 1, "; ");
    }
    return base::printable(one_line);
  };
  for (const ConfigValue& value : values) {
    key_width = std::max(key_width, value.key.size());
    value_width =
        std::max(value_width, std::min<std::size_t>(display_width(shown(value)), 40));
  }
  for (const ConfigValue& value : values) {
    const std::string middle = shown(value);
    const std::size_t used = display_width(middle);
    text += (text.empty() ? "" : "\n") + value.key +
            std::string(key_width - value.key.size() + 2, ' ') + middle +
            std::string(value_width > used ? value_width - used : 0, ' ') + "  " +
            base::printable(value.origin);
  }
  return text;
}

}  // namespace cloudsync::cli
