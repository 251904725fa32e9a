// SPDX-License-Identifier: Apache-2.0
#include "storage/listed_pages.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace cloudsync::storage {
namespace {

// Names that a filter took out count as received.
std::string first_name(const ListPage& page) {
  if (!page.objects.empty()) return page.objects.front().key.value;
  if (!page.common_prefixes.empty()) return page.common_prefixes.front();
  return page.first_filtered;
}

}  // namespace

ListedPages::ListedPages(ObjectStore& store, ListRequest request)
    : store_(store), request_(std::move(request)) {}

bool ListedPages::next(ListPage& page, const CallContext& context) {
  if (done_) {
    check_end(context);
    return false;
  }
  context.throw_if_stopped();
  ListPage received = store_.list(request_, context);
  check_names(received);
  const std::string doubt = guard_.accept(first_name(received), received.next_page_token);
  if (!doubt.empty()) distrust(doubt);
  done_ = received.next_page_token.empty();
  const bool full = done_ && received.objects.size() >= request_.max_keys;
  if (full) last_of_full_page_ = received.objects.back().key.value;
  request_.page_token = received.next_page_token;
  page = std::move(received);
  return true;
}

void ListedPages::check_names(const ListPage& page) const {
  const auto check = [this](const std::string& name) {
    if (name.starts_with(request_.prefix)) return;
    distrust("it names '" + base::printable(name) + "', which is outside");
  };
  for (const ObjectInfo& object : page.objects) check(object.key.value);
  for (const std::string& prefix : page.common_prefixes) check(prefix);
}

// A token that was lost on the way looks like the end of the listing; a page that is
// exactly full is where that shows.
void ListedPages::check_end(const CallContext& context) const {
  const auto& capabilities = store_.capabilities();
  const bool can_ask =
      capabilities.start_after && capabilities.list_order == KeyOrder::kUtf8;
  if (last_of_full_page_.empty() || !can_ask || !request_.delimiter.empty()) return;
  ListRequest behind = request_;
  behind.page_token.clear();
  behind.start_after = last_of_full_page_;
  behind.max_keys = 2;
  const ListPage rest = store_.list(behind, context);
  const bool more = std::any_of(
      rest.objects.begin(), rest.objects.end(),
      [&](const ObjectInfo& info) { return info.key.value > behind.start_after; });
  if (more) distrust("more follows behind the page that was said to be the last");
}

void ListedPages::jump(std::string start_after) {
  request_.page_token.clear();
  request_.start_after = std::move(start_after);
  last_of_full_page_.clear();
  guard_.restart();
}

void ListedPages::distrust(const std::string& reason) const {
  throw Error(ErrorCode::kUnavailable,
              "the listing of prefix '" + base::printable(request_.prefix) + "' in " +
                  store_.describe() + " cannot be trusted: " + reason +
                  "; it counts as incomplete, and nothing was deleted because of it")
      .with_retryable(false);
}

}  // namespace cloudsync::storage
