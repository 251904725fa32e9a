// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cloudsync::odd {

// How a file system compares names. Latin letters with one accent stand for all of
// Unicode.
struct Folding {
  bool fold_case = false;
  bool fold_normal = false;  // composed and decomposed letters are the same
};

std::string decomposed(std::string_view name);
// What two names that mean the same entry have in common.
std::string folded(std::string_view name, const Folding& folding);

}  // namespace cloudsync::odd
