// SPDX-License-Identifier: Apache-2.0
#include "auth/service_words.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/blank.h"
#include "base/encoding.h"
#include "base/log.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestWords = 500;
constexpr std::size_t kLargestRefusal = 1 << 20;

std::string text_of(const json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

// What Microsoft writes behind that are ids and times for its support.
std::string_view first_line(std::string_view text) {
  return text.substr(0, std::min(text.find_first_of("\r\n"), text.find(" Trace ID:")));
}

// OAuth has a code in "error", Google and Azure's metadata an object; the other spellings
// are those of OIDC, SSO, the container agent, EKS and App Service.
std::string words_in(const json& document) {
  std::string words;
  const auto add = [&words](std::string_view part) {
    if (!part.empty()) words.append(words.empty() ? "" : ": ").append(part);
  };
  const auto nested = document.find("error");
  if (nested != document.end() && nested->is_object()) add(text_of(*nested, "message"));
  for (const char* name :
       {"error", "code", "Code", "__type", "error_description", "message", "Message"}) {
    add(first_line(text_of(document, name)));
  }
  return words;
}

}  // namespace

// Masked before it is cut: the piece of a secret that is left at the cut would not be
// recognised.
std::string service_words(std::string_view text) {
  std::string words = base::redacted(text).substr(0, kLongestWords);
  std::replace_if(words.begin(), words.end(), is_blank, ' ');
  return base::printable(words);
}

std::string refusal_words(const http::HttpResponse& reply) {
  const std::string status = "HTTP " + std::to_string(reply.status);
  if (reply.body.size() > kLargestRefusal) return status;
  const json document = json::parse(reply.body, nullptr, false);
  std::string words = document.is_object() ? words_in(document) : "";
  if (words.empty()) return status;
  if (const auto type = reply.header("x-amzn-errortype")) {
    words.insert(0, std::string(type->substr(0, type->find(':'))) + ": ");
  }
  return service_words(words) + " (" + status + ")";
}

}  // namespace cloudsync::auth
