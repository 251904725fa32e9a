// SPDX-License-Identifier: Apache-2.0
#include "cli/app.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>
#include <memory>

#include "base/encoding.h"
#include "cli/raw_flags.h"
#include "config/nearest_key.h"

namespace cloudsync::cli {
namespace {

using OptionalText = std::optional<std::string>;

// CLI11's view of the program. Every flag acts when it is met (trigger_on_parse), which
// keeps the filters in command-line order and lets the last of two opposite flags win.
class App {
 public:
  App() : root_("cloudsync keeps local folders and buckets in step.", "cloudsync") {
    root_.get_formatter()->column_width(32);
    root_.set_help_flag("-h,--help", "Print this help");
    root_.set_version_flag("--version", "cloudsync " CLOUDSYNC_VERSION,
                           "Print the version");
    root_.require_subcommand(1);
    root_.footer("'cloudsync COMMAND --help' explains a command.");
    add_common(root_);
    add_transfers();
    add_database_commands();
    add_conflicts();
    add_ls_and_config();
  }

  ParsedCommandLine parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    try {
      root_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      return {std::nullopt, root_.help()};
    } catch (const CLI::CallForVersion& version) {
      return {std::nullopt, std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
      fail_usage(error);
    }
    return {with_hint([&] { return to_arguments(raw_); }), ""};
  }

 private:
  static void flag(CLI::App& app, const std::string& names, const std::string& help,
                   std::function<void()> act) {
    app.add_flag_callback(names, std::move(act), help)->trigger_on_parse();
  }

  // Spellings of other tools: understood, not shown.
  static void hidden_flag(CLI::App& app, const std::string& names,
                          std::function<void()> act) {
    app.add_flag_callback(names, std::move(act))->trigger_on_parse()->group("");
  }

  static CLI::Option* value(CLI::App& app, const std::string& names,
                            const std::string& type, OptionalText& target) {
    return app
        .add_option_function<std::string>(
            names, [slot = &target](const std::string& text) { *slot = text; })
        ->trigger_on_parse()
        ->type_name(type);
  }

  CLI::App& command(CLI::App& parent, Command which, const std::string& name,
                    const std::string& help) {
    CLI::App* app = parent.add_subcommand(name, help);
    app->parse_complete_callback([this, which] { raw_.command = which; });
    add_common(*app);
    return *app;
  }

  void add_common(CLI::App& app) {
    value(app, "--config", "FILE", raw_.config)->description("Configuration file");
    flag(app, "--json", "One JSON object a line on stdout", [this] { raw_.json = true; });
    flag(app, "-q,--quiet", "Print nothing but errors", [this] { raw_.quiet = true; });
    flag(app, "-v,--verbose", "Say more; twice for even more",
         [this] { ++raw_.verbosity; });
    value(app, "--log-file", "FILE", raw_.log_file)
        ->description("Write the log here too");
  }

  void add_pair(CLI::App& app) {
    value(app, "--local-dir", "DIR", raw_.local_dir)->description("Local folder");
    value(app, "--cloud-prefix", "PREFIX", raw_.cloud_prefix)
        ->description("Folder in the bucket; \"\" is the whole bucket");
  }

  void add_run_flags(CLI::App& app) {
    flag(app, "-n,--dry-run", "Show what would be done, change nothing",
         [this] { raw_.dry_run = true; });
    hidden_flag(app, "--dryrun,--dry", [this] { raw_.dry_run = true; });
    value(app, "--max-workers", "N|auto", raw_.max_workers)
        ->description("Requests in flight");
    value(app, "--transfers", "N|auto", raw_.max_workers)->group("");
    flag(app, "--progress", "Show progress (default on a terminal)",
         [this] { raw_.progress = true; });
    flag(app, "--no-progress", "Show no progress", [this] { raw_.progress = false; });
    value(app, "--conflict-strategy", "NAME", raw_.conflict_strategy)
        ->description(
            "timestamp_wins, local_wins, cloud_wins, manual or version_preserve");
    value(app, "--max-delete", "N|P%", raw_.max_delete)
        ->description("Delete nothing when more than this would go");
    app.add_option_function<std::string>(
           "--force", [this](const std::string& name) { raw_.force.push_back(name); },
           "Lift one brake for this run: max-delete, emptied, rewritten, root, "
           "restored-local, restored-cloud, state or envelope; repeatable")
        ->trigger_on_parse()
        ->type_name("NAME");
  }

