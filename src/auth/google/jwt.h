// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace cloudsync::auth::google {

// What a service account asserts about itself (RFC 7519, RFC 7523). "" = not stated.
struct JwtClaims {
  std::string key_id;
  std::string issuer;
  std::string subject;
  std::string audience;
  std::string scope;
  std::int64_t issued_at = 0;   // seconds since the epoch
  std::int64_t expires_at = 0;  // Google allows an hour
};

// The signed compact form, RS256. Throws Error{kUnauthenticated} saying what is wrong
// with a key that is no unencrypted RSA private key in PEM.
std::string sign_rs256_jwt(const std::string& private_key_pem, const JwtClaims& claims);

}  // namespace cloudsync::auth::google
