// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_listing.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/clock.h"
#include "base/time_range.h"
#include "cloudsync/error.h"
#include "storage/local/local_obstacles.h"
#include "storage/local/local_records.h"

namespace cloudsync::storage::local {
namespace {

constexpr std::size_t kSuspendedWalks = 4;
constexpr int kReadings = 5;
// The coarsest step of the clock that file systems stamp with.
constexpr std::int64_t kClockTickNs = 10'000'000;
// The kind of the last thing given, then its name.
constexpr char kAfterKey = 'k';
constexpr char kAfterPrefix = 'p';

std::string walk_id(const ListRequest& request, const std::string& token) {
  return request.delimiter + '\0' + request.prefix + '\0' + request.start_after + '\0' +
         token;
}

base::FileKind kind_of(int dir, const dirent& entry, const std::string& where) {
  if (entry.d_type == DT_REG) return base::FileKind::kRegular;
  if (entry.d_type == DT_DIR) return base::FileKind::kDirectory;
  if (entry.d_type != DT_UNKNOWN) return base::FileKind::kSpecial;
  const auto stat = stat_at(dir, entry.d_name, where);
  return stat ? stat->kind : base::FileKind::kSpecial;
}

std::string without_slash(const std::string& prefix) {
  return prefix.ends_with('/') ? prefix.substr(0, prefix.size() - 1) : prefix;
}

ListItem blocked(const std::string& key, const std::string& why) {
  ObjectInfo info;
  info.key = {key};
  info.blocked = why;
  return {key, std::move(info)};
}

struct DirCloser {
  void operator()(DIR* stream) const { closedir(stream); }
};

}  // namespace

void SortedNames::add(const std::string& name, bool is_directory) {
  entries_.push_back(
      {text_.size(), static_cast<std::uint32_t>(name.size() + (is_directory ? 1 : 0))});
  text_ += name;
  if (is_directory) text_ += '/';
}

void SortedNames::sort() {
  const auto view = [this](const Entry& entry) {
    return std::string_view(text_).substr(entry.offset, entry.length);
  };
  std::sort(entries_.begin(), entries_.end(),
            [&](const Entry& a, const Entry& b) { return view(a) < view(b); });
  const auto repeated =
      std::unique(entries_.begin(), entries_.end(),
                  [&](const Entry& a, const Entry& b) { return view(a) == view(b); });
  entries_.erase(repeated, entries_.end());
}

std::string SortedNames::take() {
  const Entry entry = entries_[next_++];
  return text_.substr(entry.offset, entry.length);
}

ListingWalk::ListingWalk(const BucketFolder& folder, const ListRequest& request,
                         Start start)
    : folder_(folder),
      prefix_(request.prefix),
      delimiter_(request.delimiter),
      start_(std::move(start)),
      bucket_(folder.open()) {
  if (!bucket_) return;
  const std::string top = parent_of(prefix_);
  if (!top.empty() && !why_unstorable(top).empty()) return;
  enter_top(top);
  if (!top.empty() && prefix_ == top + "/" && prefix_ > start_.after)
    pending_ = marker(prefix_);
}

bool ListingWalk::wanted(const std::string& full, bool is_directory) const {
  if (!start_.skipped.empty() && full.starts_with(start_.skipped)) return false;
  if (is_directory) {
    const bool inside = full.starts_with(prefix_) || prefix_.starts_with(full);
    return inside && (full > start_.after || start_.after.starts_with(full));
  }
  return full.starts_with(prefix_) && full > start_.after;
}

// Not behind an obstacle either: the listing that shows it began before it.
void ListingWalk::enter_top(const std::string& top) {
  for (const std::string& path : {top, parent_of(start_.after)}) {
    if (!why_unstorable(path).empty()) continue;
    const auto obstacle = obstacle_on(bucket_.get(), path);
    if (!obstacle) continue;
    throw Error(ErrorCode::kUnavailable, "cannot list '" + folder_.path_of(path) +
                                             "': " + *obstacle +
                                             "; put the folder back in its place")
        .with_retryable(false);
  }
  const std::string why = enter(top.empty() ? "" : top + "/", {});
  if (why.empty()) return;
  throw Error(ErrorCode::kUnavailable, why).with_retryable(false);
}

std::string ListingWalk::enter(const std::string& prefix, const CallContext& context) {
  Level level;
  level.prefix = prefix;
  try {
    level.fd = open_beneath(bucket_.get(), prefix.empty() ? "." : prefix,
                            O_RDONLY | O_DIRECTORY);
    if (!level.fd && (errno == ENOENT || errno == ENAMETOOLONG)) return "";
    if (!level.fd && errno == ENOTDIR &&
        !obstacle_on(bucket_.get(), without_slash(prefix)))
      return "";
    if (!level.fd) throw_errno("list", folder_.path_of(prefix), errno);
    read_names(level, context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    return error.what();
  }
  levels_.push_back(std::move(level));
  return "";
}

// On tmpfs and btrfs a name that is replaced while the directory is being read can be
// missing from that reading, and a key that is missing counts as deleted. So a directory
// that is being changed is read again, and what any of the readings saw is looked at.
void ListingWalk::read_names(Level& level, const CallContext& context) {
  const std::string where = folder_.path_of(level.prefix);
  const int copy = fcntl(level.fd.get(), F_DUPFD_CLOEXEC, 0);
  const std::unique_ptr<DIR, DirCloser> stream(copy < 0 ? nullptr : fdopendir(copy));
  if (!stream) throw_errno("list", where, errno);
  for (int reading = 0; reading < kReadings; ++reading) {
    const std::int64_t begun = base::system_clock().now_ns();
    const base::FileStat before = stat_of(level.fd.get(), where);
    rewinddir(stream.get());
    read_once(level, stream.get(), context);
    const base::FileStat after = stat_of(level.fd.get(), where);
    const bool at_rest = base::time_sum(after.mtime_ns, kClockTickNs) < begun;
    if (at_rest && after.mtime_ns == before.mtime_ns) break;
  }
  level.names.sort();
}

void ListingWalk::read_once(Level& level, DIR* stream, const CallContext& context) {
  const std::string where = folder_.path_of(level.prefix);
  while (true) {
    context.throw_if_stopped();
    errno = 0;
    const dirent* entry = readdir(stream);
    if (!entry && errno != 0) throw_errno("list", where, errno);
    if (!entry) return;
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || (level.prefix.empty() && name == kStoreFolder))
      continue;
    const base::FileKind kind = kind_of(level.fd.get(), *entry, where);
    const bool is_directory = kind == base::FileKind::kDirectory;
    const std::string full = level.prefix + name + (is_directory ? "/" : "");
    if (wanted(full, is_directory)) level.names.add(name, is_directory);
  }
}

std::optional<ListItem> ListingWalk::marker(const std::string& prefix) {
  const auto stat = stat_beneath(bucket_.get(), without_slash(prefix));
  if (!stat || stat->kind != base::FileKind::kDirectory) return std::nullopt;
  const auto record = fitting(load_records(bucket_.get(), prefix), *stat);
  if (!record) return std::nullopt;
  return ListItem{prefix, info_of(prefix, *stat, record)};
}

bool ListingWalk::holds_objects(const std::string& prefix,
                                const CallContext& context) const {
  ListRequest below;
  below.prefix = prefix;
  return ListingWalk(folder_, below, start_).next(context).has_value();
}

std::optional<ListItem> ListingWalk::visit_directory(const std::string& key,
                                                     const CallContext& context) {
  const bool is_group = !delimiter_.empty() && key.size() > prefix_.size();
  if (is_group) {
    try {
      if (!holds_objects(key, context)) return std::nullopt;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled) throw;
      return blocked(key, error.what());
    }
    return ListItem{key, std::nullopt};
  }
  const std::string why = enter(key, context);
  if (!why.empty()) return blocked(key, why);
  const bool listed = key.starts_with(prefix_) && key > start_.after;
  return listed ? marker(key) : std::nullopt;
}

