// SPDX-License-Identifier: Apache-2.0
#include "base/subprocess.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/test_directory.h"
#include "cloudsync/error.h"

namespace cloudsync::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Subprocess shell(const std::string& script) {
  Subprocess command;
  command.argv = {"sh", "-c", script};
  return command;
}

Error error_of(const Subprocess& command, const CallContext& context = {}) {
  try {
    run_subprocess(command, context);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "nothing was thrown");
}

bool is_alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  return static_cast<bool>(stat >> id >> name >> state) && state != "Z";
}

// The kernel takes a moment to end what was killed.
bool ends_soon(pid_t pid) {
  const auto end = steady_clock::now() + std::chrono::seconds(10);
  while (is_alive(pid) && steady_clock::now() < end) std::this_thread::yield();
  return !is_alive(pid);
}

bool has_children() { return waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD; }

TEST(Subprocess, GivesExitCodeAndBothOutputs) {
  const auto result = run_subprocess(shell("echo out; echo err >&2; exit 7"), {});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_FALSE(has_children());
}

TEST(Subprocess, ProgramEndedByASignalCountsFrom128) {
  EXPECT_EQ(run_subprocess(shell("kill -TERM $$"), {}).exit_code, 128 + SIGTERM);
}

TEST(Subprocess, ArgumentsAreHandedOverWithoutAShell) {
  Subprocess command;
  command.argv = {"printf", "%s|", "$HOME", "a b", "", "*"};
  EXPECT_EQ(run_subprocess(command, {}).out, "$HOME|a b||*|");
}

TEST(Subprocess, StandardInputIsEmpty) {
  EXPECT_EQ(run_subprocess(shell("cat; echo end"), {}).out, "end\n");
}

TEST(Subprocess, ExtraVariablesReplaceInheritedOnes) {
  setenv("CLOUDSYNC_TEST_OLD", "old", 1);
  setenv("CLOUDSYNC_TEST_KEPT", "kept", 1);
  Subprocess command =
      shell("echo $CLOUDSYNC_TEST_OLD $CLOUDSYNC_TEST_KEPT $CLOUDSYNC_TEST_ADDED");
  command.extra_environment = {{"CLOUDSYNC_TEST_OLD", "new"},
                               {"CLOUDSYNC_TEST_ADDED", "added"}};
  EXPECT_EQ(run_subprocess(command, {}).out, "new kept added\n");
}

TEST(Subprocess, NoOtherDescriptorIsInherited) {
  const int open_file =
      open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as libraries do
  ASSERT_GE(open_file, 3);
  const auto result = run_subprocess(shell("ls /proc/$$/fd"), {});
  close(open_file);
  EXPECT_EQ(result.out, "0\n1\n2\n");
}

TEST(Subprocess, SignalsThatThisProgramIgnoresHaveTheirDefault) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const auto result = run_subprocess(shell("kill -PIPE $$; echo survived"), {});
  std::signal(SIGPIPE, before);
  EXPECT_EQ(result.exit_code, 128 + SIGPIPE);
}

TEST(Subprocess, OutputBeyondTheLimitIsReadAndDropped) {
  Subprocess command = shell("head -c 3000000 /dev/zero | tr '\\0' x; printf y >&2");
  command.max_output = 1000;
  const auto result = run_subprocess(command, {});
  EXPECT_EQ(result.exit_code, 0) << "the program must not block on a full pipe";
  EXPECT_EQ(result.out, std::string(1000, 'x'));
  EXPECT_EQ(result.err, "y");
}

TEST(Subprocess, TheEndOfALongOutputIsNotLost) {
  for (int i = 0; i < 30; ++i) {
    const std::string size = std::to_string(400'000 + 20'011 * i);
    const auto result = run_subprocess(shell("head -c " + size + " /dev/zero"), {});
    EXPECT_EQ(std::to_string(result.out.size()), size);
  }
}

TEST(Subprocess, AbsentProgramIsNotFound) {
  Subprocess command;
  command.argv = {"cloudsync-there-is-no-such-program"};
  EXPECT_EQ(error_of(command).code(), ErrorCode::kNotFound);
  EXPECT_THAT(error_of(command).what(), HasSubstr("such-program in PATH"));
  command.argv = {"/nonexistent/program"};
  EXPECT_EQ(error_of(command).code(), ErrorCode::kNotFound);
  EXPECT_FALSE(has_children());
}

