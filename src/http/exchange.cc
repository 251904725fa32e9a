// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "cloudsync/error.h"
#include "http/ascii.h"

namespace cloudsync::http {
namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxTrailerBytes = std::size_t{16} << 10;
constexpr std::size_t kMaxErrorBodyBytes = std::size_t{64} << 10;
constexpr int kFirstFinalStatus = 200;
constexpr int kFirstErrorStatus = 400;
constexpr std::size_t kUsualHeaderCount = 16;

// "HTTP/1.1 200 OK" -> 200; 0 when it is not a number.
int parse_status(std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return 0;
  int status = 0;
  const std::string_view digits = line.substr(space + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), status);
  return status;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

[[noreturn]] void refuse_flood(const std::string& what) {
  throw Error(ErrorCode::kUnavailable, "the server's answer has more than " + what +
                                           "; is this endpoint an object store?")
      .with_retryable(false);
}

}  // namespace

void Exchange::begin(const HttpRequest& request, ByteSink* sink) {
  request_ = &request;
  source_ = request.body;
  sink_ = sink;
  response_ = {};
  failure_ = nullptr;
  sent_ = 0;
  sends_ = 0;
  saw_continue_ = false;
  header_bytes_ = 0;
  trailer_bytes_ = 0;
  in_trailers_ = false;
  cut_ = false;
}

int Exchange::next_send() {
  header_bytes_ = 0;
  trailer_bytes_ = 0;
  in_trailers_ = false;
  return ++sends_;
}

void Exchange::on_header(std::string_view line) {
  if (in_trailers_) {
    trailer_bytes_ += line.size();
    if (trailer_bytes_ > kMaxTrailerBytes) refuse_flood("16 KiB of trailers");
    return;
  }
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes) refuse_flood("64 KiB of headers");
  in_trailers_ = trim(line).empty() && response_.status >= kFirstFinalStatus;
  add_line(line);
}

void Exchange::add_line(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    response_ = {};
    response_.headers.reserve(kUsualHeaderCount);
    response_.status = parse_status(line);
    saw_continue_ = saw_continue_ || response_.status == 100;
    return;
  }
  // A line that begins with a blank continues the header before it.
  if ((line.starts_with(' ') || line.starts_with('\t')) && !response_.headers.empty()) {
    response_.headers.back().second.append(" ").append(trim(line));
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  response_.headers.emplace_back(lower_case(trim(line.substr(0, colon))),
                                 trim(line.substr(colon + 1)));
}

bool Exchange::goes_to_sink() const {
  return sink_ != nullptr && (response_.status == 200 || response_.status == 206);
}

bool Exchange::on_body(Bytes bytes) {
  if (goes_to_sink()) {
    if (response_.streamed_bytes == 0 && request_->before_body)
      request_->before_body(response_);
    sink_->write(bytes);
    response_.streamed_bytes += bytes.size();
    return true;
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (response_.status >= kFirstErrorStatus) {
    response_.body.append(text.substr(0, kMaxErrorBodyBytes - response_.body.size()));
    cut_ = response_.body.size() == kMaxErrorBodyBytes;
    return !cut_;
  }
  if (text.size() > request_->max_body_bytes - response_.body.size()) {
    refuse_flood(std::to_string(request_->max_body_bytes >> 20) + " MiB of body");
  }
  response_.body.append(text);
  return true;
}

std::size_t Exchange::on_read(MutableBytes out) {
  if (source_ == nullptr) return 0;
  const std::uint64_t size = source_->size();
  const std::uint64_t left = size - std::min(sent_, size);
  if (left == 0) return 0;
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left));
  const std::size_t n = source_->read(out.first(want));
  if (n == 0) {
    throw Error(ErrorCode::kLocalIo, "the data to send ended after " +
                                         std::to_string(sent_) + " of " +
                                         std::to_string(size) + " bytes");
  }
  sent_ += n;
  return n;
}

void Exchange::on_rewind() {
  if (source_ != nullptr) source_->rewind();
  sent_ = 0;
}

}  // namespace cloudsync::http
