// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/classify.h"

#include <limits>

#include <gtest/gtest.h>

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kThen = 1'700'000'000LL * kSecond;

Md5Digest md5_of(std::uint8_t seed) {
  Md5Digest md5{};
  md5.fill(seed);
  return md5;
}

BaseRow base_row() {
  BaseRow row;
  row.key = "k";
  row.size = 10;
  row.md5 = md5_of(1);
  row.crc32c = 7;
  row.l_mtime = kThen;
  row.l_ctime = kThen + 1;
  row.l_ino = 5;
  row.l_dev = 6;
  row.r_token = "token";
  row.r_mtime = kThen;
  return row;
}

LocalEntry local_entry() {
  LocalEntry entry;
  entry.key = "k";
  entry.stat.size = 10;
  entry.stat.mtime_ns = kThen;
  entry.stat.ctime_ns = kThen + 1;
  entry.stat.ino = 5;
  entry.stat.dev = 6;
  return entry;
}

RemoteEntry remote_entry() {
  RemoteEntry entry;
  entry.key = "k";
  entry.info.size = 10;
  entry.info.token.value = "token";
  entry.info.last_modified_ns = kThen;
  return entry;
}

RemoteEntry other_token() {
  RemoteEntry entry = remote_entry();
  entry.info.token.value = "another";
  entry.info.last_modified_ns = kThen + 60 * kSecond;
  return entry;
}

LocalLook look(const LocalEntry& local, const BaseRow& base,
               ClassifyOptions options = {}) {
  return look_at_local(local, base, options);
}
RemoteLook look(const RemoteEntry& remote, const BaseRow& base, bool from_head = false) {
  return look_at_remote(remote, base, from_head);
}

TEST(LocalLook, PresenceAloneDecidesWhereOneIsMissing) {
  EXPECT_EQ(look_at_local({}, {}, {}), LocalLook::kAbsent);
  EXPECT_EQ(look_at_local(local_entry(), {}, {}), LocalLook::kCreated);
  EXPECT_EQ(look_at_local({}, base_row(), {}), LocalLook::kDeleted);
}

TEST(LocalLook, SameStatIsUnchangedWithoutReading) {
  EXPECT_EQ(look(local_entry(), base_row()), LocalLook::kUnchanged);
}

TEST(LocalLook, OtherSizeOrKindIsModifiedWithoutReading) {
  LocalEntry longer = local_entry();
  longer.stat.size = 11;
  EXPECT_EQ(look(longer, base_row()), LocalLook::kModified);
  LocalEntry link = local_entry();
  link.kind = EntryKind::kSymlink;
  EXPECT_EQ(look(link, base_row()), LocalLook::kModified);
}

TEST(LocalLook, AnyOtherStatDifferenceOnlyMakesSuspect) {
  for (int field = 0; field < 3; ++field) {
    LocalEntry entry = local_entry();
    if (field == 0) ++entry.stat.mtime_ns;
    if (field == 1) ++entry.stat.ctime_ns;
    if (field == 2) ++entry.stat.ino;
    EXPECT_EQ(look(entry, base_row()), LocalLook::kSuspect) << field;
  }
}

TEST(LocalLook, AnotherMountMeansNothing) {
  LocalEntry entry = local_entry();
  ++entry.stat.dev;
  EXPECT_EQ(look(entry, base_row()), LocalLook::kUnchanged);
}

TEST(LocalLook, RenumberedInodesMeanNothingWhereTheyAreUnstable) {
  LocalEntry entry = local_entry();
  ++entry.stat.ino;
  EXPECT_EQ(look(entry, base_row(), {.kept = {.inode = false}}), LocalLook::kUnchanged);
  ++entry.stat.ctime_ns;
  EXPECT_EQ(look(entry, base_row(), {.kept = {.inode = false}}), LocalLook::kSuspect);
}

TEST(LocalLook, RacyBaseIsReadWhateverStatSays) {
  BaseRow racy = base_row();
  racy.flags = kBaseRacy;
  EXPECT_EQ(look(local_entry(), racy), LocalLook::kSuspect);
}

