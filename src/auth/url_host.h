// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cloudsync::auth {

// The host of an absolute URL, an IPv6 address with its brackets. "" where there is none,
// and for user names or odd characters, which different readers split differently.
std::string_view url_host(std::string_view url);

// For messages: without user name, password, query and fragment, which may be secrets.
std::string shown_url(std::string_view url);

// Addresses and the name of this machine; "127.0.0.1.evil.example" is none.
bool is_loopback_host(std::string_view host);

// 169.254.0.0/16, where metadata services are.
bool is_link_local_host(std::string_view host);

}  // namespace cloudsync::auth
