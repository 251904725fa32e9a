// SPDX-License-Identifier: Apache-2.0
#include "cli/app.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace cloudsync::cli {
namespace {

using Words = std::vector<std::string>;

Arguments parse(const Words& words) {
  const ParsedCommandLine parsed = parse_command_line(words);
  EXPECT_TRUE(parsed.arguments.has_value()) << parsed.text;
  return parsed.arguments.value_or(Arguments{});
}

Arguments sync_with(const Words& flags) {
  Words words{"sync", "--local-dir", "d", "--cloud-prefix", "p/"};
  words.insert(words.end(), flags.begin(), flags.end());
  return parse(words);
}

std::string error_of(const Words& words) {
  try {
    parse_command_line(words);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

std::string sync_error(const Words& flags) {
  Words words{"sync", "--local-dir", "d", "--cloud-prefix", "p/"};
  words.insert(words.end(), flags.begin(), flags.end());
  return error_of(words);
}

TEST(CommandLine, SpecificationsCommandsParse) {
  const Arguments upload = parse({"upload", "--config", "config/storage_config.yaml",
                                  "--local-dir", "data/raw", "--cloud-prefix", "raw/"});
  EXPECT_EQ(upload.command, Command::kUpload);
  EXPECT_EQ(upload.config_file, "config/storage_config.yaml");
  EXPECT_EQ(upload.local_dir, "data/raw");
  EXPECT_EQ(upload.cloud_prefix, "raw/");
  EXPECT_EQ(parse({"download", "--cloud-prefix", "c/", "--local-dir", "d"}).command,
            Command::kDownload);
  EXPECT_EQ(sync_with({}).command, Command::kSync);
  EXPECT_EQ(parse({"status", "--config", "f"}).command, Command::kStatus);
  EXPECT_EQ(parse({"retry", "--config", "f"}).command, Command::kRetry);
}

TEST(CommandLine, OtherCommandsParse) {
  EXPECT_EQ(parse({"ls"}).path, "");
  EXPECT_EQ(parse({"ls", "raw/2024"}).path, "raw/2024");
  EXPECT_EQ(parse({"ls", "status"}).path, "status");
  EXPECT_EQ(parse({"conflicts", "list"}).command, Command::kConflictsList);
  EXPECT_EQ(parse({"conflicts", "show", "a/b"}).path, "a/b");
  const Arguments resolve = parse({"conflicts", "resolve", "list", "--keep", "both"});
  EXPECT_EQ(resolve.command, Command::kConflictsResolve);
  EXPECT_EQ(resolve.path, "list");
  EXPECT_EQ(resolve.keep, Keep::kBoth);
  EXPECT_FALSE(parse({"config", "check"}).connect);
  EXPECT_TRUE(parse({"config", "check", "--connect"}).connect);
}

TEST(CommandLine, DryRunHasAllItsSpellings) {
  EXPECT_FALSE(sync_with({}).run.dry_run);
  for (const char* name : {"-n", "--dry-run", "--dryrun", "--dry"}) {
    EXPECT_TRUE(sync_with({name}).run.dry_run) << name;
  }
}

TEST(CommandLine, DeletesFollowTheLastFlag) {
  EXPECT_EQ(sync_with({}).run.deletes, std::nullopt);
  EXPECT_EQ(sync_with({"--delete"}).run.deletes, Deletes::kPropagate);
  EXPECT_EQ(sync_with({"--delete-dst"}).run.deletes, Deletes::kPropagate);
  EXPECT_EQ(sync_with({"--no-delete"}).run.deletes, Deletes::kKeep);
  EXPECT_EQ(sync_with({"--delete", "--no-delete"}).run.deletes, Deletes::kKeep);
  EXPECT_EQ(sync_with({"--no-delete", "--delete"}).run.deletes, Deletes::kPropagate);
}

TEST(CommandLine, MirrorIsOneWayAndDeletes) {
  const Words upload{"upload", "--local-dir", "d", "--cloud-prefix", "p", "--mirror"};
  EXPECT_TRUE(parse(upload).run.mirror);
  EXPECT_EQ(parse(upload).run.deletes, Deletes::kPropagate);
  EXPECT_NE(sync_error({"--mirror"}).find("--mirror is for upload and download"),
            std::string::npos);
  EXPECT_NE(error_of({"upload", "--local-dir", "d", "--cloud-prefix", "p", "--mirror",
                      "--no-delete"})
                .find("cannot go with --no-delete"),
            std::string::npos);
}

TEST(CommandLine, MaxDeleteIsANumberOrAShare) {
  EXPECT_EQ(sync_with({}).run.max_delete, std::nullopt);
  const auto share = sync_with({"--max-delete", "10%"}).run.max_delete;
  ASSERT_TRUE(share.has_value());
  EXPECT_TRUE(share->is_percent);
  EXPECT_DOUBLE_EQ(share->value, 10);
  EXPECT_FALSE(share->is_default);
  const auto number = sync_with({"--max-delete=25"}).run.max_delete;
  EXPECT_FALSE(number->is_percent);
  EXPECT_DOUBLE_EQ(number->value, 25);
  EXPECT_NE(sync_error({"--max-delete", "x"}).find("--max-delete: \"x\" is not a share"),
            std::string::npos);
}

TEST(CommandLine, ForceIsRepeatable) {
  EXPECT_TRUE(sync_with({}).run.force.empty());
  const auto all =
      sync_with({"--force", "max-delete", "--force", "emptied", "--force", "root",
                 "--force", "restored-local", "--force", "restored-cloud"})
          .run.force;
  EXPECT_EQ(all, (std::set<Force>{Force::kMaxDelete, Force::kEmptied, Force::kRoot,
                                  Force::kRestoredLocal, Force::kRestoredCloud}));
  EXPECT_NE(
      sync_error({"--force", "all"}).find("--force: \"all\" is not one of max-delete"),
      std::string::npos);
  EXPECT_NE(sync_error({"--force"}), "");
}

TEST(CommandLine, ConflictStrategyReachesRunAndConfiguration) {
  const Arguments arguments = sync_with({"--conflict-strategy", "manual"});
  EXPECT_EQ(arguments.run.conflict_strategy, ConflictStrategy::kManual);
  EXPECT_EQ(arguments.config_flags.at("conflict_strategy"), "manual");
  EXPECT_NE(
      sync_error({"--conflict-strategy", "newest"}).find("is not one of timestamp_wins"),
      std::string::npos);
}

TEST(CommandLine, MaxWorkersHasBothSpellings) {
  EXPECT_EQ(sync_with({"--max-workers", "8"}).config_flags.at("max_workers"), "8");
  EXPECT_EQ(sync_with({"--transfers=16"}).config_flags.at("max_workers"), "16");
  EXPECT_EQ(sync_with({"--max-workers", "auto"}).config_flags.at("max_workers"), "auto");
  EXPECT_NE(sync_error({"--max-workers", "0"}).find("--max-workers: \"0\" is not auto"),
            std::string::npos);
}

TEST(CommandLine, ComparisonFlagsExcludeEachOther) {
  EXPECT_TRUE(sync_with({"--checksum"}).run.checksum);
  EXPECT_TRUE(sync_with({"--size-only"}).run.size_only);
  EXPECT_FALSE(sync_with({}).run.ignore_stored_md5);
  EXPECT_TRUE(sync_with({"--ignore-stored-md5"}).run.ignore_stored_md5);
  EXPECT_NE(sync_error({"--checksum", "--size-only"}).find("exclude each other"),
            std::string::npos);
}

TEST(CommandLine, OutputFlags) {
  const OutputOptions plain = sync_with({}).output;
  EXPECT_FALSE(plain.json || plain.quiet || plain.progress.has_value());
  EXPECT_EQ(plain.verbosity, 0);
  EXPECT_TRUE(sync_with({"--json"}).output.json);
  EXPECT_TRUE(sync_with({"-q"}).output.quiet);
  EXPECT_TRUE(sync_with({"--quiet"}).output.quiet);
  EXPECT_EQ(sync_with({"-v"}).output.verbosity, 1);
  EXPECT_EQ(sync_with({"-vv"}).output.verbosity, 2);
  EXPECT_EQ(sync_with({"--verbose"}).output.verbosity, 1);
  EXPECT_EQ(sync_with({"--progress"}).output.progress, true);
  EXPECT_EQ(sync_with({"--progress", "--no-progress"}).output.progress, false);
  EXPECT_NE(sync_error({"-q", "-v"}).find("exclude each other"), std::string::npos);
}

TEST(CommandLine, LogFileIsAbsoluteAndNeverSynced) {
  const Arguments arguments = sync_with({"--log-file", "x.log"});
  const std::string absolute = (std::filesystem::current_path() / "x.log").string();
  EXPECT_EQ(arguments.output.log_file, absolute);
  EXPECT_EQ(arguments.run.excluded_paths, Words{absolute});
}

TEST(CommandLine, CommonFlagsMayStandBeforeTheCommand) {
  const Arguments arguments = parse({"--json", "--config", "f", "status"});
  EXPECT_TRUE(arguments.output.json);
  EXPECT_EQ(arguments.config_file, "f");
}

TEST(CommandLine, EmptyPrefixIsTheWholeBucketButMustBeGiven) {
  EXPECT_EQ(parse({"sync", "--local-dir", "d", "--cloud-prefix", ""}).cloud_prefix, "");
  const Arguments joined = parse({"sync", "--cloud-prefix=", "--local-dir", "d"});
  EXPECT_EQ(joined.cloud_prefix, "");
  EXPECT_EQ(joined.local_dir, "d");
  EXPECT_NE(error_of({"sync", "--local-dir", "d"}).find("--cloud-prefix is required"),
            std::string::npos);
  EXPECT_NE(error_of({"upload", "--cloud-prefix", "p"}).find("--local-dir is required"),
            std::string::npos);
  EXPECT_NE(error_of({"sync", "--local-dir", "", "--cloud-prefix", "p"}).find("is empty"),
            std::string::npos);
}

TEST(Filters, KeepCommandLineOrderAcrossAllFlags) {
  const auto rules =
      sync_with({"--exclude", "*.tmp", "--filter", "+ keep/**", "--include", "*.csv",
                 "--filter", "- **", "--exclude", "late"})
          .run.filters;
  EXPECT_EQ(rules, (Words{"- *.tmp", "+ keep/**", "+ *.csv", "- **", "- late"}));
}

TEST(Filters, IncludesAloneExcludeTheRest) {
  EXPECT_EQ(sync_with({"--include", "*.csv", "--include", "*.md"}).run.filters,
            (Words{"+ *.csv", "+ *.md", "- **"}));
  EXPECT_EQ(sync_with({"--include", "*.csv", "--exclude", "x"}).run.filters,
            (Words{"+ *.csv", "- x"}));
  EXPECT_TRUE(sync_with({}).run.filters.empty());
}

TEST(Filters, PatternsAreTakenAsTyped) {
  EXPECT_EQ(sync_with({"--exclude", "[a-z]*", "--exclude", "{a,b}", "--exclude", "-x"})
                .run.filters,
            (Words{"- [a-z]*", "- {a,b}", "- -x"}));
  EXPECT_EQ(sync_with({"--exclude=a b"}).run.filters, Words{"- a b"});
}

TEST(Filters, RulesComeFromAFileInPlace) {
  const char* base = ::getenv("TMPDIR");
  std::string path =
      std::string(base == nullptr ? "/tmp" : base) + "/cloudsync-cli-XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  std::ofstream(path + "/rules") << "# data only\n+ *.csv\n\n- *.log\n";
  EXPECT_EQ(
      sync_with({"--exclude", "a", "--filter-from", path + "/rules", "--exclude", "b"})
          .run.filters,
      (Words{"- a", "+ *.csv", "- *.log", "- b"}));
  std::ofstream(path + "/empty") << "";
  EXPECT_TRUE(sync_with({"--filter-from", path + "/empty"}).run.filters.empty());
  EXPECT_NE(sync_error({"--filter-from", path + "/missing"}).find("No such file"),
            std::string::npos);
  std::filesystem::remove_all(path);
}

TEST(Filters, BadRulesAreUsageErrors) {
  EXPECT_NE(sync_error({"--filter", "*.csv"}).find("*.csv"), std::string::npos);
}

TEST(Usage, UnknownFlagsComeWithAHint) {
  const std::string message = sync_error({"--dyr-run"});
  EXPECT_EQ(message,
            "unknown flag '--dyr-run'; did you mean '--dry-run'? (see 'cloudsync sync "
            "--help')");
  EXPECT_NE(error_of({"upload", "--lokal-dir", "d"}).find("did you mean '--local-dir'?"),
            std::string::npos);
  EXPECT_NE(sync_error({"--max-worker=3"}).find("did you mean '--max-workers'?"),
            std::string::npos);
  EXPECT_NE(sync_error({"-Z"}).find("unknown flag '-Z'"), std::string::npos);
}

TEST(Usage, UnknownCommandsAndArgumentsComeWithAHint) {
  EXPECT_EQ(
      error_of({"uplod"}),
      "unexpected argument 'uplod'; did you mean 'upload'? (see 'cloudsync --help')");
  EXPECT_NE(error_of({"conflicts", "lst"}).find("did you mean 'list'?"),
            std::string::npos);
  EXPECT_NE(sync_error({"extra"}).find("unexpected argument 'extra'"), std::string::npos);
  EXPECT_EQ(error_of({}),
            "a command is missing: upload, download, sync, status, retry, conflicts, ls, "
            "config "
            "(see 'cloudsync --help')");
  EXPECT_EQ(
      error_of({"conflicts"}),
      "a command is missing: list, show, resolve (see 'cloudsync conflicts --help')");
}

TEST(Usage, MissingValuesNameTheFlag) {
  EXPECT_NE(sync_error({"--max-workers"}).find("--max-workers"), std::string::npos);
  EXPECT_NE(error_of({"conflicts", "resolve", "a"}).find("--keep"), std::string::npos);
  EXPECT_NE(error_of({"conflicts", "show"}).find("path"), std::string::npos);
  EXPECT_NE(error_of({"conflicts", "resolve", "a", "--keep", "mine"})
                .find("local, cloud, both"),
            std::string::npos);
}

TEST(Usage, HelpAndVersionAreTexts) {
  const ParsedCommandLine help = parse_command_line({"--help"});
  EXPECT_FALSE(help.arguments.has_value());
  for (const char* name :
       {"upload", "download", "sync", "status", "retry", "ls", "conflicts", "config"}) {
    EXPECT_NE(help.text.find(name), std::string::npos) << name;
  }
  EXPECT_NE(parse_command_line({"sync", "-h"}).text.find("--cloud-prefix"),
            std::string::npos);
  EXPECT_EQ(parse_command_line({"sync", "-h"}).text.find("--dryrun"), std::string::npos);
  EXPECT_EQ(parse_command_line({"--version"}).text, "cloudsync " CLOUDSYNC_VERSION "\n");
}

}  // namespace
}  // namespace cloudsync::cli
