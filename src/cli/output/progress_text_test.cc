// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress_text.h"

#include <gtest/gtest.h>

#include "cli/output/quantities.h"

namespace cloudsync::cli {
namespace {

ProgressView half_way() {
  ProgressView view;
  view.title = "upload";
  view.bytes_per_second = 2'000'000;
  view.snapshot.total_files = 40;
  view.snapshot.checked_files = 40;
  view.snapshot.done_files = 20;
  view.snapshot.pending_files = 20;
  view.snapshot.done_bytes = 100'000'000;
  view.snapshot.pending_bytes = 100'000'000;
  view.snapshot.seconds = 50;
  view.snapshot.listing_complete = true;
  return view;
}

TEST(ProgressLine, ShowsShareFilesBytesRateAndTimeLeft) {
  EXPECT_EQ(
      progress_line(half_way(), 120),
      "upload: 50% [##########----------] 20/40 files, 100.0 MB of 200.0 MB, 2.0 MB/s, "
      "ETA 50 s");
}

TEST(ProgressLine, SaysThatMoreMayComeWhileListing) {
  ProgressView view = half_way();
  view.snapshot.listing_complete = false;
  EXPECT_EQ(
      progress_line(view, 120),
      "upload: 50% [##########----------] 20/40+ files, 100.0 MB of 200.0 MB+, 2.0 MB/s, "
      "ETA >50 s");
}

TEST(ProgressLine, ComparesBeforeAnythingMoves) {
  ProgressView view;
  view.title = "sync";
  view.snapshot.total_files = 5000;
  view.snapshot.checked_files = 1234;
  view.snapshot.seconds = 2;
  EXPECT_EQ(progress_line(view, 80), "sync: checked 1,234 of about 5,000 files, 2.0 s");
}

TEST(ProgressLine, NeverExceedsTheWidth) {
  for (std::size_t width = 0; width < 140; ++width) {
    EXPECT_LE(display_width(progress_line(half_way(), width)), width);
  }
}

TEST(ProgressBlock, ListsFilesInFlightWithinTheTerminal) {
  ProgressView view = half_way();
  view.snapshot.in_flight = {"a/one.csv", "b/\x1b[2Jtwo", "三つ", "4", "5", "6", "7"};
  const auto lines = progress_block(view, {.columns = 100, .rows = 24});
  ASSERT_GE(lines.size(), 4U);
  EXPECT_LE(lines.size(), 6U);
  EXPECT_EQ(lines[1], "  a/one.csv");
  EXPECT_EQ(lines[2].find('\x1b'), std::string::npos);
  EXPECT_EQ(progress_block(view, {.columns = 100, .rows = 4}).size(), 2U);
  EXPECT_EQ(progress_block(view, {.columns = 100, .rows = 1}).size(), 1U);
}

TEST(ProgressBlock, CutsLongNamesInTheMiddle) {
  ProgressView view = half_way();
  view.snapshot.in_flight = {std::string(300, 'x') + "/end.csv",
                             "三四五六七八九十三四五六七八九十"};
  for (std::size_t columns = 0; columns < 60; ++columns) {
    for (const auto& line : progress_block(view, {.columns = columns, .rows = 24})) {
      EXPECT_LT(display_width(line), std::max<std::size_t>(columns, 2));
    }
  }
  EXPECT_NE(progress_block(view, {.columns = 40, .rows = 24})[1].find("...xx"),
            std::string::npos);
  EXPECT_TRUE(progress_block(view, {.columns = 40, .rows = 24})[1].ends_with("/end.csv"));
}

TEST(RateMeter, FollowsASteadyRateAndForgetsAnOldOne) {
  RateMeter meter;
  double seconds = 0;
  std::uint64_t bytes = 0;
  for (int i = 0; i < 100; ++i) meter.update(bytes += 1000, seconds += 0.1);
  EXPECT_NEAR(meter.update(bytes, seconds), 10'000, 1);
  for (int i = 0; i < 300; ++i) meter.update(bytes, seconds += 0.1);
  EXPECT_LT(meter.update(bytes, seconds), 100);
}

TEST(RateMeter, NeverGoesBelowZero) {
  RateMeter meter;
  meter.update(1000, 1);
  EXPECT_GE(meter.update(10, 2), 0);
}

TEST(Quantities, ReadAsPeopleWriteThem) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1000), "1.0 kB");
  EXPECT_EQ(format_bytes(999'960), "1.0 MB");
  EXPECT_EQ(format_bytes(1'234'567'890), "1.2 GB");
  EXPECT_EQ(format_count(1), "1");
  EXPECT_EQ(format_count(1'234'567), "1,234,567");
  EXPECT_EQ(format_count(123'456), "123,456");
  EXPECT_EQ(format_duration(0), "0 s");
  EXPECT_EQ(format_duration(0.0004), "1 ms");
  EXPECT_EQ(format_duration(0.25), "250 ms");
  EXPECT_EQ(format_duration(0.9999), "1.0 s");
  EXPECT_EQ(format_duration(4.2), "4.2 s");
  EXPECT_EQ(format_duration(42), "42 s");
  EXPECT_EQ(format_duration(187), "3:07");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_time(1'999'999'999), "1970-01-01T00:00:01Z");
  EXPECT_EQ(plural(1, "file"), "1 file");
  EXPECT_EQ(plural(2, "file"), "2 files");
}

}  // namespace
}  // namespace cloudsync::cli
