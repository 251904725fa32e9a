// SPDX-License-Identifier: Apache-2.0
#include "config/value_parsers.h"

#include <gtest/gtest.h>

namespace cloudsync::config {
namespace {

template <class Parse>
std::string refusal(Parse parse, std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(ParseSize, ReadsDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_size("100MB"), 100'000'000U);
  EXPECT_EQ(parse_size("5MiB"), 5U << 20);
  EXPECT_EQ(parse_size("5 mib"), 5U << 20);
  EXPECT_EQ(parse_size("1.5GB"), 1'500'000'000U);
  EXPECT_EQ(parse_size("1kB"), 1000U);
  EXPECT_EQ(parse_size("2KiB"), 2048U);
  EXPECT_EQ(parse_size("1TiB"), 1ULL << 40);
  EXPECT_EQ(parse_size("1TB"), 1'000'000'000'000U);
  EXPECT_EQ(parse_size("7B"), 7U);
  EXPECT_EQ(parse_size("0"), 0U);
}

TEST(ParseSize, KeepsEveryDigitOfABareNumber) {
  EXPECT_EQ(parse_size("9007199254740993"), 9007199254740993U);
}

TEST(ParseSize, RefusesWhatCouldMeanTwoThings) {
  for (const char* text :
       {"100M", "5x", "", "-1", "-1MB", "MB", "1e3", "nan", "inf", "1 MB x",
        "99999999TiB", "0x10", " 5MB", "9223372036854775808"}) {
    EXPECT_NE(refusal(parse_size, text).find("is not a size"), std::string::npos) << text;
  }
  EXPECT_NE(refusal(parse_size, "100M").find("\"100M\""), std::string::npos);
}

TEST(ParseDuration, ReadsUnitsAndBareSeconds) {
  EXPECT_DOUBLE_EQ(parse_duration_seconds("30d"), 30 * 86400.0);
  EXPECT_DOUBLE_EQ(parse_duration_seconds("12h"), 12 * 3600.0);
  EXPECT_DOUBLE_EQ(parse_duration_seconds("5m"), 300);
  EXPECT_DOUBLE_EQ(parse_duration_seconds("5s"), 5);
  EXPECT_DOUBLE_EQ(parse_duration_seconds("5"), 5);
  EXPECT_DOUBLE_EQ(parse_duration_seconds("0.5"), 0.5);
  EXPECT_DOUBLE_EQ(parse_duration_seconds("250ms"), 0.25);
  EXPECT_DOUBLE_EQ(parse_duration_seconds("2w"), 14 * 86400.0);
  EXPECT_DOUBLE_EQ(parse_retention_seconds("30d"), 30 * 86400.0);
  EXPECT_NE(refusal(parse_retention_seconds, "30").find("write 30d"), std::string::npos);
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"", "5 years", "-5s", "s", "1e9", "999999999d"}) {
    EXPECT_NE(refusal(parse_duration_seconds, text).find("is not a duration"),
              std::string::npos)
        << text;
  }
}

TEST(ParseBool, ReadsTheWordsOfYaml) {
  for (const char* text : {"true", "True", "yes", "on", "1"})
    EXPECT_TRUE(parse_bool(text));
  for (const char* text : {"false", "FALSE", "no", "off", "0"})
    EXPECT_FALSE(parse_bool(text));
  EXPECT_EQ(refusal(parse_bool, "maybe"), "\"maybe\" is not true or false");
  EXPECT_EQ(refusal(parse_bool, ""), "\"\" is not true or false");
}

TEST(ParseCount, HoldsToItsBounds) {
  const auto parse = [](std::string_view text) { return parse_count(text, 0, 100); };
  EXPECT_EQ(parse("0"), 0);
  EXPECT_EQ(parse("100"), 100);
  for (const char* text : {"-1", "101", "3.5", "", "three", "99999999999999"}) {
    EXPECT_NE(refusal(parse, text).find("is not a whole number from 0 to 100"),
              std::string::npos);
  }
}

TEST(ParseMaxWorkers, AutoOrANumber) {
  EXPECT_EQ(parse_max_workers("auto"), std::nullopt);
  EXPECT_EQ(parse_max_workers("8"), 8);
  for (const char* text : {"0", "-4", "many", "1025", ""}) {
    EXPECT_NE(refusal(parse_max_workers, text).find("auto or a whole number"),
              std::string::npos);
  }
}

TEST(ParseMaxDelete, ShareOrNumberReplacesTheDefault) {
  const MaxDelete share = parse_max_delete("12.5%");
  EXPECT_TRUE(share.is_percent);
  EXPECT_DOUBLE_EQ(share.value, 12.5);
  EXPECT_FALSE(share.is_default);
  const MaxDelete number = parse_max_delete("0");
  EXPECT_FALSE(number.is_percent);
  EXPECT_DOUBLE_EQ(number.value, 0);
  EXPECT_FALSE(number.is_default);
  for (const char* text : {"101%", "1.5", "-1", "half", "", "%"}) {
    EXPECT_NE(refusal(parse_max_delete, text).find("is not a share"), std::string::npos)
        << text;
  }
}

TEST(ParseEnum, ErrorListsWhatIsAllowed) {
  EXPECT_EQ(refusal(parse_conflict_strategy, "newest"),
            "\"newest\" is not one of timestamp_wins, local_wins, cloud_wins, manual, "
            "version_preserve");
  EXPECT_EQ(refusal(parse_deletes, "yes"),
            "\"yes\" is not one of propagate, keep, restore");
  EXPECT_EQ(refusal(parse_content_hash, "crc"), "\"crc\" is not one of md5, sha256");
  EXPECT_EQ(refusal(parse_durability, "x"), "\"x\" is not one of batch, full, none");
  EXPECT_EQ(refusal(parse_links, "x"), "\"x\" is not one of skip, follow, preserve");
  EXPECT_EQ(
      refusal(parse_force, "all"),
      "\"all\" is not one of max-delete, emptied, root, restored-local, restored-cloud, "
      "state, rewritten, envelope");
  EXPECT_EQ(refusal(parse_keep, "x"), "\"x\" is not one of local, cloud, both");
  EXPECT_EQ(refusal(parse_provider, "aws"),
            "\"aws\" is not one of s3, gcs, azure, local");
  EXPECT_EQ(refusal(parse_addressing_style, "x"),
            "\"x\" is not one of auto, path, virtual");
}

TEST(ParseEnum, EveryStrategyKeepsItsName) {
  for (const char* name :
       {"timestamp_wins", "local_wins", "cloud_wins", "manual", "version_preserve"}) {
    EXPECT_EQ(conflict_strategy_name(parse_conflict_strategy(name)), name);
  }
}

TEST(ParseEndpointUrl, TakesHttpAndHttpsWithAHost) {
  EXPECT_EQ(parse_endpoint_url("http://127.0.0.1:9000"), "http://127.0.0.1:9000");
  EXPECT_EQ(parse_endpoint_url("HTTPS://s3.example.com/x"), "HTTPS://s3.example.com/x");
  EXPECT_EQ(parse_endpoint_url(""), "");
  for (const char* text :
       {"127.0.0.1:9000", "ftp://host", "http://", "http:///x", "http://a b"}) {
    EXPECT_NE(refusal(parse_endpoint_url, text).find("is not a URL"), std::string::npos)
        << text;
  }
}

TEST(ParseEndpointUrl, NeverRepeatsAPassword) {
  const std::string message = refusal(parse_endpoint_url, "https://me:hunter22@host/");
  EXPECT_EQ(message.find("hunter22"), std::string::npos);
  EXPECT_NE(message.find("storage.credentials"), std::string::npos);
}

}  // namespace
}  // namespace cloudsync::config
