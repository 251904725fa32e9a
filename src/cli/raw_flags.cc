// SPDX-License-Identifier: Apache-2.0
#include "cli/raw_flags.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "config/value_parsers.h"
#include "sync/scan/filter.h"

namespace cloudsync::cli {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// Runs a parser and puts the flag's name in front of its complaint.
template <class Parse>
auto parsed(const std::string& flag, Parse parse) -> decltype(parse()) {
  try {
    return parse();
  } catch (const Error& error) {
    fail(flag + ": " + error.what());
  }
}

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  // An empty file makes the stream insertion fail, so the stream alone says what went
  // wrong.
  if (stream) text << stream.rdbuf();
  if (!stream.is_open() || stream.bad() || std::filesystem::is_directory(path)) {
    fail("cannot read '" + base::printable(path) + "': " + std::strerror(errno));
  }
  return text.str();
}

// The rules in command-line order; includes alone mean "these and nothing else".
std::vector<std::string> filter_rules(const std::vector<FilterFlag>& flags) {
  std::vector<std::string> rules;
  for (const FilterFlag& flag : flags) {
    switch (flag.kind) {
      case FilterFlag::Kind::kInclude:
        rules.push_back("+ " + flag.value);
        break;
      case FilterFlag::Kind::kExclude:
        rules.push_back("- " + flag.value);
        break;
      case FilterFlag::Kind::kRule:
        rules.push_back(flag.value);
        break;
      case FilterFlag::Kind::kFile:
        for (auto& rule : parsed("--filter-from " + flag.value, [&] {
               return sync::read_filter_file(read_text(flag.value));
             })) {
          rules.push_back(std::move(rule));
        }
        break;
    }
  }
  return sync::with_implied_exclude(std::move(rules));
}

void check_filters(const RawFlags& raw, const std::vector<std::string>& rules) {
  if (raw.filters.empty()) return;
  parsed("filters", [&] { return sync::Filter(rules); });
}

void check_combinations(const RawFlags& raw) {
  if (raw.mirror && raw.command == Command::kSync) {
    fail("--mirror is for upload and download; sync already brings both sides into step");
  }
  if (raw.mirror && raw.deletes == false) {
    fail("--mirror deletes what the source does not have; it cannot go with --no-delete");
  }
  if (raw.checksum && raw.size_only) {
    fail("--checksum and --size-only exclude each other");
  }
}

void check_required(const RawFlags& raw) {
  if (!is_transfer(*raw.command)) return;
  if (!raw.local_dir) fail("--local-dir is required: the local folder");
  if (raw.local_dir->empty())
    fail("--local-dir is empty; name a folder, \".\" is this one");
  if (!raw.cloud_prefix) {
    fail(
        "--cloud-prefix is required: the folder in the bucket (\"\" is the whole "
        "bucket)");
  }
}

RunOptions run_options(const RawFlags& raw) {
  RunOptions run;
  run.dry_run = raw.dry_run;
  run.mirror = raw.mirror;
  run.checksum = raw.checksum;
  run.size_only = raw.size_only;
  run.ignore_stored_md5 = raw.ignore_stored_md5;
  if (raw.mirror) run.deletes = Deletes::kPropagate;
  if (raw.deletes) run.deletes = *raw.deletes ? Deletes::kPropagate : Deletes::kKeep;
  for (const std::string& name : raw.force) {
    run.force.insert(parsed("--force", [&] { return config::parse_force(name); }));
  }
  run.filters = filter_rules(raw.filters);
  check_filters(raw, run.filters);
  return run;
}

// Flags that are configuration keys too: the engine gets them with the configuration,
// which then knows their origin; the run gets them again where it has a field.
void add_config_flags(const RawFlags& raw, Arguments& arguments) {
  if (raw.max_workers) {
    parsed("--max-workers", [&] { return config::parse_max_workers(*raw.max_workers); });
    arguments.config_flags["max_workers"] = *raw.max_workers;
  }
  if (raw.conflict_strategy) {
    arguments.run.conflict_strategy = parsed("--conflict-strategy", [&] {
      return config::parse_conflict_strategy(*raw.conflict_strategy);
    });
    arguments.config_flags["conflict_strategy"] = *raw.conflict_strategy;
  }
  if (raw.ignore_unsafe) arguments.config_flags["ignore_unsafe"] = "true";
  if (raw.max_delete) {
    arguments.run.max_delete =
        parsed("--max-delete", [&] { return config::parse_max_delete(*raw.max_delete); });
    arguments.config_flags["max_delete"] = *raw.max_delete;
  }
}

OutputOptions output_options(const RawFlags& raw) {
  OutputOptions output{.json = raw.json,
                       .quiet = raw.quiet,
                       .verbosity = raw.verbosity,
                       .progress = raw.progress,
                       .log_file = {}};
  if (raw.quiet && raw.verbosity > 0) fail("--quiet and --verbose exclude each other");
  if (raw.log_file) {
    if (raw.log_file->empty()) fail("--log-file is empty; name a file");
    output.log_file = std::filesystem::absolute(*raw.log_file).string();
  }
  return output;
}

}  // namespace

Arguments to_arguments(const RawFlags& raw) {
  check_combinations(raw);
  check_required(raw);
  Arguments arguments;
  arguments.command = *raw.command;
  arguments.config_file = raw.config;
  arguments.output = output_options(raw);
  arguments.local_dir = raw.local_dir;
  arguments.cloud_prefix = raw.cloud_prefix;
  arguments.run = run_options(raw);
  add_config_flags(raw, arguments);
  arguments.path = raw.path;
  if (raw.keep)
    arguments.keep = parsed("--keep", [&] { return config::parse_keep(*raw.keep); });
  arguments.connect = raw.connect;
  if (!arguments.output.log_file.empty()) {
    arguments.run.excluded_paths.push_back(arguments.output.log_file);
  }
  return arguments;
}

}  // namespace cloudsync::cli
