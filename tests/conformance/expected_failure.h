// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace cloudsync::conformance {

// Keeps the failures of a test, of all its threads, to itself while it lives.
class ExpectedFailure {
 public:
  ExpectedFailure()
      : holder_(std::make_unique<Holder>(Holder::INTERCEPT_ALL_THREADS, &results_)) {}

  // From here on failures count again. "" when the test failed, as it should, or why that
  // cannot be said.
  std::string end() {
    holder_.reset();
    if (any(&::testing::TestPartResult::failed)) return "";
    if (any(&::testing::TestPartResult::skipped)) return "a capability skips it already";
    return "the server has it";
  }

 private:
  using Holder = ::testing::ScopedFakeTestPartResultReporter;

  bool any(bool (::testing::TestPartResult::*is)() const) const {
    for (int i = 0; i < results_.size(); ++i) {
      if ((results_.GetTestPartResult(i).*is)()) return true;
    }
    return false;
  }

  ::testing::TestPartResultArray results_;
  std::unique_ptr<Holder> holder_;
};

}  // namespace cloudsync::conformance
