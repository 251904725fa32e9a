// SPDX-License-Identifier: Apache-2.0
#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/encoding.h"
#include "base/posix_root.h"

namespace cloudsync::base {
namespace {

using std::chrono::milliseconds;
using Deadline = std::chrono::steady_clock::time_point;

// How often the program is looked after where the kernel has no pidfd.
constexpr milliseconds kTick{20};

[[noreturn]] void throw_failed(const std::string& what, int code) {
  throw Error(ErrorCode::kLocalIo, what + ": " + std::strerror(code));
}

void require(int code, const std::string& what) {
  if (code != 0) throw_failed(what, code);
}

// Never 0, 1 or 2: those are replaced in the program, where one could overwrite another.
UniqueFd above_standard(UniqueFd fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  UniqueFd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved.valid()) throw_failed("a pipe cannot be made", errno);
  return moved;
}

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw_failed("a pipe cannot be made", errno);
  Pipe out{UniqueFd(ends[0]), UniqueFd(ends[1])};
  out.write_end = above_standard(std::move(out.write_end));
  fcntl(out.read_end.get(), F_SETFL, O_NONBLOCK);
  return out;
}

class FileActions {
 public:
  FileActions() { require(posix_spawn_file_actions_init(&value_), "posix_spawn"); }
  ~FileActions() { posix_spawn_file_actions_destroy(&value_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void attach(const Pipe& out, const Pipe& err) {
    require(
        posix_spawn_file_actions_addopen(&value_, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
        "posix_spawn");
    require(posix_spawn_file_actions_adddup2(&value_, out.write_end.get(), STDOUT_FILENO),
            "posix_spawn");
    require(posix_spawn_file_actions_adddup2(&value_, err.write_end.get(), STDERR_FILENO),
            "posix_spawn");
    require(posix_spawn_file_actions_addclosefrom_np(&value_, STDERR_FILENO + 1),
            "posix_spawn");
  }
  const posix_spawn_file_actions_t* get() const { return &value_; }

 private:
  posix_spawn_file_actions_t value_;
};

// A group of its own, so that whatever the program starts can be ended with it, and the
// signals as a shell would hand them over.
class Attributes {
 public:
  Attributes() {
    require(posix_spawnattr_init(&value_), "posix_spawn");
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&value_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&value_, &signals);
    posix_spawnattr_setpgroup(&value_, 0);
    posix_spawnattr_setflags(
        &value_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&value_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &value_; }

 private:
  posix_spawnattr_t value_;
};

std::vector<std::string> merged_environment(const Subprocess& command) {
  std::vector<std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    const auto replaced = [&](const auto& extra) { return extra.first == name; };
    if (std::none_of(command.extra_environment.begin(), command.extra_environment.end(),
                     replaced)) {
      out.emplace_back(text);
    }
  }
  for (const auto& [name, value] : command.extra_environment) {
    out.push_back(name + "=" + value);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

void check(const Subprocess& command) {
  if (command.argv.empty() || command.argv.front().empty()) {
    throw Error(ErrorCode::kInvalidArgument, "there is no program to run");
  }
  for (const std::string& argument : command.argv) {
    if (argument.find('\0') == std::string::npos) continue;
    throw Error(ErrorCode::kInvalidArgument, "an argument of the program " +
                                                 printable(command.argv.front()) +
                                                 " holds a NUL byte");
  }
}

[[noreturn]] void throw_not_started(const std::string& program, int code) {
  const std::string name = printable(program);
  if (code == ENOENT || code == ENOTDIR) {
    throw Error(ErrorCode::kNotFound, program.find('/') == std::string::npos
                                          ? "there is no program " + name + " in PATH"
                                          : "there is no program " + name);
  }
  const bool refused = code == EACCES || code == EPERM;
  throw Error(refused ? ErrorCode::kPermissionDenied : ErrorCode::kLocalIo,
              "the program " + name + " cannot be started: " + std::strerror(code));
}

pid_t spawn(const Subprocess& command, const Pipe& out, const Pipe& err) {
  FileActions actions;
  actions.attach(out, err);
  const Attributes attributes;
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> variables = merged_environment(command);
  pid_t pid = -1;
  const int code =
      posix_spawnp(&pid, arguments.front().c_str(), actions.get(), attributes.get(),
                   pointers(arguments).data(), pointers(variables).data());
  if (code != 0) throw_not_started(command.argv.front(), code);
  return pid;
}

// glibc 2.36 declares pidfd_open() without C linkage.
UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

// A started program; killed with its group and reaped at the latest in the destructor.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid), pidfd_(open_pidfd(pid)) {}
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool watched() const { return pidfd_.valid(); }
  int pidfd() const { return pidfd_.get(); }

  // The exit code once it has ended.
  std::optional<int> try_reap() {
    int status = 0;
    const pid_t got = waitpid(pid_, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) return std::nullopt;
    pid_ = -1;
    if (got < 0) throw_failed("the program's exit code was lost", errno);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  void end() {
    if (pid_ < 0) return;
    // Not reaped yet, so that neither number can belong to somebody else.
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }

 private:
  pid_t pid_;  // -1 = reaped
  UniqueFd pidfd_;
};

// One of the program's outputs: everything is read, so that it never blocks, and the
// first bytes are kept.
class Output {
 public:
  Output(UniqueFd fd, std::size_t limit) : fd_(std::move(fd)), limit_(limit) {}

  int fd() const { return fd_.get(); }
  std::string take() { return std::move(text_); }

  // What is there now.
  void drain() {
    std::array<char, 16384> buffer{};
    for (int rounds = 0; fd_.valid() && rounds < kRoundsAtOnce; ++rounds) {
      const ssize_t got = read(fd_.get(), buffer.data(), buffer.size());
      if (got > 0) {
        keep(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
      } else if (got == 0) {
        fd_ = UniqueFd();
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != EINTR) {
        throw_failed("the program's output cannot be read", errno);
      }
    }
  }

 private:
  // A program that writes without end must not keep its caller from looking at the clock;
  // what an ended one left in the pipe (64 KiB, 1 MiB at most) is read in one go.
  static constexpr int kRoundsAtOnce = 128;

  void keep(std::string_view bytes) {
    text_.append(bytes.substr(0, limit_ - std::min(limit_, text_.size())));
  }

  UniqueFd fd_;  // invalid = at its end
  std::size_t limit_;
  std::string text_;
};

// Becomes readable when the caller asks to stop.
class StopSignal {
 public:
  explicit StopSignal(const std::stop_token& stop)
      : fd_(make_event()), callback_(stop, Notify{fd_.get()}) {}
  int fd() const { return fd_.get(); }

 private:
  static UniqueFd make_event() {
    UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd.valid()) throw_failed("an event descriptor cannot be made", errno);
    return fd;
  }
  struct Notify {
    int fd;
    void operator()() const {
      const std::uint64_t one = 1;
      // Fails only when the counter is full, and then the descriptor is readable.
      if (write(fd, &one, sizeof one) < 0) return;
    }
  };
  UniqueFd fd_;
  std::stop_callback<Notify> callback_;
};

int poll_milliseconds(Deadline end, bool watched) {
  const auto left =
      std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
  const auto most = watched ? milliseconds(60000) : kTick;
  return static_cast<int>(std::clamp(left, milliseconds(0), most).count());
}

int wait_for_end(Child& child, std::array<Output, 2>& outputs, const CallContext& context,
                 Deadline end) {
  const StopSignal stop(context.stop);
  for (;;) {
    context.throw_if_stopped();
    // Before the outputs are read: what an ended program wrote is all there then.
    const auto code = child.try_reap();
    for (Output& output : outputs) output.drain();
    if (code) return *code;
    if (std::chrono::steady_clock::now() >= end) {
      throw Error(ErrorCode::kDeadlineExceeded, "did not end in time");
    }
    // A negative descriptor (an output at its end, no pidfd) is one poll() leaves out.
    std::array<pollfd, 4> events{{{stop.fd(), POLLIN, 0},
                                  {child.pidfd(), POLLIN, 0},
                                  {outputs[0].fd(), POLLIN, 0},
                                  {outputs[1].fd(), POLLIN, 0}}};
    poll(events.data(), events.size(), poll_milliseconds(end, child.watched()));
  }
}

SubprocessResult run(const Subprocess& command, const CallContext& context) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  const auto limit = std::chrono::steady_clock::now() + command.timeout;
  const Deadline end = context.deadline ? std::min(*context.deadline, limit) : limit;
  Child child(spawn(command, out, err));
  out.write_end = UniqueFd();
  err.write_end = UniqueFd();
  std::array<Output, 2> outputs{Output(std::move(out.read_end), command.max_output),
                                Output(std::move(err.read_end), command.max_output)};
  SubprocessResult result;
  result.exit_code = wait_for_end(child, outputs, context, end);
  result.out = outputs[0].take();
  result.err = outputs[1].take();
  return result;
}

class CommandLine {
 public:
  explicit CommandLine(const std::string& line) : line_(line) {}

  std::vector<std::string> split() {
    while (at_ < line_.size()) take(line_[at_++]);
    end_word();
    return std::move(words_);
  }

 private:
  void take(char c) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) return end_word();
    in_word_ = true;
    if (c == '\'' || c == '"') return take_quoted(c);
    word_ += c == '\\' ? escaped() : c;
  }
  void take_quoted(char quote) {
    for (; at_ < line_.size(); ++at_) {
      const char c = line_[at_];
      if (c == quote) {
        ++at_;
        return;
      }
      const bool escapes = quote == '"' && c == '\\' && at_ + 1 < line_.size() &&
                           (line_[at_ + 1] == '"' || line_[at_ + 1] == '\\');
      word_ += escapes ? line_[++at_] : c;
    }
    throw Error(ErrorCode::kInvalidArgument,
                std::string("the command line has an open ") + quote);
  }
  // A backslash at the very end stands for itself.
  char escaped() { return at_ < line_.size() ? line_[at_++] : '\\'; }
  void end_word() {
    if (in_word_) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  const std::string& line_;
  std::size_t at_ = 0;
  bool in_word_ = false;  // also for "", which is a word
  std::string word_;
  std::vector<std::string> words_;
};

}  // namespace

SubprocessResult run_subprocess(const Subprocess& command, const CallContext& context) {
  check(command);
  context.throw_if_stopped();
  try {
    return run(command, context);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDeadlineExceeded) throw;
    throw Error(ErrorCode::kDeadlineExceeded, "the program " +
                                                  printable(command.argv.front()) + " " +
                                                  error.what() + " and was killed");
  }
}

std::vector<std::string> split_command_line(const std::string& line) {
  return CommandLine(line).split();
}

}  // namespace cloudsync::base
