// SPDX-License-Identifier: Apache-2.0
#include "base/time_format.h"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/time_range.h"

namespace cloudsync::base {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::array<std::string_view, 12> kMonths = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};

struct CivilTime {
  int year = 1970;
  unsigned month = 1;
  unsigned day = 1;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  std::int64_t nanosecond = 0;
  std::size_t weekday = 4;  // 0 = Sunday
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

CivilTime civil_time(std::int64_t time_ns) {
  const std::int64_t seconds = floor_div(time_ns, kNsPerSecond);
  const std::int64_t days = floor_div(seconds, kSecondsPerDay);
  const auto of_day = static_cast<unsigned>(seconds - days * kSecondsPerDay);
  const std::chrono::sys_days date{std::chrono::days(days)};
  const std::chrono::year_month_day ymd{date};
  CivilTime civil;
  civil.year = static_cast<int>(ymd.year());
  civil.month = static_cast<unsigned>(ymd.month());
  civil.day = static_cast<unsigned>(ymd.day());
  civil.hour = of_day / 3600;
  civil.minute = of_day / 60 % 60;
  civil.second = of_day % 60;
  // Not time_ns - seconds * 10^9: that product leaves the range near the first
  // representable time.
  civil.nanosecond =
      time_ns % kNsPerSecond + (time_ns % kNsPerSecond < 0 ? kNsPerSecond : 0);
  civil.weekday = std::chrono::weekday{date}.c_encoding();
  return civil;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Consumes text from the left; the first mismatch makes every later step a no-op.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool finished() const { return ok_ && rest_.empty(); }

  unsigned digits(std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!ok_ || rest_.empty() || !is_digit(rest_.front())) {
        ok_ = false;
        return 0;
      }
      value = value * 10 + static_cast<unsigned>(rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  // Any one character of `set`.
  char one_of(std::string_view set) {
    if (!ok_ || rest_.empty() || set.find(rest_.front()) == std::string_view::npos) {
      ok_ = false;
      return '\0';
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void literal(std::string_view expected) {
    ok_ = ok_ && rest_.starts_with(expected);
    if (ok_) rest_.remove_prefix(expected.size());
  }

  // ".123" in nanoseconds, digits beyond the ninth dropped; 0 when there is no point.
  std::int64_t fraction() {
    if (!ok_ || rest_.empty() || rest_.front() != '.') return 0;
    rest_.remove_prefix(1);
    ok_ = !rest_.empty() && is_digit(rest_.front());
    std::int64_t value = 0;
    std::int64_t unit = kNsPerSecond / 10;
    while (!rest_.empty() && is_digit(rest_.front())) {
      value += (rest_.front() - '0') * unit;
      unit /= 10;
      rest_.remove_prefix(1);
    }
    return value;
  }

  // All digits up to the next other character, at least one.
  std::int64_t integer() {
    std::int64_t value = 0;
    ok_ = ok_ && !rest_.empty() && is_digit(rest_.front());
    while (ok_ && !rest_.empty() && is_digit(rest_.front())) {
      ok_ = !__builtin_mul_overflow(value, 10, &value) &&
            !__builtin_add_overflow(value, rest_.front() - '0', &value);
      rest_.remove_prefix(1);
    }
    return value;
  }

  // One of `names`, all three letters long; its index.
  template <std::size_t kCount>
  unsigned name(const std::array<std::string_view, kCount>& names) {
    for (unsigned i = 0; i < kCount; ++i) {
      if (ok_ && rest_.starts_with(names[i])) {
        rest_.remove_prefix(names[i].size());
        return i;
      }
    }
    ok_ = false;
    return 0;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// Seconds since the epoch; a leap second (":60") is the first second of the next minute.
std::optional<std::int64_t> civil_seconds(const CivilTime& civil) {
  const std::chrono::year_month_day ymd{std::chrono::year(civil.year),
                                        std::chrono::month(civil.month),
                                        std::chrono::day(civil.day)};
  if (!ymd.ok() || civil.hour > 23 || civil.minute > 59 || civil.second > 60) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days{ymd}.time_since_epoch().count();
  return days * kSecondsPerDay + static_cast<std::int64_t>(civil.hour) * 3600 +
         static_cast<std::int64_t>(civil.minute) * 60 +
         static_cast<std::int64_t>(civil.second);
}

void read_clock(Reader& reader, CivilTime& civil) {
  civil.hour = reader.digits(2);
  reader.literal(":");
  civil.minute = reader.digits(2);
  reader.literal(":");
  civil.second = reader.digits(2);
}

// "Z" or "+02:00", in seconds east of Greenwich.
std::optional<std::int64_t> read_offset(Reader& reader) {
  const char sign = reader.one_of("Zz+-");
  if (!reader.ok()) return std::nullopt;
  if (sign == 'Z' || sign == 'z') return 0;
  const unsigned hours = reader.digits(2);
  reader.literal(":");
  const unsigned minutes = reader.digits(2);
  if (!reader.ok() || hours > 23 || minutes > 59) return std::nullopt;
  const auto seconds = static_cast<std::int64_t>(hours * 3600 + minutes * 60);
  return sign == '-' ? -seconds : seconds;
}

std::string trimmed_fraction(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return {};
  std::string text = fmt::format(".{:09}", nanoseconds);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

std::string format_rfc3339(std::int64_t time_ns) {
  const CivilTime t = civil_time(time_ns);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", t.year, t.month, t.day,
                     t.hour, t.minute, t.second, trimmed_fraction(t.nanosecond));
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  CivilTime civil;
  civil.year = static_cast<int>(reader.digits(4));
  reader.literal("-");
  civil.month = reader.digits(2);
  reader.literal("-");
  civil.day = reader.digits(2);
  reader.one_of("Tt ");
  read_clock(reader, civil);
  const std::int64_t nanoseconds = reader.fraction();
  const auto offset = read_offset(reader);
  const auto seconds = civil_seconds(civil);
  if (!reader.finished() || !offset || !seconds) return std::nullopt;
  return time_of_seconds(*seconds - *offset, nanoseconds);
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  Reader reader(text);
  CivilTime civil;
  reader.name(kWeekdays);
  reader.literal(", ");
  civil.day = reader.digits(2);
  reader.literal(" ");
  civil.month = reader.name(kMonths) + 1;
  reader.literal(" ");
  civil.year = static_cast<int>(reader.digits(4));
  reader.literal(" ");
  read_clock(reader, civil);
  reader.literal(" GMT");
  const auto seconds = civil_seconds(civil);
  if (!reader.finished() || !seconds) return std::nullopt;
  return time_of_seconds(*seconds, 0);
}

std::string format_http_date(std::int64_t time_ns) {
  const CivilTime t = civil_time(time_ns);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kWeekdays[t.weekday],
                     t.day, kMonths[t.month - 1], t.year, t.hour, t.minute, t.second);
}

std::string format_compact(std::int64_t time_ns) {
  const CivilTime t = civil_time(time_ns);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", t.year, t.month, t.day, t.hour,
                     t.minute, t.second);
}

std::string format_decimal_seconds(std::int64_t time_ns) {
  const std::string_view sign = time_ns < 0 ? "-" : "";
  // Both parts before negating: the first representable time has no positive counterpart.
  const std::int64_t seconds = time_ns / kNsPerSecond;
  const std::int64_t fraction = time_ns % kNsPerSecond;
  return fmt::format("{}{}{}", sign, seconds < 0 ? -seconds : seconds,
                     trimmed_fraction(fraction < 0 ? -fraction : fraction));
}

std::optional<std::int64_t> parse_decimal_seconds(std::string_view text) {
  const bool negative = text.starts_with('-');
  Reader reader(negative ? text.substr(1) : text);
  const std::int64_t seconds = reader.integer();
  const std::int64_t nanoseconds = reader.fraction();
  if (!reader.finished()) return std::nullopt;
  if (!negative) return time_of_seconds(seconds, nanoseconds);
  if (nanoseconds == 0) return time_of_seconds(-seconds, 0);
  return time_of_seconds(-seconds - 1, kNsPerSecond - nanoseconds);
}

}  // namespace cloudsync::base