TEST(LocalLook, ChecksumReadsEveryFile) {
  EXPECT_EQ(look(local_entry(), base_row(), {.checksum = true}), LocalLook::kSuspect);
}

TEST(LocalLook, DirectoryHasNoContentThatCouldChange) {
  BaseRow base = base_row();
  base.kind = EntryKind::kDirectory;
  LocalEntry entry = local_entry();
  entry.kind = EntryKind::kDirectory;
  entry.stat.size = 4096;
  entry.stat.mtime_ns += kSecond;
  EXPECT_EQ(look(entry, base), LocalLook::kUnchanged);
}

TEST(LocalLook, LinkIsComparedByItsTargetOnceItsStatDiffers) {
  BaseRow base = base_row();
  base.kind = EntryKind::kSymlink;
  LocalEntry entry = local_entry();
  entry.kind = EntryKind::kSymlink;
  entry.stat.size = 3;
  EXPECT_EQ(look(entry, base), LocalLook::kUnchanged);
  ++entry.stat.ctime_ns;
  EXPECT_EQ(look(entry, base), LocalLook::kSuspect);
}

TEST(LocalHash, SameContentIsUnchangedOrTouchedByItsTime) {
  LocalEntry entry = local_entry();
  ++entry.stat.ino;
  EXPECT_EQ(local_change_by_hash(entry, base_row(), md5_of(1), {}), Change::kUnchanged);
  ++entry.stat.mtime_ns;
  EXPECT_EQ(local_change_by_hash(entry, base_row(), md5_of(1), {}), Change::kTouched);
  EXPECT_EQ(local_change_by_hash(entry, base_row(), md5_of(2), {}), Change::kModified);
}

TEST(LocalHash, StrongHashDecidesWhereBothAreKnown) {
  BaseRow base = base_row();
  base.sha256.emplace().fill(1);
  Sha256Digest other{};
  EXPECT_EQ(local_change_by_hash(local_entry(), base, md5_of(1), other),
            Change::kModified);
  EXPECT_EQ(local_change_by_hash(local_entry(), base, md5_of(1), base.sha256),
            Change::kUnchanged);
  EXPECT_EQ(local_change_by_hash(local_entry(), base, md5_of(1), {}), Change::kUnchanged);
}

TEST(RemoteLook, PresenceAloneDecidesWhereOneIsMissing) {
  EXPECT_EQ(look_at_remote({}, {}, false), RemoteLook::kAbsent);
  EXPECT_EQ(look_at_remote(remote_entry(), {}, false), RemoteLook::kCreated);
  EXPECT_EQ(look_at_remote({}, base_row(), false), RemoteLook::kDeleted);
}

TEST(RemoteLook, SameTokenAndTimeIsUnchanged) {
  EXPECT_EQ(look(remote_entry(), base_row()), RemoteLook::kUnchanged);
}

TEST(RemoteLook, SameBytesWrittenAgainAreTouched) {
  RemoteEntry entry = remote_entry();
  entry.info.last_modified_ns += kSecond;
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kTouched);
}

TEST(RemoteLook, WholeSecondsOfAHeaderFitTheFractionOfAListing) {
  RemoteEntry entry = remote_entry();
  entry.info.last_modified_ns += kSecond / 2;
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kUnchanged);
  BaseRow fraction = base_row();
  fraction.r_mtime += kSecond / 4;
  EXPECT_EQ(look(entry, fraction), RemoteLook::kTouched);
}

