// SPDX-License-Identifier: Apache-2.0
#include "auth/url_host.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"

namespace cloudsync::auth {
namespace {

bool is_plain(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
         c == ':' || c == '[' || c == ']';
}

// One of four decimal numbers; -1 when it is none. Takes it off the text.
int take_byte(std::string_view& text) {
  int value = -1;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || value < 0 || value > 255 || length > 3) return -1;
  text.remove_prefix(length);
  return value;
}

bool is_ipv4(std::string_view host) {
  for (int i = 0; i < 4; ++i) {
    if (take_byte(host) < 0) return false;
    if (i == 3) break;
    if (!host.starts_with('.')) return false;
    host.remove_prefix(1);
  }
  return host.empty();
}

}  // namespace

std::string_view url_host(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  if (!std::all_of(authority.begin(), authority.end(), is_plain)) return {};
  if (!authority.starts_with('[')) return authority.substr(0, authority.find(':'));
  const std::size_t end = authority.find(']');
  return end == std::string_view::npos ? std::string_view()
                                       : authority.substr(0, end + 1);
}

std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t user_end = url.substr(0, url.find('/', host)).rfind('@');
  if (user_end == std::string_view::npos || user_end < host) return base::printable(url);
  return base::printable(std::string(url.substr(0, host)) +
                         std::string(url.substr(user_end + 1)));
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  return is_ipv4(host) && host.starts_with("127.");
}

bool is_link_local_host(std::string_view host) {
  return is_ipv4(host) && host.starts_with("169.254.");
}

}  // namespace cloudsync::auth
