// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_spelling.h"

#include <algorithm>

#include "base/encoding.h"
#include "storage/local/local_layout.h"
#include "storage/local/posix_file.h"

namespace cloudsync::storage::local {
namespace {

// e with acute accent, as one character and as two.
constexpr const char* kComposed = "-\xC3\xA9";
constexpr const char* kDecomposed = "-e\xCC\x81";

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string upper_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), upper);
  return text;
}

}  // namespace

bool probe_spelling(int bucket) {
  TemporaryFile file(bucket);
  const std::string composed = file.path() + kComposed;
  file.move_to(composed);
  const std::string folder = parent_of(composed) + "/";
  const std::string name = name_of(composed);
  const std::string stem = name.substr(0, name.size() - std::string(kComposed).size());
  return stat_beneath(bucket, folder + upper_case(stem) + kComposed).has_value() ||
         stat_beneath(bucket, folder + stem + kDecomposed).has_value();
}

bool guess_spelling(int bucket) {
  return stat_beneath(bucket, upper_case(kStoreFolder)).has_value();
}

std::string other_spelling(int bucket, const std::string& path) {
  std::size_t begin = 0;
  while (begin < path.size()) {
    std::size_t end = path.find('/', begin);
    if (end == std::string::npos) end = path.size();
    const std::string part = path.substr(0, end);
    if (!stat_beneath(bucket, part)) return "";
    const std::string name = path.substr(begin, end - begin);
    const auto names = names_in(bucket, begin == 0 ? "." : path.substr(0, begin - 1));
    if (!std::binary_search(names.begin(), names.end(), name))
      return "'" + base::printable(part) +
             "' is another spelling of a name that is taken";
    begin = end + 1;
  }
  return "";
}

}  // namespace cloudsync::storage::local
