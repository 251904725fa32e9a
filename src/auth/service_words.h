// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "http/transport.h"

namespace cloudsync::auth {

// What a service or a program said, fit for a message of one line: some of them echo what
// they were given, some answer with a page.
std::string service_words(std::string_view text);

// The service's own words in a JSON refusal and its status: "UnauthorizedException:
// Session token not found (HTTP 401)". The status alone where it says nothing.
std::string refusal_words(const http::HttpResponse& reply);

}  // namespace cloudsync::auth
