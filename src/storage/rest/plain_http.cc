// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/plain_http.h"

#include <string>

#include "base/log.h"
#include "cloudsync/error.h"
#include "storage/rest/endpoint_url.h"

namespace cloudsync::storage::rest {
namespace {

constexpr std::string_view kHttp = "http://";

}  // namespace

void check_plain_http(const StorageOptions& options, std::string_view origin,
                      Identity identity) {
  if (identity == Identity::kNone || !origin.starts_with(kHttp)) return;
  if (is_loopback(host_without_port(origin.substr(kHttp.size())))) return;
  if (identity == Identity::kToken && !options.allow_http) {
    throw Error(ErrorCode::kInvalidArgument,
                "credentials are not sent over plain http to '" + std::string(origin) +
                    "': anybody on the way could take the token and use it; give an "
                    "https endpoint, or set storage.allow_http: true");
  }
  base::log().warn("{}: plain http; anybody on the way can read and change the data{}",
                   origin, identity == Identity::kToken ? " and take the token" : "");
}

}  // namespace cloudsync::storage::rest
