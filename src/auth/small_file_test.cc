// SPDX-License-Identifier: Apache-2.0
#include "auth/small_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "auth/auth_testing.h"
#include "base/log.h"
#include "base/test_directory.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SmallFileTest : public ::testing::Test {
 protected:
  SmallFile file(const std::string& name, std::size_t most = 100) const {
    return {folder_ / name, "the token file", most};
  }
  SmallFile written(const std::string& text) const {
    folder_.write("token", text);
    return file("token");
  }
  static std::string refusal(const SmallFile& file) {
    const Error error = error_of([&] { read_secret_line(file); });
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("the token file"), HasSubstr(file.path)));
    return error.what();
  }

  base::TestDirectory folder_;
};

TEST_F(SmallFileTest, AbsenceIsAValueUnlessTheFileHasToExist) {
  EXPECT_EQ(read_small_file(file("missing")), std::nullopt);
  EXPECT_EQ(read_small_file(file("missing/deeper")), std::nullopt);
  EXPECT_THAT(refusal(file("missing")), HasSubstr("No such file"));
}

TEST_F(SmallFileTest, AFileIsReadWholeUpToItsLimit) {
  EXPECT_EQ(read_small_file(written(std::string(100, 'x'))), std::string(100, 'x'));
  EXPECT_THAT(refusal(written(std::string(101, 'x'))),
              HasSubstr("longer than 100 bytes"));
}

TEST_F(SmallFileTest, APipeIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(file("pipe")), HasSubstr("not a regular file"));
  std::filesystem::create_directory(folder_ / "folder");
  EXPECT_THAT(refusal(file("folder")), HasSubstr("is a directory"));
}

TEST_F(SmallFileTest, ASecretHasNoBlanksAroundItAndNeverReachesAMessage) {
  EXPECT_EQ(read_secret_line(written(" small-file-secret \r\n")), "small-file-secret");
  EXPECT_EQ(base::redacted("small-file-secret"), "***");
  EXPECT_THAT(refusal(written(" \n")), HasSubstr("is empty"));
  for (const char* text : {"hidden-a\r\nx: y", "hidden-b\x01", "hidden-c\x7f"}) {
    EXPECT_THAT(refusal(written(text)),
                AllOf(HasSubstr("line break"), Not(HasSubstr("hidden"))));
  }
  EXPECT_EQ(read_secret_file(written("-----BEGIN\nx\n")), "-----BEGIN\nx");
}

}  // namespace
}  // namespace cloudsync::auth
