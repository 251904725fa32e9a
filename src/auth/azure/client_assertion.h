// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace cloudsync::auth {

// A certificate with its RSA key, both in one PEM text.
struct CertificateText {
  std::string pem;
  std::string password;  // of an encrypted key; "" = none
  std::string origin;    // for messages: the file's name
};

struct AssertionClaims {
  std::string audience;  // the token endpoint's URL
  std::string client_id;
  std::string id;  // never used twice
  std::int64_t now_ns = 0;
};

// A JWT signed with RS256 that proves possession of the certificate's key for ten
// minutes, the certificate named by its thumbprints. Throws Error{kInvalidArgument}
// naming the origin when the text holds no such pair.
std::string sign_client_assertion(const CertificateText& certificate,
                                  const AssertionClaims& claims);

}  // namespace cloudsync::auth
