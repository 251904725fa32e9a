// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_document.h"

#include <gtest/gtest.h>

#include "cloudsync/error.h"

namespace cloudsync::config {
namespace {

std::string error_of(const std::string& text) {
  try {
    parse_yaml(text, "c.yaml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(YamlDocument, FlattensToDottedKeysWithLines) {
  const auto document =
      parse_yaml("a:\n  b: 1\n  c:\n    d: \"x y\"\ne: true\n", "c.yaml");
  ASSERT_EQ(document.entries.size(), 3U);
  EXPECT_EQ(document.entries[0].key, "a.b");
  EXPECT_EQ(document.entries[0].line, 2);
  EXPECT_EQ(document.entries[1].key, "a.c.d");
  EXPECT_EQ(document.entries[1].value, "x y");
  EXPECT_EQ(document.entries[1].line, 4);
  EXPECT_EQ(document.entries[2].value, "true");
}

TEST(YamlDocument, ListsAreOneItemALine) {
  const auto document =
      parse_yaml("filters:\n  - \"- *.tmp\"\n  - '+ *.csv'\n", "c.yaml");
  ASSERT_EQ(document.entries.size(), 1U);
  EXPECT_TRUE(document.entries[0].is_list);
  EXPECT_EQ(document.entries[0].value, "- *.tmp\n+ *.csv");
}

TEST(YamlDocument, EmptyFilesAndNullsAreNoError) {
  EXPECT_TRUE(parse_yaml("", "c.yaml").entries.empty());
  EXPECT_TRUE(parse_yaml("# only a comment\n", "c.yaml").entries.empty());
  EXPECT_TRUE(parse_yaml("a:\n", "c.yaml").entries[0].is_null);
}

TEST(YamlDocument, SyntaxErrorsNameFileLineAndColumn) {
  EXPECT_EQ(error_of("a: 1\nb: [1, 2\n").substr(0, 9), "c.yaml:3:");
  EXPECT_EQ(error_of("a: b: c\n").substr(0, 9), "c.yaml:1:");
}

TEST(YamlDocument, KeysGivenTwiceNameBothLines) {
  EXPECT_EQ(error_of("a: 1\nb: 2\na: 3\n"),
            "c.yaml:3:1: a is given twice, first in line 1");
}

TEST(YamlDocument, RefusesShapesNoConfigurationHas) {
  EXPECT_NE(error_of("- a\n- b\n").find("\"key: value\""), std::string::npos);
  EXPECT_NE(error_of("just text\n").find("\"key: value\""), std::string::npos);
  EXPECT_NE(error_of("a: [{b: 1}]\n").find("must be text"), std::string::npos);
  EXPECT_NE(error_of("a: 1\n---\nb: 2\n").find("second document"), std::string::npos);
  EXPECT_NE(error_of("? [a, b]\n: 1\n").find("plain word"), std::string::npos);
  EXPECT_NE(error_of("a: \xff\n").find("not UTF-8"), std::string::npos);
}

TEST(YamlDocument, AliasesCannotExpandWithoutEnd) {
  std::string bomb = "a0: &a0 {k: v}\n";
  for (int i = 1; i < 8; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {";
    for (int j = 0; j < 9; ++j) {
      bomb += (j == 0 ? "k" : ", k") + std::to_string(j) + ": " + before;
    }
    bomb += "}\n";
  }
  EXPECT_NE(error_of(bomb).find("too"), std::string::npos);
}

TEST(YamlDocument, StrayPunctuationIsAnErrorAndTakesNoMemory) {
  for (const std::string text :
       {",", ", a: 1", "# c\n,", "--- ,", "]", "}", "a: 1\n,", "a: ,", "- ,"}) {
    EXPECT_NE(error_of(text), "") << text;
  }
  EXPECT_EQ(error_of("\n ,"), "c.yaml:2:2: ',' cannot stand here");
}

TEST(YamlDocument, NestingEndsAt32) {
  EXPECT_NE(error_of("a: " + std::string(40, '[') + std::string(40, ']'))
                .find("nested too deeply"),
            std::string::npos);
  EXPECT_NE(error_of(std::string(1 << 19, '[')).find("nested too deeply"),
            std::string::npos);
}

TEST(YamlDocument, AnAliasInsideItsOwnAnchorIsAnError) {
  EXPECT_NE(error_of("a: &x [*x]\n"), "");
}

TEST(YamlDocument, MissingFileIsAConfigurationError) {
  try {
    read_yaml_file("/nonexistent/c.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("/nonexistent/c.yaml"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("No such file"), std::string::npos);
  }
  EXPECT_THROW(read_yaml_file("/"), Error);
}

}  // namespace
}  // namespace cloudsync::config