TEST(RemoteLook, ProvisionalTimeMayBeOffByFiveSeconds) {
  BaseRow base = base_row();
  base.flags = kBaseProvisional;
  RemoteEntry entry = remote_entry();
  for (const std::int64_t off : {-5 * kSecond, 5 * kSecond}) {
    entry.info.last_modified_ns = base.r_mtime + off;
    EXPECT_EQ(look(entry, base), RemoteLook::kUnchanged);
    EXPECT_TRUE(settles_provisional(entry, base));
  }
  entry.info.last_modified_ns = base.r_mtime + 5 * kSecond + 1;
  EXPECT_EQ(look(entry, base), RemoteLook::kTouched);
  EXPECT_FALSE(settles_provisional(entry, base));
  EXPECT_FALSE(settles_provisional(other_token(), base));
  EXPECT_FALSE(settles_provisional(remote_entry(), base_row()));
}

TEST(RemoteLook, OtherSizeIsModified) {
  RemoteEntry entry = other_token();
  entry.info.size = 11;
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kModified);
  entry.info.token.value = "token";
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kModified);
}

TEST(RemoteLook, VouchedHashDecides) {
  RemoteEntry entry = other_token();
  entry.info.md5 = md5_of(1);
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kTouched);
  entry.info.md5 = md5_of(2);
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kModified);
}

TEST(RemoteLook, CandidateHashProvesOnlyEquality) {
  RemoteEntry entry = other_token();
  entry.info.md5_candidate = md5_of(1);
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kTouched);
  entry.info.md5_candidate = md5_of(2);
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kSuspect);
  EXPECT_EQ(look(entry, base_row(), true), RemoteLook::kModified);
}

TEST(RemoteLook, CrcProvesOnlyDifference) {
  RemoteEntry entry = other_token();
  entry.info.crc32c = 7;
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kSuspect);
  entry.info.crc32c = 8;
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kModified);
}

TEST(RemoteLook, MultipartEtagAsksForTheMetadataHash) {
  RemoteEntry entry = other_token();
  EXPECT_EQ(look(entry, base_row()), RemoteLook::kSuspect);
  entry.info.metadata = Metadata{{"md5chksum", "AQEBAQEBAQEBAQEBAQEBAQ=="}};
  EXPECT_EQ(look(entry, base_row(), true), RemoteLook::kTouched);
  entry.info.metadata = Metadata{{"md5chksum", "AgICAgICAgICAgICAgICAg=="}};
  EXPECT_EQ(look(entry, base_row(), true), RemoteLook::kModified);
  entry.info.metadata = Metadata{};
  EXPECT_EQ(look(entry, base_row(), true), RemoteLook::kModified)
      << "unknown means modified";
  EXPECT_EQ(look(entry, base_row(), false), RemoteLook::kModified)
      << "a HEAD says no more";
}

TEST(RemoteLook, WithAStrongHashNoMd5ProvesEquality) {
  BaseRow base = base_row();
  base.sha256.emplace().fill(3);
  RemoteEntry entry = other_token();
  entry.info.md5 = md5_of(1);
  EXPECT_EQ(look(entry, base), RemoteLook::kModified);
  EXPECT_EQ(look(remote_entry(), base), RemoteLook::kUnchanged);
  RemoteEntry again = remote_entry();
  again.info.last_modified_ns += kSecond;
  EXPECT_EQ(look(again, base), RemoteLook::kModified);
}

TEST(MetadataMtime, EveryConventionIsRead) {
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "1700000000.123456789"}}), kThen + 123'456'789);
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "1700000000"}}), kThen);
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "2023-11-14T22:13:20.5Z"}}),
            kThen + kSecond / 2);
  EXPECT_EQ(metadata_mtime_ns({{"goog-reserved-file-mtime", "1700000000"}}), kThen);
  EXPECT_EQ(metadata_mtime_ns({{"modtime", "1700000000123456789"}}), kThen + 123'456'789);
  EXPECT_EQ(metadata_mtime_ns(
                {{"s3cmd-attrs", "atime:1/ctime:2/mode:33188/mtime:1700000000/uid:0"}}),
            kThen);
  EXPECT_EQ(metadata_mtime_ns({{"s3cmd-attrs", "atime:1/mtime:1700000000"}}), kThen);
}

