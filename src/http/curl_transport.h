// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "http/transport.h"

namespace cloudsync::http {

struct CurlOptions {
  // PEM file; "" = the system's (SSL_CERT_FILE, CURL_CA_BUNDLE, AWS_CA_BUNDLE honoured).
  std::string ca_bundle;
  bool add_to_system = false;  // ca_bundle beside the system's, not in their place
  bool verify_tls = true;
  int connect_timeout_ms = 10000;
};

// libcurl with a pool of reused easy handles (last in, first out), one in use per running
// call, so a worker keeps its warm connection. HTTP/1.1: parallel connections win for
// bulk data.
std::unique_ptr<HttpTransport> make_curl_transport(const CurlOptions& options = {});

}  // namespace cloudsync::http
