// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/arc_token.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "auth/azure/entra_exchange.h"
#include "auth/azure/managed_identity_request.h"
#include "auth/blank.h"
#include "auth/small_file.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr int kSuccess = 200;
constexpr int kChallenged = 401;
constexpr std::size_t kLongestKey = 4096;

[[noreturn]] void fail(const CredentialRequest& request, const std::string& reason) {
  throw Error(ErrorCode::kUnauthenticated, request.purpose + ": " + reason);
}

// "Basic realm=/var/opt/azcmagent/tokens/UUID.key" -> the path.
std::string challenged_path(const http::HttpResponse& reply,
                            const CredentialRequest& request) {
  constexpr std::string_view kPrefix = "Basic realm=";
  const std::string_view challenge =
      trim_blanks(reply.header("www-authenticate").value_or(""));
  if (!challenge.starts_with(kPrefix)) {
    fail(request, "the agent's challenge is not of the form Basic realm=FILE");
  }
  return std::string(challenge.substr(kPrefix.size()));
}

// Whoever answers on the agent's port must not get another file's content.
void require_key_file(const std::string& path, const EntraWorld& world,
                      const CredentialRequest& request) {
  const std::string folder = world.arc_token_directory + "/";
  const bool inside = path.starts_with(folder) &&
                      path.find('/', folder.size()) == std::string::npos &&
                      path.find('\0') == std::string::npos;
  const bool named = path.ends_with(".key") && path.size() > folder.size() + 4;
  std::error_code code;
  const bool link = std::filesystem::is_symlink(path, code);
  if (inside && named && !link) return;
  fail(request, "the agent's challenge names the file " + base::printable(path) +
                    ", which is no key file in " + world.arc_token_directory);
}

std::string read_key(const http::HttpResponse& reply, const EntraWorld& world,
                     const CredentialRequest& request) {
  const std::string path = challenged_path(reply, request);
  require_key_file(path, world, request);
  try {
    return read_secret_line({path, "the Azure Arc agent's key file", kLongestKey});
  } catch (const Error& error) {
    throw Error(error.code(),
                std::string(error.what()) +
                    "; the user must be a member of the group himds to read it");
  }
}

}  // namespace

BearerToken fetch_arc_token(const EntraWorld& world, const std::string& endpoint,
                            const CallContext& context) {
  CredentialRequest request = metadata_request(
      {endpoint, "2019-11-01", {}, {}, "the managed identity of this Azure Arc machine"});
  request.headers = {{"Metadata", "true"}};
  http::HttpResponse reply = exchange(*world.transport, request, context);
  if (reply.status == kChallenged) {
    request.headers.emplace_back("Authorization",
                                 "Basic " + read_key(reply, world, request));
    reply = exchange(*world.transport, request, context);
  }
  if (reply.status == kSuccess) return parse_metadata_token(reply, request, world);
  throw metadata_refusal(reply, request, "see \"azcmagent show\" on this machine");
}

}  // namespace cloudsync::auth
