// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

using EVP_PKEY = struct evp_pkey_st;

namespace cloudsync::auth {

struct FreePrivateKey {
  void operator()(EVP_PKEY* key) const;
};
using PrivateKey = std::unique_ptr<EVP_PKEY, FreePrivateKey>;

// OpenSSL keeps errors per thread; one left behind would be taken for a failure of the
// next TLS call on it.
struct CleanErrorQueue {
  CleanErrorQueue();
  ~CleanErrorQueue();
  CleanErrorQueue(const CleanErrorQueue&) = delete;
  CleanErrorQueue& operator=(const CleanErrorQueue&) = delete;
};

// The first private key in a PEM text, nothing when there is none that the password
// opens. An empty password opens no encrypted key; nobody is asked for one.
PrivateKey read_private_key(const std::string& pem, const std::string& password);

bool is_rsa(const PrivateKey& key);

// Without padding, as in RFC 7515.
std::string to_base64url(std::span<const std::uint8_t> bytes);

// The compact form of a JSON Web Token with RS256, registered with base::redact_secret.
// Throws Error{kUnauthenticated} when the key cannot be used to sign.
std::string sign_jwt(const PrivateKey& rsa_key, const nlohmann::json& header,
                     const nlohmann::json& claims);

}  // namespace cloudsync::auth
