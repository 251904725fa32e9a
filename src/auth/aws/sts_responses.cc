// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sts_responses.h"

#include <pugixml.hpp>

#include "auth/aws/credential_document.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr std::size_t kLargestDocument = 1 << 20;

[[noreturn]] void throw_unusable(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::kUnauthenticated,
              origin + " gave no usable credentials: " + what);
}

bool load(pugi::xml_document& document, const std::string& body) {
  return body.size() <= kLargestDocument &&
         document.load_buffer(body.data(), body.size());
}

std::string required(const pugi::xml_node& node, const char* name,
                     const std::string& origin) {
  std::string value = node.child_value(name);
  if (value.empty()) throw_unusable(origin, std::string("<") + name + "> is missing");
  return value;
}

}  // namespace

AwsCredentials parse_sts_credentials(const std::string& body, const std::string& action,
                                     const std::string& origin) {
  pugi::xml_document document;
  const bool loaded = load(document, body);
  const pugi::xml_node node = document.child((action + "Response").c_str())
                                  .child((action + "Result").c_str())
                                  .child("Credentials");
  if (!loaded || !node) throw_unusable(origin, "the answer has no <Credentials>");
  const auto expires_ns = base::parse_rfc3339(required(node, "Expiration", origin));
  if (!expires_ns) throw_unusable(origin, "<Expiration> is no time");
  return require_usable({required(node, "AccessKeyId", origin),
                         required(node, "SecretAccessKey", origin),
                         required(node, "SessionToken", origin), expires_ns, origin});
}

StsRefusal parse_sts_refusal(const std::string& body) {
  pugi::xml_document document;
  if (!load(document, body)) return {};
  const pugi::xml_node root = document.child("ErrorResponse");
  const pugi::xml_node error = root.child("Error");
  return {error.child_value("Code"), error.child_value("Message"),
          root.child_value("RequestId")};
}

}  // namespace cloudsync::auth
