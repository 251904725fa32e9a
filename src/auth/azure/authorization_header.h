// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "http/transport.h"

namespace cloudsync::auth {

// Takes the place of an older one: a request may be authorized again.
void set_authorization(http::HttpRequest& request, std::string value);
// "" when there is none.
std::string_view authorization_of(const http::HttpRequest& request);

}  // namespace cloudsync::auth
