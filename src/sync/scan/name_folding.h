// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cloudsync::sync {

// Which spellings a file system takes for the same name.
struct NameFolding {
  bool by_case = false;
  bool by_normal_form = false;  // composed and decomposed letters

  bool any() const { return by_case || by_normal_form; }
};

// What all spellings of a name have in common: good for finding twins before they meet on
// disk. File systems differ in rare letters, so that the disk has the last word.
std::string fold_name(std::string_view name, const NameFolding& folding);

// With every letter that has parts taken apart, and with all put together that can be.
std::string decomposed_name(std::string_view name);
std::string composed_name(std::string_view name);

}  // namespace cloudsync::sync
