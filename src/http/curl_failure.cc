// SPDX-License-Identifier: Apache-2.0
#include "http/curl_failure.h"

#include <string>

#include "base/encoding.h"

namespace cloudsync::http {
namespace {

enum class Kind { kNetwork, kCertificate, kInput, kProgram };

// What is not named here is a failure of the network or of the peer and may pass.
Kind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return Kind::kCertificate;
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:
      return Kind::kInput;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
      return Kind::kProgram;
    default:
      return Kind::kNetwork;
  }
}

std::string describe(const HttpRequest& request, CURLcode code, std::string_view words) {
  std::string text = request.method;
  text.append(" to ").append(base::printable(url_authority(request.url)));
  text.append(" failed: ");
  text.append(words.empty() ? curl_easy_strerror(code) : base::printable(words));
  return text;
}

}  // namespace

std::string_view url_authority(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    url.remove_prefix(at + 1);
  }
  return url;
}

Error curl_failure(CURLcode code, const HttpRequest& request, std::string_view words) {
  std::string text = describe(request, code, words);
  switch (kind_of(code)) {
    case Kind::kCertificate:
      text +=
          "; the server's certificate could not be verified. If the server uses a "
          "certificate authority of its own, name its PEM file in ca_bundle";
      return Error(ErrorCode::kUnavailable, std::move(text)).with_retryable(false);
    case Kind::kInput:
      return Error(ErrorCode::kInvalidArgument, std::move(text));
    case Kind::kProgram:
      return Error(ErrorCode::kInternal, std::move(text));
    case Kind::kNetwork:
      break;
  }
  return Error(ErrorCode::kUnavailable, std::move(text));
}

}  // namespace cloudsync::http
