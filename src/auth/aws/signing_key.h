// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "cloudsync/types.h"

namespace cloudsync::auth {

using SigningKey = Sha256Digest;

struct SigningKeyInputs {
  std::string_view secret;
  std::string_view date;  // 20261123
  std::string_view region;
  std::string_view service;
};

SigningKey derive_signing_key(const SigningKeyInputs& inputs);
// The same from a small cache; the key changes once a day. Thread-safe.
SigningKey signing_key(const SigningKeyInputs& inputs);

}  // namespace cloudsync::auth
