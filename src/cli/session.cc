// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <mutex>

#include "base/log.h"
#include "sync/run/pair_paths.h"

namespace cloudsync::cli {
namespace {

class ConsoleSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit ConsoleSink(Console& console) : console_(console) { set_pattern("%l: %v"); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t buffer;
    formatter_->format(message, buffer);
    std::string_view line(buffer.data(), buffer.size());
    while (line.ends_with('\n')) line.remove_suffix(1);
    console_.message(line);
  }
  void flush_() override {}

 private:
  Console& console_;
};

spdlog::level::level_enum console_level(const OutputOptions& options) {
  if (options.quiet) return spdlog::level::err;
  if (options.verbosity == 0) return spdlog::level::warn;
  return options.verbosity == 1 ? spdlog::level::info : spdlog::level::debug;
}

}  // namespace

LoadedConfig load_configuration(const Arguments& arguments) {
  const std::string file =
      arguments.config_file ? *arguments.config_file : find_config_file();
  return load_config(file, arguments.config_flags);
}

std::unique_ptr<CloudSyncEngine> connect_engine(const LoadedConfig& loaded) {
  auto engine = SyncEngineBuilder::from_config(loaded.config);
  engine->cloud_storage().connect();
  return engine;
}

std::vector<PairRecord> chosen_pairs(const Arguments& arguments,
                                     const std::vector<PairRecord>& pairs) {
  std::vector<PairRecord> chosen;
  std::copy_if(pairs.begin(), pairs.end(), std::back_inserter(chosen),
               [&](const PairRecord& pair) {
                 if (arguments.local_dir && sync::canonical_root(*arguments.local_dir) !=
                                                pair.identity.local_root) {
                   return false;
                 }
                 return !arguments.cloud_prefix ||
                        sync::normal_prefix(*arguments.cloud_prefix) ==
                            pair.identity.prefix;
               });
  return chosen;
}

LogRoute::LogRoute(const OutputOptions& options, Console& console) {
  const auto level = console_level(options);
  // A log file is there to be read afterwards: it has what each file did even without -v.
  const auto file_level =
      options.log_file.empty() ? level : std::min(level, spdlog::level::info);
  base::configure_log(
      {.level = file_level, .file = options.log_file, .to_stderr = false});
  auto sink = std::make_shared<ConsoleSink>(console);
  sink->set_level(level);
  base::log().sinks().push_back(std::move(sink));
}

LogRoute::~LogRoute() {
  base::log().sinks().pop_back();
  base::configure_log({});
}

}  // namespace cloudsync::cli