std::optional<ListItem> ListingWalk::next(const CallContext& context) {
  if (pending_) return std::exchange(pending_, std::nullopt);
  while (!levels_.empty()) {
    context.throw_if_stopped();
    if (levels_.back().names.done()) {
      levels_.pop_back();
      continue;
    }
    const std::string name = levels_.back().names.take();
    const std::string key = levels_.back().prefix + name;
    if (name.ends_with('/')) {
      if (auto item = visit_directory(key, context)) return item;
      continue;
    }
    if (auto item = visit_name(key)) return item;
  }
  return std::nullopt;
}

std::optional<ListItem> ListingWalk::visit_name(const std::string& key) {
  try {
    auto seen = look_up(bucket_.get(), levels_.back().fd.get(), key, folder_.path());
    if (seen) return ListItem{key, std::move(seen->info)};
    return std::nullopt;
  } catch (const Error& error) {
    return blocked(key, error.what());
  }
}

std::unique_ptr<ListingWalk> Listings::resume(const ListRequest& request) {
  const std::string id = walk_id(request, request.page_token);
  if (!request.page_token.empty()) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(suspended_.begin(), suspended_.end(),
                                    [&](const Suspended& walk) { return walk.id == id; });
    if (found != suspended_.end()) {
      auto walk = std::move(found->walk);
      suspended_.erase(found);
      return walk;
    }
  }
  ListingWalk::Start start{request.start_after, ""};
  if (!request.page_token.empty()) {
    const std::string marker = request.page_token.substr(1);
    if (request.page_token.front() == kAfterPrefix) start.skipped = marker;
    start.after = std::max(start.after, marker);
  }
  return std::make_unique<ListingWalk>(folder_, request, std::move(start));
}

void Listings::suspend(const ListRequest& request, const std::string& token,
                       std::unique_ptr<ListingWalk> walk) {
  const std::lock_guard lock(mutex_);
  suspended_.push_front({walk_id(request, token), std::move(walk)});
  if (suspended_.size() > kSuspendedWalks) suspended_.pop_back();
}

ListPage Listings::page(const ListRequest& request, const CallContext& context) {
  if (!request.delimiter.empty() && request.delimiter != "/") {
    throw Error(ErrorCode::kInvalidArgument,
                "the local store lists only with the delimiter '/'");
  }
  auto walk = resume(request);
  ListPage page;
  std::string token;
  const std::uint32_t limit = std::max(1U, request.max_keys);
  for (std::uint32_t count = 0;; ++count) {
    auto item = walk->next(context);
    if (!item) return page;
    if (count == limit) {
      walk->put_back(std::move(*item));
      break;
    }
    token = (item->info ? kAfterKey : kAfterPrefix) + item->name;
    if (item->info) {
      page.objects.push_back(std::move(*item->info));
    } else {
      page.common_prefixes.push_back(std::move(item->name));
    }
  }
  page.next_page_token = token;
  suspend(request, token, std::move(walk));
  return page;
}

}  // namespace cloudsync::storage::local
