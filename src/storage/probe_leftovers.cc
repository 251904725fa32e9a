// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>

#include "base/log.h"
#include "storage/decorators.h"

namespace cloudsync::storage {
namespace {

constexpr std::int64_t kHour = 3600LL * 1'000'000'000;
constexpr std::chrono::seconds kLongest{60};
constexpr int kMostPages = 10;

// What a probe names its folder after: 32 hexadecimal digits. Nothing else is ours.
bool is_probe_id(std::string_view id) {
  return id.size() == 32 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

class Leftovers {
 public:
  Leftovers(ObjectStore& store, std::string folder, std::int64_t server_now_ns,
            const CallContext& context)
      : store_(store), folder_(std::move(folder)), now_ns_(server_now_ns) {
    context_.stop = context.stop;
    context_.deadline = std::chrono::steady_clock::now() + kLongest;
  }

  bool remove() {
    try {
      remove_objects();
      remove_uploads();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled) throw;
      base::log().info("what earlier probes left below {} stays for now: {}", folder_,
                       error.what());
      return false;
    }
    return clean_;
  }

 private:
  // Another machine's probe may be at work.
  bool is_old(const ObjectKey& key, std::int64_t time_ns) {
    if (!key.value.starts_with(folder_)) return false;
    const std::string_view rest = std::string_view(key.value).substr(folder_.size());
    const std::string_view id = rest.substr(0, rest.find('/'));
    if (!is_probe_id(id)) return false;
    ids_.insert(std::string(id));
    const bool old = time_ns > 0 && now_ns_ - time_ns > kHour;
    clean_ = clean_ && old;
    return old;
  }

  void remove_objects() {
    ListRequest list;
    list.prefix = folder_;
    for (int page_number = 0; page_number < kMostPages; ++page_number) {
      const ListPage page = store_.list(list, context_);
      for (const ObjectInfo& info : page.objects) {
        if (is_old(info.key, info.last_modified_ns))
          store_.remove({info.key, {}}, context_);
      }
      list.page_token = page.next_page_token;
      if (list.page_token.empty()) return;
    }
  }

  // MinIO lists uploads of one key only, so the keys of probes seen above are named too.
  void remove_uploads() {
    if (!store_.multipart() || !store_.capabilities().lists_uploads) return;
    remove_uploads_below(folder_);
    for (const std::string& id : std::set<std::string>(ids_))
      remove_uploads_below(folder_ + id + "/c");
  }

  void remove_uploads_below(const std::string& prefix) {
    for (const UploadInfo& info : store_.multipart()->list_uploads(prefix, context_)) {
      if (is_old(info.key, info.initiated_ns))
        store_.multipart()->abort_upload(info.key, info.upload, context_);
    }
  }

  ObjectStore& store_;
  const std::string folder_;
  const std::int64_t now_ns_;
  CallContext context_;
  std::set<std::string> ids_;
  bool clean_ = true;
};

}  // namespace

bool remove_probe_leftovers(ObjectStore& store, const std::string& prefix,
                            std::int64_t server_now_ns, const CallContext& context) {
  return Leftovers(store, prefix + ".cloudsync/probe/", server_now_ns, context).remove();
}

}  // namespace cloudsync::storage
