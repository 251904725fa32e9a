// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/sink.h>

#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::base {
namespace {

class DescriptorSink final
    : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  DescriptorSink(int fd, bool owned, const char* pattern) : fd_(fd), owned_(owned) {
    set_pattern(pattern);
  }
  DescriptorSink(const DescriptorSink&) = delete;
  DescriptorSink& operator=(const DescriptorSink&) = delete;
  ~DescriptorSink() override {
    if (owned_) close(fd_);
  }

 protected:
  // A log that cannot be written must not fail the work: what does not fit is lost.
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::size_t done = 0;
    while (done < line.size()) {
      const ssize_t n = write(fd_, line.data() + done, line.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      done += static_cast<std::size_t>(n);
    }
  }
  void flush_() override {}

 private:
  int fd_;
  bool owned_;
};

using SinkPtr = std::shared_ptr<spdlog::sinks::sink>;

// The only sink the logger has: whatever goes out passes the redaction here, and the
// targets can be exchanged while other threads log.
class RedactingSink final : public spdlog::sinks::sink {
 public:
  void replace(std::vector<SinkPtr> targets) {
    const std::lock_guard lock(mutex_);
    targets_ = std::move(targets);
  }

  void log(const spdlog::details::log_msg& message) override {
    const std::string payload =
        redacted(std::string_view(message.payload.data(), message.payload.size()));
    spdlog::details::log_msg clean = message;
    clean.payload = spdlog::string_view_t(payload.data(), payload.size());
    const std::lock_guard lock(mutex_);
    for (const SinkPtr& target : targets_) target->log(clean);
  }

  void flush() override {
    const std::lock_guard lock(mutex_);
    for (const SinkPtr& target : targets_) target->flush();
  }

  void set_pattern(const std::string& pattern) override {
    const std::lock_guard lock(mutex_);
    for (const SinkPtr& target : targets_) target->set_pattern(pattern);
  }

  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    const std::lock_guard lock(mutex_);
    for (const SinkPtr& target : targets_) target->set_formatter(formatter->clone());
  }

 private:
  std::mutex mutex_;
  std::vector<SinkPtr> targets_;  // guarded by mutex_
};

SinkPtr stderr_sink() {
  return std::make_shared<DescriptorSink>(STDERR_FILENO, false, "cloudsync: %l: %v");
}

SinkPtr file_sink(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    throw Error(ErrorCode::kLocalIo, "cannot open the log file '" + printable(path) +
                                         "': " + std::generic_category().message(errno));
  }
  return std::make_shared<DescriptorSink>(fd, true, "%Y-%m-%dT%H:%M:%S.%e%z %l [%t] %v");
}

struct ProgramLog {
  ProgramLog() : sink(std::make_shared<RedactingSink>()), logger("cloudsync", sink) {
    sink->replace({stderr_sink()});
    logger.set_level(spdlog::level::warn);
  }
  std::shared_ptr<RedactingSink> sink;
  spdlog::logger logger;
};

ProgramLog& program_log() {
  static auto& instance = *new ProgramLog;  // outlives threads that still log at exit
  return instance;
}

}  // namespace

spdlog::logger& log() { return program_log().logger; }

void configure_log(const LogOptions& options) {
  std::vector<SinkPtr> targets;
  if (options.to_stderr) targets.push_back(stderr_sink());
  if (!options.file.empty()) targets.push_back(file_sink(options.file));
  program_log().sink->replace(std::move(targets));
  log().set_level(options.level);
}

}  // namespace cloudsync::base
