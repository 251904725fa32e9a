// SPDX-License-Identifier: Apache-2.0
#include "sync/run/name_twins.h"

#include <algorithm>
#include <functional>

#include "cloudsync/error.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {
namespace {

constexpr std::size_t kMostExact = 4096;
constexpr NameFolding kEveryFolding{.by_case = true, .by_normal_form = true};
constexpr char kComposed[] = "\u00E9";
constexpr char kDecomposed[] = "e\u0301";

// Without the slash at the end; "" for what lies in the root.
std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string without_slash(const std::string& key) {
  return key.ends_with('/') ? key.substr(0, key.size() - 1) : key;
}

std::string joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

// The first letter in the other case; the name itself when it has none.
std::string other_case(std::string name) {
  const auto letter = std::ranges::find_if(name, [](char c) {
    const char low = static_cast<char>(c | 0x20);
    return low >= 'a' && low <= 'z';
  });
  if (letter != name.end()) *letter = static_cast<char>(*letter ^ 0x20);
  return name;
}

// The directory, or the nearest one above it that is there. What lies below a link is not
// ours to look at.
std::string existing_directory(base::FileSystem& files, std::string directory) {
  try {
    while (!directory.empty() && !files.stat(directory)) {
      directory = directory_of(directory);
    }
    return directory;
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

void NameTwins::probe_writing(const std::string& run_name) {
  const std::string folder = std::string(kTempDirectory) + "/";
  const std::string made = folder + "Names-" + kComposed + "-" + run_name;
  try {
    files_.create(made, 0600);
    mount_.by_case =
        files_.stat(folder + "names-" + kComposed + "-" + run_name).has_value();
    mount_.by_normal_form =
        files_.stat(folder + "Names-" + kDecomposed + "-" + run_name).has_value();
    stores_decomposed_ =
        mount_.by_normal_form && other_spelling(made) == decomposed_name(made);
    files_.remove_file(made);
  } catch (const Error&) {
    probe_reading();  // such a letter may not be allowed here
  }
}

void NameTwins::probe_reading() {
  try {
    const auto root = files_.open_directory("");
    const auto entries = root->entries();
    for (const auto& entry : entries) {
      const std::string other = other_case(entry.name);
      if (other == entry.name) continue;
      const bool opens = root->stat(other).has_value();
      const bool listed = std::ranges::any_of(
          entries, [&](const base::DirEntry& each) { return each.name == other; });
      if (opens && !listed) mount_ = kEveryFolding;
      return;
    }
  } catch (const Error&) {
    return;  // the scan will say what cannot be read
  }
}

NameFolding NameTwins::folding_in(const std::string& directory) {
  if (mount_.any()) return mount_;
  {
    const std::lock_guard lock(mutex_);
    if (!asked_.empty() && asked_ == directory) return answer_;
  }
  // A directory that is yet to be made takes the flag from the one above it.
  const NameFolding answer = files_.folds_case(existing_directory(files_, directory))
                                 ? kEveryFolding
                                 : NameFolding{};
  const std::lock_guard lock(mutex_);
  asked_ = directory;
  answer_ = answer;
  return answer;
}

bool NameTwins::may_fold(const std::string& key) {
  const std::string directory = directory_of(without_slash(key));
  if (folding_in(directory).any()) return true;
  // Another mount below the root was not asked: whoever cares looks at each name.
  const auto existing = existing_directory(files_, directory);
  const auto stat = existing.empty() ? std::nullopt : files_.stat(existing);
  return stat && stat->dev != files_.root_stat().dev;
}

std::optional<std::string> NameTwins::other_spelling(const std::string& key) {
  const std::string whole = without_slash(key);
  for (std::size_t begin = 0; begin < whole.size();) {
    const std::size_t end = std::min(whole.find('/', begin), whole.size());
    const std::string path = whole.substr(0, end);
    const std::string directory = directory_of(path);
    if (!is_known_exact(path)) {
      const auto stat = files_.stat(path);
      if (!stat) return std::nullopt;
      const std::string name = whole.substr(begin, end - begin);
      const std::string spelt = spelling_in(directory, name, *stat);
      if (spelt != name) return joined(directory, spelt) + key.substr(end);
      if (stat->kind == base::FileKind::kDirectory) remember_exact(path);
    }
    begin = end + 1;
  }
  return std::nullopt;
}

// `name` itself where nothing else can be what it opens.
std::string NameTwins::spelling_in(const std::string& directory, const std::string& name,
                                   const base::FileStat& stat) {
  const auto folder = files_.open_directory(directory);
  const auto entries = folder->entries();
  std::string best;
  for (const auto& entry : entries) {
    if (entry.name == name) return name;
    if (fold_name(entry.name, kEveryFolding) == fold_name(name, kEveryFolding)) {
      best = entry.name;
    }
  }
  if (!best.empty()) return best;
  for (const auto& entry : entries) {
    const auto other = folder->stat(entry.name);
    if (other && other->ino != 0 && other->same_version(stat)) return entry.name;
  }
  return name;
}

std::optional<std::string> NameTwins::claim(const std::string& key) {
  const std::string whole = without_slash(key);
  std::size_t depth = 0;
  for (std::size_t begin = 0; begin < whole.size(); ++depth) {
    const std::size_t end = std::min(whole.find('/', begin), whole.size());
    const std::string directory = whole.substr(0, begin);
    if (depth < claimed_.size() && claimed_[depth].directory != directory) {
      claimed_.resize(depth);
    }
    if (depth == claimed_.size()) {
      claimed_.push_back({directory, folding_in(without_slash(directory)), {}});
    }
    Level& level = claimed_[depth];
    const std::string name = whole.substr(begin, end - begin);
    const auto [owner, fresh] =
        level.spellings.try_emplace(fold_name(name, level.folding), name);
    if (owner->second != name) return directory + owner->second + key.substr(end);
    begin = end + 1;
  }
  return std::nullopt;
}

void NameTwins::note_new(const std::string& key) {
  const std::lock_guard lock(mutex_);
  new_names_.insert(std::hash<std::string>{}(key));
}

bool NameTwins::is_new(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return new_names_.contains(std::hash<std::string>{}(key));
}

bool NameTwins::is_known_exact(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return exact_.contains(path);
}

void NameTwins::remember_exact(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (exact_.size() >= kMostExact) exact_.clear();
  exact_.insert(path);
}

}  // namespace cloudsync::sync
