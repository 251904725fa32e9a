// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/exchange.h"

#include "cloudsync/error.h"

namespace cloudsync::storage::rest {

void check_page_advances(const ListRequest& request, const ListPage& page) {
  if (page.next_page_token.empty() || page.next_page_token != request.page_token) return;
  throw Error(ErrorCode::kUnsupported, "the server's pages do not advance");
}

}  // namespace cloudsync::storage::rest
