// SPDX-License-Identifier: Apache-2.0
#include "config/value_parsers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <span>

#include "base/encoding.h"

namespace cloudsync::config {
namespace {

[[noreturn]] void refuse(std::string_view text, const std::string& expected) {
  throw Error(ErrorCode::kInvalidArgument,
              "\"" + base::printable(text) + "\" is not " + expected);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

struct Unit {
  std::string_view name;  // lower case
  double factor;
};

// A number that is not negative, followed by a unit.
struct Quantity {
  double number = 0;
  std::string unit;  // lower case
};

std::optional<Quantity> parse_quantity(std::string_view text) {
  Quantity quantity;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(),
                                            quantity.number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(quantity.number) || quantity.number < 0)
    return {};
  std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  quantity.unit = lower(rest);
  return quantity;
}

std::optional<double> scaled(std::string_view text, std::span<const Unit> units) {
  const auto quantity = parse_quantity(text);
  if (!quantity) return {};
  for (const Unit& unit : units) {
    if (unit.name == quantity->unit) return quantity->number * unit.factor;
  }
  return {};
}

template <class Value>
struct Named {
  std::string_view name;
  Value value;
};

template <class Value, std::size_t N>
Value parse_named(std::string_view text, const std::array<Named<Value>, N>& names) {
  std::string all;
  for (const auto& entry : names) {
    if (entry.name == text) return entry.value;
    all += (all.empty() ? "" : ", ") + std::string(entry.name);
  }
  refuse(text, "one of " + all);
}

constexpr std::array kStrategies{
    Named<ConflictStrategy>{"timestamp_wins", ConflictStrategy::kTimestampWins},
    Named<ConflictStrategy>{"local_wins", ConflictStrategy::kLocalWins},
    Named<ConflictStrategy>{"cloud_wins", ConflictStrategy::kCloudWins},
    Named<ConflictStrategy>{"manual", ConflictStrategy::kManual},
    Named<ConflictStrategy>{"version_preserve", ConflictStrategy::kVersionPreserve},
};

constexpr std::array kUnitsOfSize{
    Unit{"", 1},         Unit{"b", 1},        Unit{"kb", 1e3},     Unit{"mb", 1e6},
    Unit{"gb", 1e9},     Unit{"tb", 1e12},    Unit{"kib", 1024.0}, Unit{"mib", 1048576.0},
    Unit{"gib", 0x1p30}, Unit{"tib", 0x1p40},
};

constexpr std::array kUnitsOfTime{
    Unit{"", 1},     Unit{"ms", 0.001}, Unit{"s", 1},     Unit{"m", 60},
    Unit{"min", 60}, Unit{"h", 3600},   Unit{"d", 86400}, Unit{"w", 604800},
};

}  // namespace

std::uint64_t parse_size(std::string_view text) {
  std::uint64_t whole = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), whole);
  const bool plain = error == std::errc() && end == text.data() + text.size();
  if (plain && whole >> 63 == 0) return whole;
  const auto bytes = scaled(text, kUnitsOfSize);
  if (!bytes || *bytes >= 0x1p63) {
    refuse(
        text,
        "a size; write a number of bytes, or a number with B, kB, MB, GB, TB (powers of "
        "1000) or KiB, MiB, GiB, TiB (powers of 1024), such as 100MB or 5MiB");
  }
  return static_cast<std::uint64_t>(std::llround(*bytes));
}

double parse_duration_seconds(std::string_view text) {
  const auto seconds = scaled(text, kUnitsOfTime);
  if (!seconds || *seconds > 86400.0 * 36500) {
    refuse(text,
           "a duration; write a number of seconds, or a number with ms, s, m, h, d or w, "
           "such as 5s, 12h or 30d");
  }
  return *seconds;
}

double parse_retention_seconds(std::string_view text) {
  const double seconds = parse_duration_seconds(text);
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text.back())) != 0)
    return seconds;
  throw Error(ErrorCode::kInvalidArgument, "\"" + std::string(text) +
                                               "\" needs its unit: write " +
                                               std::string(text) + "d for days");
}

bool parse_bool(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  refuse(text, "true or false");
}

int parse_count(std::string_view text, int lowest, int highest) {
  int number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || number < lowest || number > highest) {
    refuse(text, "a whole number from " + std::to_string(lowest) + " to " +
                     std::to_string(highest));
  }
  return number;
}

std::optional<int> parse_max_workers(std::string_view text) {
  if (text == "auto") return std::nullopt;
  int number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || number < 1 || number > 1024)
    refuse(text, "auto or a whole number from 1 to 1024");
  return number;
}

MaxDelete parse_max_delete(std::string_view text) {
  const auto quantity = parse_quantity(text);
  const bool percent = quantity && quantity->unit == "%" && quantity->number <= 100;
  const bool number = quantity && quantity->unit.empty() && quantity->number < 1e15 &&
                      quantity->number == std::floor(quantity->number);
  if (!percent && !number) {
    refuse(text,
           "a share from 0% to 100% or a whole number of files, such as 50% or 100");
  }
  return {.is_percent = percent, .value = quantity->number, .is_default = false};
}

