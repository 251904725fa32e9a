// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <string_view>

#include "cloudsync/error.h"
#include "http/transport.h"

namespace cloudsync::http {

// "host:port" of a URL, without user information, path or query (which may hold a
// signature).
std::string_view url_authority(std::string_view url);

// Why a transfer ended without an answer. `words` is libcurl's own text, "" when it gave
// none.
Error curl_failure(CURLcode code, const HttpRequest& request, std::string_view words);

}  // namespace cloudsync::http