TEST(Subprocess, FileThatIsNoProgramIsRefused) {
  const TestDirectory folder;
  folder.write("plain", "text");
  Subprocess command;
  command.argv = {folder / "plain"};
  EXPECT_EQ(error_of(command).code(), ErrorCode::kPermissionDenied);
}

TEST(Subprocess, NothingToRunAndNulBytesAreInvalid) {
  EXPECT_EQ(error_of({}).code(), ErrorCode::kInvalidArgument);
  Subprocess command;
  command.argv = {"echo", std::string("a\0b", 3)};
  EXPECT_EQ(error_of(command).code(), ErrorCode::kInvalidArgument);
}

TEST(Subprocess, TimeoutKillsTheWholeGroup) {
  const TestDirectory folder;
  Subprocess command = shell("sleep 600 & echo $! >" + (folder / "pid") + "; wait");
  command.timeout = milliseconds(300);
  const Error error = error_of(command);
  EXPECT_EQ(error.code(), ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(error.what(), HasSubstr("program sh did not end in time and was killed"));
  EXPECT_FALSE(has_children());
  EXPECT_TRUE(ends_soon(std::stoi(folder.read("pid"))));
}

TEST(Subprocess, DeadlineOfTheCallerCountsToo) {
  CallContext context;
  context.deadline = steady_clock::now() + milliseconds(50);
  EXPECT_EQ(error_of(shell("sleep 600"), context).code(), ErrorCode::kDeadlineExceeded);
}

TEST(Subprocess, EndlessOutputDoesNotDelayTheTimeout) {
  Subprocess command = shell("yes");
  command.timeout = milliseconds(100);
  const auto begin = steady_clock::now();
  EXPECT_EQ(error_of(command).code(), ErrorCode::kDeadlineExceeded);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Subprocess, StopEndsTheProgramAtOnce) {
  const TestDirectory folder;
  ASSERT_EQ(mkfifo((folder / "started").c_str(), 0600), 0);
  std::stop_source stop;
  steady_clock::time_point asked;
  std::jthread stopper([&] {
    std::ifstream started(folder / "started");  // opens when the program opens its end
    asked = steady_clock::now();
    stop.request_stop();
  });
  CallContext context;
  context.stop = stop.get_token();
  const Error error =
      error_of(shell("exec 3>" + (folder / "started") + "; sleep 600"), context);
  const auto ended = steady_clock::now();
  stopper.join();
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  EXPECT_LT(ended - asked, milliseconds(500)) << "100 ms and a slow machine";
  EXPECT_FALSE(has_children());
}

TEST(Subprocess, StoppedContextStartsNothing) {
  const TestDirectory folder;
  std::stop_source stop;
  stop.request_stop();
  CallContext context;
  context.stop = stop.get_token();
  EXPECT_EQ(error_of(shell("touch " + (folder / "made")), context).code(),
            ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(folder / "made"));
}

TEST(Subprocess, ProgramLeftInTheBackgroundIsNotAwaited) {
  const TestDirectory folder;
  const auto begin = steady_clock::now();
  const auto result = run_subprocess(
      shell("sleep 600 & echo $! >" + (folder / "pid") + "; echo done"), {});
  EXPECT_EQ(result.out, "done\n");
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(60));
  kill(std::stoi(folder.read("pid")), SIGKILL);
}

TEST(SplitCommandLine, BlanksSeparateAndQuotesGroup) {
  EXPECT_THAT(split_command_line("  a\tb  'c d' \"e f\"g  "),
              ElementsAre("a", "b", "c d", "e fg"));
  EXPECT_THAT(split_command_line("a '' \"\""), ElementsAre("a", "", ""));
  EXPECT_THAT(split_command_line(" \t"), IsEmpty());
}

TEST(SplitCommandLine, BackslashEscapesOutsideAndInDoubleQuotes) {
  EXPECT_THAT(split_command_line(R"(a\ b "c\"d\\e\f" 'g\h' \')"),
              ElementsAre("a b", R"(c"d\e\f)", R"(g\h)", "'"));
}

TEST(SplitCommandLine, NothingIsExpanded) {
  EXPECT_THAT(split_command_line("echo $HOME *.txt `x` | cat > f"),
              ElementsAre("echo", "$HOME", "*.txt", "`x`", "|", "cat", ">", "f"));
}

TEST(SplitCommandLine, OpenQuoteIsInvalid) {
  for (const std::string line : {"a 'b", "a \"b", "\"a\\\""}) {
    try {
      split_command_line(line);
      FAIL() << line;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  }
}

}  // namespace
}  // namespace cloudsync::base