TrashLimit parse_trash_limit(std::string_view text) {
  TrashLimit limit{.is_percent = false, .percent = 0, .bytes = 0, .is_default = false};
  const auto quantity = parse_quantity(text);
  if (quantity && quantity->unit == "%" && quantity->number <= 100) {
    limit.is_percent = true;
    limit.percent = quantity->number;
    return limit;
  }
  try {
    limit.bytes = parse_size(text);
  } catch (const Error&) {
    refuse(text,
           "a share of the file system from 0% to 100% or a size, such as 5% or 20GB");
  }
  return limit;
}

ConflictStrategy parse_conflict_strategy(std::string_view text) {
  return parse_named(text, kStrategies);
}

std::string_view conflict_strategy_name(ConflictStrategy strategy) {
  for (const auto& entry : kStrategies) {
    if (entry.value == strategy) return entry.name;
  }
  throw Error(ErrorCode::kInternal, "unknown conflict strategy");
}

Deletes parse_deletes(std::string_view text) {
  constexpr std::array kNames{Named<Deletes>{"propagate", Deletes::kPropagate},
                              Named<Deletes>{"keep", Deletes::kKeep},
                              Named<Deletes>{"restore", Deletes::kRestore}};
  return parse_named(text, kNames);
}

ContentHash parse_content_hash(std::string_view text) {
  constexpr std::array kNames{Named<ContentHash>{"md5", ContentHash::kMd5},
                              Named<ContentHash>{"sha256", ContentHash::kSha256}};
  return parse_named(text, kNames);
}

Durability parse_durability(std::string_view text) {
  constexpr std::array kNames{Named<Durability>{"batch", Durability::kBatch},
                              Named<Durability>{"full", Durability::kFull},
                              Named<Durability>{"none", Durability::kNone}};
  return parse_named(text, kNames);
}

Links parse_links(std::string_view text) {
  constexpr std::array kNames{Named<Links>{"skip", Links::kSkip},
                              Named<Links>{"follow", Links::kFollow},
                              Named<Links>{"preserve", Links::kPreserve}};
  return parse_named(text, kNames);
}

Force parse_force(std::string_view text) {
  constexpr std::array kNames{Named<Force>{"max-delete", Force::kMaxDelete},
                              Named<Force>{"emptied", Force::kEmptied},
                              Named<Force>{"root", Force::kRoot},
                              Named<Force>{"restored-local", Force::kRestoredLocal},
                              Named<Force>{"restored-cloud", Force::kRestoredCloud},
                              Named<Force>{"state", Force::kState},
                              Named<Force>{"rewritten", Force::kRewritten},
                              Named<Force>{"envelope", Force::kEnvelope}};
  return parse_named(text, kNames);
}

Keep parse_keep(std::string_view text) {
  constexpr std::array kNames{Named<Keep>{"local", Keep::kLocal},
                              Named<Keep>{"cloud", Keep::kCloud},
                              Named<Keep>{"both", Keep::kBoth}};
  return parse_named(text, kNames);
}

std::string parse_provider(std::string_view text) {
  constexpr std::array kNames{Named<std::string_view>{"s3", "s3"},
                              Named<std::string_view>{"gcs", "gcs"},
                              Named<std::string_view>{"azure", "azure"},
                              Named<std::string_view>{"local", "local"}};
  return std::string(parse_named(text, kNames));
}

std::string parse_addressing_style(std::string_view text) {
  constexpr std::array kNames{Named<std::string_view>{"auto", "auto"},
                              Named<std::string_view>{"path", "path"},
                              Named<std::string_view>{"virtual", "virtual"}};
  return std::string(parse_named(text, kNames));
}

std::string parse_ca_bundle_mode(std::string_view text) {
  constexpr std::array kNames{Named<std::string_view>{"replace", "replace"},
                              Named<std::string_view>{"add", "add"}};
  return std::string(parse_named(text, kNames));
}

std::string parse_server_side_encryption(std::string_view text) {
  if (text.empty()) return {};
  constexpr std::array kNames{Named<std::string_view>{"AES256", "AES256"},
                              Named<std::string_view>{"aws:kms", "aws:kms"},
                              Named<std::string_view>{"aws:kms:dsse", "aws:kms:dsse"}};
  return std::string(parse_named(text, kNames));
}

std::string parse_endpoint_url(std::string_view text) {
  if (text.empty()) return {};
  const std::size_t scheme = text.find("://");
  const std::string name = lower(text.substr(0, std::min(scheme, text.size())));
  const std::string_view rest =
      scheme == std::string_view::npos ? std::string_view() : text.substr(scheme + 3);
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  const std::string_view before_query = text.substr(0, text.find_first_of("?#"));
  if (before_query.find('@') != std::string_view::npos) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "the URL holds a user name or password; give them under storage.credentials");
  }
  if ((name != "http" && name != "https") || host.empty() ||
      text.find_first_of(" \t\r\n") != std::string_view::npos) {
    refuse(text, "a URL such as https://storage.example.com or http://127.0.0.1:9000");
  }
  return std::string(text);
}

}  // namespace cloudsync::config