TEST(MetadataMtime, TimesBefore1970Survive) {
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "-1.5"}}), -3 * kSecond / 2);
  EXPECT_EQ(metadata_mtime_ns({{"goog-reserved-file-mtime", "-2"}}), -2 * kSecond);
  EXPECT_EQ(metadata_mtime_ns({{"goog-reserved-file-mtime", "-1"}}), std::nullopt)
      << "gsutil's \"not available\"";
}

TEST(MetadataMtime, OrderIsByPrecisionAndMalformedValuesAreSkipped) {
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "5"}, {"goog-reserved-file-mtime", "6"}}),
            5 * kSecond);
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "soon"}, {"goog-reserved-file-mtime", "6"}}),
            6 * kSecond);
  EXPECT_EQ(metadata_mtime_ns({{"goog-reserved-file-mtime", "99999999999999"}}),
            std::nullopt);
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "99999999999999999999"}}), std::nullopt);
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "0000-06-01T00:00:00Z"}}), std::nullopt);
  EXPECT_EQ(metadata_mtime_ns({{"mtime", "10000-06-01T00:00:00Z"}}), std::nullopt);
  EXPECT_EQ(metadata_mtime_ns({{"s3cmd-attrs", "mtime:253402300799/uid:0"}}),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(metadata_mtime_ns({{"modtime", "12x"}}), std::nullopt);
  EXPECT_EQ(metadata_mtime_ns({{"s3cmd-attrs", "atime:1/mtime:"}}), std::nullopt);
  EXPECT_EQ(metadata_mtime_ns({{"s3cmd-attrs", "///"}}), std::nullopt);
  EXPECT_EQ(metadata_mtime_ns({}), std::nullopt);
}

Newer newer(std::int64_t local, std::int64_t remote, bool metadata = true,
            std::int64_t offset = 0, std::int64_t now = kThen + 3600 * kSecond) {
  return newer_side(local, remote, metadata, offset, now);
}

TEST(NewerSide, MoreThanTwoSecondsDecide) {
  EXPECT_EQ(newer(kThen + 2 * kSecond + 1, kThen), Newer::kLocal);
  EXPECT_EQ(newer(kThen, kThen + 2 * kSecond + 1), Newer::kRemote);
  EXPECT_EQ(newer(kThen + 2 * kSecond, kThen), Newer::kTie);
  EXPECT_EQ(newer(kThen, kThen + 2 * kSecond), Newer::kTie);
}

TEST(NewerSide, ServerTimeIsCorrectedAndMetadataIsNot) {
  EXPECT_EQ(newer(kThen, kThen + 60 * kSecond, false, 60 * kSecond), Newer::kTie);
  EXPECT_EQ(newer(kThen, kThen + 60 * kSecond, true, 60 * kSecond), Newer::kRemote);
  EXPECT_EQ(newer(kThen, kThen + 60 * kSecond, false, 120 * kSecond), Newer::kLocal);
}

TEST(NewerSide, ClocksTooFarApartOrFutureTimesTie) {
  EXPECT_EQ(newer(kThen + 99 * kSecond, kThen, true, 301 * kSecond), Newer::kTie);
  EXPECT_EQ(newer(kThen + 99 * kSecond, kThen, true, -301 * kSecond), Newer::kTie);
  EXPECT_EQ(newer(kThen, kThen - 99 * kSecond, true, 0, kThen - 3 * kSecond),
            Newer::kTie);
  EXPECT_EQ(newer(kThen - 99 * kSecond, kThen, true, 0, kThen - 3 * kSecond),
            Newer::kTie);
}

TEST(NewerSide, ExtremeTimesOfStrangersDoNoHarm) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(newer(kThen, kMin), Newer::kLocal);
  EXPECT_EQ(newer(kMin, kThen), Newer::kRemote);
  EXPECT_EQ(newer(kThen, kMax), Newer::kTie);
  EXPECT_EQ(newer(kThen, kMin, false, 60 * kSecond), Newer::kTie);
  EXPECT_EQ(newer(kThen, kThen, false, kMin), Newer::kTie);
}

}  // namespace
}  // namespace cloudsync::sync
