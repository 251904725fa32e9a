// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace cloudsync::auth {

// What "aws sso login" left behind.
struct SsoToken {
  std::string access_token;
  std::int64_t expires_ns = 0;
  // All four or nothing of use: what renewing needs.
  std::string refresh_token;
  std::string client_id;
  std::string client_secret;
  std::optional<std::int64_t> registration_expires_ns;
};

// ~/.aws/sso/cache/SHA1(key).json; the key is the session's name or, without one, the
// start URL. "" when HOME is "".
std::string sso_cache_path(const std::string& home, const std::string& key);

// The AWS CLI and the SDKs share these files. Secrets are registered with
// base::redact_secret.
// Nothing when there is no file. Throws Error{kUnauthenticated} naming the path for one
// that is unreadable or lacks the token or its expiry.
std::optional<SsoToken> read_sso_token(const std::string& path);

// Puts the new tokens and expiry into the file and keeps all else in it; atomic, readable
// by the owner only. Throws Error{kLocalIo | kDiskFull | kPermissionDenied}.
void write_sso_token(const std::string& path, const SsoToken& token);

// What the OIDC service answers to a renewal, put into a copy of `old`. Throws
// Error{kUnauthenticated} naming `origin` when there is no token or no expiry in it.
SsoToken renewed_sso_token(const SsoToken& old, const std::string& body,
                           const std::string& origin, std::int64_t now_ns);

// {clientId, clientSecret, grantType, refreshToken}.
std::string sso_renewal_body(const SsoToken& token);

}  // namespace cloudsync::auth
