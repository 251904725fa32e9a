// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>
#include <utility>

#include "base/byte_stream.h"
#include "http/transport.h"

namespace cloudsync::http {

// One request and its answer, as the network side delivers them piece by piece. Knows
// nothing of libcurl. An exception of the caller's source or sink is kept and rethrown
// when the transfer has unwound, since it must not pass through C code.
class Exchange {
 public:
  void begin(const HttpRequest& request, ByteSink* sink);
  HttpResponse take_response() { return std::move(response_); }

  // One header line of the answer, line ending included. A status line starts a new
  // answer, but not among the trailers of one, which count for nothing. Throws when the
  // lines of one sending are longer than any service's.
  void on_header(std::string_view line);
  // False when the rest is not wanted: an error's words are known from their beginning.
  bool on_body(Bytes bytes);
  // The next bytes of the request's body; 0 at its end. Throws when the source is shorter
  // than it said, because the server would wait for the rest until it gives up.
  std::size_t on_read(MutableBytes out);
  void on_rewind();

  // Runs `fn`; on an exception keeps it and returns `on_failure`, which makes libcurl
  // stop.
  template <class Result, class Fn>
  Result guard(Result on_failure, Fn&& fn) noexcept {
    try {
      return fn();
    } catch (...) {
      failure_ = std::current_exception();
      return on_failure;
    }
  }
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  // The last status line seen, 1xx included; 0 before the first.
  int status() const { return response_.status; }
  bool saw_continue() const { return saw_continue_; }
  // Counts the times the request was put on a connection.
  int next_send();
  // The answer was left before its end, and what there is of it is enough.
  bool is_cut() const { return cut_; }

 private:
  bool goes_to_sink() const;
  void add_line(std::string_view line);

  const HttpRequest* request_ = nullptr;
  ByteSource* source_ = nullptr;
  ByteSink* sink_ = nullptr;
  HttpResponse response_;
  std::exception_ptr failure_;
  std::uint64_t sent_ = 0;
  int sends_ = 0;
  std::size_t header_bytes_ = 0;  // of this sending, 1xx answers included
  std::size_t trailer_bytes_ = 0;
  bool in_trailers_ = false;  // the final answer's header block has ended
  bool cut_ = false;
  bool saw_continue_ = false;
};

}  // namespace cloudsync::http
