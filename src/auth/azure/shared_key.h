// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "http/transport.h"

namespace cloudsync::auth {

// Azure Storage's Shared Key signature, PROTOCOLS of version 2015-02-21 and later. Pure.
struct SharedKeyRequest {
  const http::HttpRequest& request;  // URL and headers as they will be sent
  std::uint64_t content_length = 0;
  std::string account;
};

std::string shared_key_string_to_sign(const SharedKeyRequest& request);
// "SharedKey ACCOUNT:SIGNATURE". Throws Error{kInvalidArgument} when the key is no
// base64.
std::string shared_key_header(const SharedKeyRequest& request,
                              const std::string& base64_key);

}  // namespace cloudsync::auth
