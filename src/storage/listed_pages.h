// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "storage/object_store.h"
#include "storage/page_guard.h"

namespace cloudsync::storage {

// The pages of one listing, for everything that acts on what a listing names or leaves
// out. Every reason to distrust it is an Error{kUnavailable} that is not retryable: names
// outside the prefix, pages that do not end, a last page that is full though more
// follows (told when the caller, who may know the order to be another, asks beyond it).
// Not thread-safe.
class ListedPages {
 public:
  ListedPages(ObjectStore& store, ListRequest request);

  // False after the last page. A page may be empty.
  bool next(ListPage& page, const CallContext& context);
  bool at_end() const { return done_; }
  // Goes on behind this full key instead of with the next page.
  void jump(std::string start_after);
  [[noreturn]] void distrust(const std::string& reason) const;

 private:
  void check_names(const ListPage& page) const;
  void check_end(const CallContext& context) const;

  ObjectStore& store_;
  ListRequest request_;
  PageGuard guard_;
  bool done_ = false;
  std::string last_of_full_page_;  // "" = the last page had room for more
};

}  // namespace cloudsync::storage