  void filter_flag(CLI::App& app, const std::string& name, FilterFlag::Kind kind,
                   const std::string& help) {
    app.add_option_function<std::string>(
           name,
           [this, kind](const std::string& text) {
             raw_.filters.push_back({kind, text});
           },
           help)
        ->trigger_on_parse()
        ->type_name(kind == FilterFlag::Kind::kFile ? "FILE" : "PATTERN")
        ->group("Filters (the first match wins)");
  }

  void add_transfer(Command which, const std::string& help) {
    CLI::App& app = command(root_, which, command_name(which), help);
    add_pair(app);
    add_run_flags(app);
    flag(app, "--delete", "Delete on the other side what was deleted here",
         [this] { raw_.deletes = true; });
    hidden_flag(app, "--delete-dst", [this] { raw_.deletes = true; });
    flag(app, "--no-delete", "Delete nothing", [this] { raw_.deletes = false; });
    flag(app, "--mirror", "upload, download: also delete what was never synced",
         [this] { raw_.mirror = true; });
    flag(app, "--checksum", "Hash every file, whatever its time and size say",
         [this] { raw_.checksum = true; });
    flag(app, "--size-only", "Move nothing where the sizes are equal",
         [this] { raw_.size_only = true; });
    flag(app, "--ignore-unsafe", "What the other side cannot hold is no exit code 3",
         [this] { raw_.ignore_unsafe = true; });
    flag(app, "--ignore-stored-md5",
         "Take a download whose MD5 differs only from the one that its writer stored",
         [this] { raw_.ignore_stored_md5 = true; });
    filter_flag(app, "--include", FilterFlag::Kind::kInclude, "Take these");
    filter_flag(app, "--exclude", FilterFlag::Kind::kExclude, "Leave these out");
    filter_flag(app, "--filter", FilterFlag::Kind::kRule, "'+ PATTERN' or '- PATTERN'");
    filter_flag(app, "--filter-from", FilterFlag::Kind::kFile, "Read rules from a file");
  }

  void add_transfers() {
    add_transfer(Command::kUpload, "Bring a local folder's changes to the bucket");
    add_transfer(Command::kDownload, "Bring the bucket's changes to a local folder");
    add_transfer(Command::kSync, "Bring both sides into step");
  }

  void add_database_commands() {
    add_pair(command(root_, Command::kStatus, "status",
                     "Show runs, totals, failures and conflicts, without the network"));
    CLI::App& retry = command(root_, Command::kRetry, "retry",
                              "Repeat what failed, of every pair or of one");
    add_pair(retry);
    add_run_flags(retry);
  }

  void add_conflicts() {
    CLI::App* group =
        root_.add_subcommand("conflicts", "List, show and resolve conflicts");
    group->require_subcommand(1);
    add_pair(command(*group, Command::kConflictsList, "list", "List the open conflicts"));
    CLI::App& show =
        command(*group, Command::kConflictsShow, "show", "Show both sides of one");
    CLI::App& resolve = command(*group, Command::kConflictsResolve, "resolve",
                                "Settle one now; refused when a side has changed since");
    for (CLI::App* app : {&show, &resolve}) {
      add_pair(*app);
      app->add_option("path", raw_.path, "Path below the local folder")->required();
    }
    value(resolve, "--keep", "SIDE", raw_.keep)
        ->description("local, cloud or both")
        ->required();
  }

