// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/transport.h"

namespace cloudsync::auth {

// Azure Storage's Shared Key signature, PROTOCOLS of version 2015-02-21 and later. Pure.
struct SharedKeyRequest {
  const http::HttpRequest& request;  // URL and headers as they will be sent
  std::uint64_t content_length = 0;
  std::string account;
};

std::string shared_key_string_to_sign(const SharedKeyRequest& request);
// Base64 of the HMAC-SHA256. Throws Error{kInvalidArgument} when the key is no base64.
std::string shared_key_signature(const std::string& text, const std::string& base64_key);
// "SharedKey ACCOUNT:SIGNATURE". Throws Error{kInvalidArgument} when the key is no
// base64.
std::string shared_key_header(const SharedKeyRequest& request,
                              const std::string& base64_key);

// The order in which the service sorts lower-case header names before it signs.
bool shared_key_header_before(std::string_view a, std::string_view b);

}  // namespace cloudsync::auth
