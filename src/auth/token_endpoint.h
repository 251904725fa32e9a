// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "auth/access_token.h"
#include "base/call_context.h"
#include "base/clock.h"
#include "http/transport.h"

namespace cloudsync::auth {

using Form = std::vector<std::pair<std::string, std::string>>;

// application/x-www-form-urlencoded.
std::string encode_form(const Form& form);

// One request to a credential service: a token endpoint or a metadata server.
struct CredentialRequest {
  std::string method = "POST";
  std::string url;
  http::Headers headers;
  std::string body;
  bool bypass_proxy = false;  // metadata servers
  int timeout_seconds = 30;   // for the whole exchange
  std::string purpose;        // for messages: "the token of service account x@y"
};

CredentialRequest form_request(std::string url, const Form& form, std::string purpose);

// Sends it once and returns an answer with any status that the caller can explain.
// Throws Error{kUnavailable}, retryable, for network failures, 408, 429 and 5xx: the
// retry loop above the store repeats the whole call. Refuses plain http to anything but
// loopback and link-local addresses and metadata.google.internal, where a secret would
// travel in the clear.
http::HttpResponse exchange(http::HttpTransport& transport,
                            const CredentialRequest& request, const CallContext& context);

// The answer of an OAuth token endpoint (RFC 6749: access_token, expires_in as number or
// text). Throws Error{kUnauthenticated} with the service's error and error_description
// for a refusal, never with anything that was sent. The token is registered with
// base::redact_secret.
AccessToken parse_token_reply(const http::HttpResponse& reply,
                              const CredentialRequest& request, const base::Clock& clock);

}  // namespace cloudsync::auth
