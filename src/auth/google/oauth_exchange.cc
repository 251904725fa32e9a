// SPDX-License-Identifier: Apache-2.0
#include "auth/google/oauth_exchange.h"

#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace cloudsync::auth::google {

AccessToken fetch_token(const GoogleWorld& world, const CredentialRequest& request,
                        const std::string& advice, const CallContext& context) {
  return read_token(exchange(*world.transport, request, context), request, advice,
                    world.clock);
}

AccessToken read_token(const http::HttpResponse& reply, const CredentialRequest& request,
                       const std::string& advice, const base::Clock& clock) {
  try {
    return parse_token_reply(reply, request, clock);
  } catch (const Error& error) {
    const bool refused = error.detail().http_status >= 400;
    throw Error(error.code(),
                std::string(error.what()) + "; " +
                    (refused ? advice : "check that a token service has this address"),
                error.detail());
  }
}

void require_bearer(const AccessToken& token, const std::string& purpose) {
  const bool plain = std::ranges::all_of(token.value, [](char c) {
    return c > ' ' && static_cast<unsigned char>(c) < 0x7F;
  });
  if (plain && !token.value.empty()) return;
  throw Error(ErrorCode::kUnauthenticated,
              purpose + ": the service answered with something that is no bearer token");
}

std::pair<std::string, std::string> basic_authorization(const std::string& user,
                                                        const std::string& password) {
  const std::string both = user + ":" + password;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(both.data());
  const std::string encoded = base::to_base64(std::span(bytes, both.size()));
  base::redact_secret(encoded);
  return {"authorization", "Basic " + encoded};
}

std::pair<std::string, std::string> bearer_authorization(const AccessToken& token) {
  return {"authorization", "Bearer " + token.value};
}

}  // namespace cloudsync::auth::google