  void add_ls_and_config() {
    command(root_, Command::kLs, "ls", "List objects: size, time and key")
        .add_option("prefix", raw_.path, "Only keys that begin with this");
    CLI::App* group = root_.add_subcommand("config", "Check the configuration");
    group->require_subcommand(1);
    CLI::App& check = command(*group, Command::kConfigCheck, "check",
                              "Print every value with its origin, secrets masked");
    flag(check, "--connect", "Reach the bucket too", [this] { raw_.connect = true; });
    value(check, "--max-workers", "N|auto", raw_.max_workers)
        ->description("As on transfers");
    value(check, "--conflict-strategy", "NAME", raw_.conflict_strategy)
        ->description("As on transfers");
    value(check, "--max-delete", "N|P%", raw_.max_delete)->description("As on transfers");
  }

  // The innermost command that was recognised.
  const CLI::App& current() const {
    const CLI::App* app = &root_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
    return *app;
  }

  std::string help_hint() const {
    std::string name;
    for (const CLI::App* app = &current(); app != nullptr; app = app->get_parent()) {
      name = app->get_name() + (name.empty() ? "" : " " + name);
    }
    return "see '" + name + " --help'";
  }

  template <class Call>
  auto with_hint(Call call) const -> decltype(call()) {
    try {
      return call();
    } catch (const Error& error) {
      throw Error(error.code(), std::string(error.what()) + " (" + help_hint() + ")");
    }
  }

  static void collect_words(const CLI::App& app, bool flags,
                            std::vector<std::string>& words) {
    for (const CLI::Option* option : app.get_options()) {
      if (!flags) break;
      for (const auto& name : option->get_lnames()) words.push_back("--" + name);
    }
    for (const CLI::App* command :
         app.get_subcommands([](const CLI::App*) { return true; })) {
      if (!flags) words.push_back(command->get_name());
    }
  }

  std::string command_words() const {
    std::vector<std::string> words;
    collect_words(current(), false, words);
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
    return all;
  }

  std::string unknown(std::string word) const {
    const bool is_flag = word.starts_with('-');
    if (is_flag) word.resize(std::min(word.find('='), word.size()));
    std::vector<std::string> words;
    collect_words(current(), is_flag, words);
    std::string text = (is_flag ? "unknown flag '" : "unexpected argument '") +
                       base::printable(word) + "'";
    if (words.empty()) return text;
    const config::Nearest near = config::nearest(word, words);
    if (near.is_close) text += "; did you mean '" + near.word + "'?";
    return text;
  }

  // What was left over names the fault better than what is missing because of it.
  [[noreturn]] void fail_usage(const CLI::ParseError& error) const {
    const std::vector<std::string> rest = root_.remaining(true);
    std::string message = error.what();
    const auto odd = std::find_if(rest.begin(), rest.end(), [](const std::string& word) {
      return word.starts_with('-');
    });
    if (odd != rest.end()) {
      message = unknown(*odd);
    } else if (!rest.empty()) {
      message = unknown(rest.front());
    }
    if (rest.empty() && current().get_require_subcommand_min() > 0) {
      message = "a command is missing: " + command_words();
    }
    throw Error(ErrorCode::kInvalidArgument, message + " (" + help_hint() + ")");
  }

  CLI::App root_;
  RawFlags raw_;
};

// CLI11 cannot tell "--cloud-prefix=" from a flag whose value is the next argument.
std::vector<std::string> with_empty_values(const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  bool flags_end = false;
  for (const std::string& argument : arguments) {
    flags_end = flags_end || argument == "--";
    const bool empty_value = !flags_end && argument.size() > 3 &&
                             argument.starts_with("--") &&
                             argument.find('=') == argument.size() - 1;
    if (empty_value) {
      result.push_back(argument.substr(0, argument.size() - 1));
      result.emplace_back();
    } else {
      result.push_back(argument);
    }
  }
  return result;
}

}  // namespace

ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments) {
  return App().parse(with_empty_values(arguments));
}

}  // namespace cloudsync::cli
