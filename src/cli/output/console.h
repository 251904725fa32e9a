// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace cloudsync::cli {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// The process's two outputs and the progress block that may stand below them. Everything
// is written at once, without buffers of its own, so that a line is out when the call
// returns. Thread-safe.
class Console {
 public:
  Console(int out_fd, int err_fd);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // A whole text or line for stdout. When the reader is gone (EPIPE) the rest is dropped;
  // any other failure is kept for out_error().
  void out(std::string_view text);
  void out_line(std::string_view line);
  void err_line(std::string_view line);
  // "cloudsync: ..." on stderr: secrets masked, control characters of names made visible.
  void message(std::string_view text);
  // The same where waiting is not allowed: said only if nobody writes and stderr takes it
  // at once.
  void message_if_free(std::string_view text);

  // Replaces the progress block on stderr; an empty one removes it.
  void draw(std::vector<std::string> lines);

  bool err_is_terminal() const { return err_is_terminal_; }
  TerminalSize terminal_size() const;
  bool out_closed() const;
  int out_error() const;  // errno of a failed write to stdout, 0 = none

 private:
  void write_out(std::string_view text);
  std::string erased() const;  // what takes the block away
  std::string block() const;

  int out_fd_;
  int err_fd_;
  bool err_is_terminal_;
  bool out_is_terminal_;
  mutable std::mutex mutex_;
  std::vector<std::string> drawn_;  // guarded by mutex_
  bool out_closed_ = false;         // guarded by mutex_
  int out_error_ = 0;               // guarded by mutex_
};

}  // namespace cloudsync::cli
