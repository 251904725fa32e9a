// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/run_reporter.h"

#include "base/log.h"
#include "cli/exit_codes.h"
#include "cli/output/json_output.h"
#include "cli/output/text_output.h"

namespace cloudsync::cli {
namespace {

// What moves nothing and asks nothing of the user.
bool is_left_alone(const ActionEvent& event) {
  return event.error_code.empty() && (event.action == OperationAction::kSkip ||
                                      event.action == OperationAction::kAdopt ||
                                      event.action == OperationAction::kForget);
}

bool needs_attention(OperationAction action) {
  return action == OperationAction::kConflict ||
         action == OperationAction::kConflictCopy ||
         action == OperationAction::kArchived || action == OperationAction::kUnsafe;
}

void log_action(const ActionEvent& event) {
  const std::string text = action_text(event);
  if (event.status == ActionEvent::Status::kFailed) {
    base::log().error("{}: failed: {}", text, event.error_message);
  } else if (!event.error_message.empty()) {
    base::log().warn("{}: {}", text, event.error_message);
  } else if (needs_attention(event.action)) {
    base::log().warn("{}", text);
  } else {
    base::log().info("{}", text);
  }
}

std::optional<bool> wanted_progress(const OutputOptions& output) {
  return output.quiet ? false : output.progress;
}

}  // namespace

RunReporter::RunReporter(const Session& session, const std::string& title)
    : session_(session),
      display_(session.console, title, wanted_progress(session.arguments.output)) {}

RunOptions RunReporter::options() {
  RunOptions options = session_.arguments.run;
  options.stop = session_.signals.token();
  options.on_action = [this](const ActionEvent& event) { on_action(event); };
  if (display_.enabled()) {
    options.on_progress = [this](const ProgressSnapshot& snapshot) {
      display_.show(snapshot);
    };
  }
  return options;
}

void RunReporter::on_action(const ActionEvent& event) {
  const OutputOptions& output = session_.arguments.output;
  const bool quiet_kind = is_left_alone(event) && output.verbosity == 0;
  if (output.json) {
    // Adoptions and forgotten rows change the state, so a script sees them; a skip
    // changes nothing.
    if (event.action != OperationAction::kSkip || !quiet_kind) {
      session_.console.out_line(action_json(event));
    }
  } else if (event.status == ActionEvent::Status::kPlanned) {
    if (!output.quiet && !quiet_kind) {
      session_.console.out_line("would " + action_text(event));
    }
    return;
  }
  log_action(event);
}

int RunReporter::finish(const SyncProgress& progress) {
  Console& console = session_.console;
  const OutputOptions& output = session_.arguments.output;
  console.draw({});
  for (const std::string& notice : progress.notices) {
    if (!output.quiet) console.message(notice);
  }
  if (progress.brake) {
    console.message("brake " + *progress.brake + ": " + progress.brake_message);
  }
  if (progress.fatal) console.message(progress.fatal->what());
  const int code = exit_code_of(progress, session_.signals.signal());
  if (output.json) {
    console.out_line(summary_json(progress, code));
  } else if (!output.quiet) {
    console.out_line(summary_text(progress));
  }
  return code;
}

}  // namespace cloudsync::cli
