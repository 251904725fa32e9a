// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>

#include "cli/app.h"
#include "cli/commands/commands.h"
#include "cli/exit_codes.h"
#include "cli/output/json_output.h"
#include "cli/session.h"

namespace cloudsync::cli {
namespace {

int dispatch(const Session& session) {
  switch (session.arguments.command) {
    case Command::kUpload:
    case Command::kDownload:
    case Command::kSync:
      return run_transfer_command(session);
    case Command::kStatus:
      return run_status_command(session);
    case Command::kRetry:
      return run_retry_command(session);
    case Command::kLs:
      return run_ls_command(session);
    case Command::kConflictsList:
    case Command::kConflictsShow:
    case Command::kConflictsResolve:
      return run_conflicts_command(session);
    case Command::kConfigCheck:
      return run_config_command(session);
  }
  throw Error(ErrorCode::kInternal, "unknown command");
}

// A script that reads JSON from a transfer gets its last line whatever happened.
void print_failed_summary(Console& console, const Arguments& arguments, int exit_code) {
  if (!arguments.output.json || !is_transfer(arguments.command)) return;
  SyncProgress progress;
  progress.command = command_name(arguments.command);
  console.out_line(summary_json(progress, exit_code));
}

int run_command(const Arguments& arguments, Console& console) {
  SignalWatcher signals([&console](int) {
    console.message_if_free(
        "stopping; what is done is saved (once more to stop at once)");
  });
  try {
    const LogRoute log_route(arguments.output, console);
    return dispatch({arguments, console, signals});
  } catch (const Error& error) {
    const int code = exit_code_of(error, signals.signal());
    console.message(error.what());
    print_failed_summary(console, arguments, code);
    return code;
  }
}

int run_parsed(const std::vector<std::string>& arguments, Console& console) {
  try {
    const ParsedCommandLine parsed = parse_command_line(arguments);
    if (parsed.arguments) return run_command(*parsed.arguments, console);
    console.out(parsed.text);
    return 0;
  } catch (const Error& error) {
    console.message(error.what());
    return exit_code_of(error, 0);
  } catch (const std::exception& error) {
    console.message(std::string("a fault of the program: ") + error.what());
    return kExitInternal;
  }
}

}  // namespace

int run_program(const std::vector<std::string>& arguments, int out_fd, int err_fd) {
  Console console(out_fd, err_fd);
  const int code = run_parsed(arguments, console);
  // Output that was lost (a full disk) must not look like success.
  if (const int error = console.out_error(); error != 0) {
    console.message(std::string("cannot write the output: ") + std::strerror(error));
    return code == 0 ? kExitIncomplete : code;
  }
  return code;
}

}  // namespace cloudsync::cli
