// SPDX-License-Identifier: Apache-2.0
#include "config/substitution.h"

#include <gtest/gtest.h>

namespace cloudsync::config {
namespace {

std::optional<std::string> environment(const std::string& name) {
  if (name == "NAME") return "value";
  if (name == "EMPTY") return "";
  if (name == "DOLLAR") return "${NAME}$$";
  return std::nullopt;
}

std::string error_of(const std::string& text) {
  try {
    substitute(text, environment);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Substitute, ReplacesVariablesAnywhere) {
  EXPECT_EQ(substitute("${NAME}", environment), "value");
  EXPECT_EQ(substitute("a/${NAME}/b${NAME}", environment), "a/value/bvalue");
  EXPECT_EQ(substitute("plain", environment), "plain");
  EXPECT_EQ(substitute("", environment), "");
}

TEST(Substitute, UsesTheDefaultOnlyWhenTheVariableIsUnset) {
  EXPECT_EQ(substitute("${NAME:other}", environment), "value");
  EXPECT_EQ(substitute("${UNSET:other}", environment), "other");
  EXPECT_EQ(substitute("${UNSET:}", environment), "");
  EXPECT_EQ(substitute("${UNSET:http://h:9/x}", environment), "http://h:9/x");
}

TEST(Substitute, SetButEmptyCountsAsSet) {
  EXPECT_EQ(substitute("[${EMPTY}]", environment), "[]");
  EXPECT_EQ(substitute("[${EMPTY:other}]", environment), "[]");
}

TEST(Substitute, ColonMinusIsTheDefaultOfShells) {
  EXPECT_EQ(substitute("${UNSET:-x}", environment), "x");
  EXPECT_EQ(substitute("${EMPTY:-x}", environment), "x");
  EXPECT_EQ(substitute("${NAME:-x}", environment), "value");
  EXPECT_EQ(substitute("${UNSET:-}", environment), "");
}

TEST(Substitute, DoubleDollarIsADollar) {
  EXPECT_EQ(substitute("pa$$word", environment), "pa$word");
  EXPECT_EQ(substitute("$${NAME}", environment), "${NAME}");
  EXPECT_EQ(substitute("$$$$", environment), "$$");
}

TEST(Substitute, OtherDollarsStay) {
  EXPECT_EQ(substitute("$NAME $ $", environment), "$NAME $ $");
}

TEST(Substitute, WhatComesFromAVariableIsNotLookedAtAgain) {
  EXPECT_EQ(substitute("${DOLLAR}", environment), "${NAME}$$");
}

TEST(Substitute, UnsetWithoutDefaultNamesTheVariable) {
  EXPECT_EQ(error_of("${UNSET}"),
            "the environment variable UNSET is not set; set it, or give a default with "
            "${UNSET:default}");
}

TEST(Substitute, RefusesWhatIsNoVariable) {
  EXPECT_NE(error_of("${}").find("does not name a variable"), std::string::npos);
  EXPECT_NE(error_of("${1A}").find("does not name a variable"), std::string::npos);
  EXPECT_NE(error_of("${A B}").find("does not name a variable"), std::string::npos);
  EXPECT_NE(error_of("${NAME").find("no closing"), std::string::npos);
}

}  // namespace
}  // namespace cloudsync::config
