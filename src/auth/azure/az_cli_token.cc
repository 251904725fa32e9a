// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/az_cli_token.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>

#include "auth/azure/expiry_text.h"
#include "auth/blank.h"
#include "auth/service_words.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kTimeout{30};
constexpr char kCommand[] = "az account get-access-token";

base::Subprocess command_for(const EntraIdentity& identity) {
  base::Subprocess command;
  command.argv = {"az",   "account", "get-access-token", "--output",
                  "json", "--scope", kStorageScope};
  if (!identity.tenant_id.empty()) {
    command.argv.insert(command.argv.end(), {"--tenant", identity.tenant_id});
  }
  command.timeout = kTimeout;
  return command;
}

std::string words_of(const base::SubprocessResult& result) {
  const std::string_view text = trim_blanks(result.err);
  if (text.empty()) return "exit code " + std::to_string(result.exit_code);
  return service_words(text);
}

// Newer versions give expires_on; expiresOn has no time zone, and is wrong for an hour
// when daylight saving ends.
std::optional<std::int64_t> expiry_of(const json& document) {
  const auto exact = document.find("expires_on");
  if (exact != document.end() && exact->is_number_integer()) {
    return parse_expires_on(exact->dump());
  }
  if (exact != document.end() && exact->is_string()) {
    return parse_expires_on(exact->get_ref<const std::string&>());
  }
  const auto local = document.find("expiresOn");
  if (local == document.end() || !local->is_string()) return std::nullopt;
  return parse_local_time(local->get_ref<const std::string&>());
}

bool is_token(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c < '\x7f'; });
}

TokenAttempt parse(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  const std::string unusable = std::string(kCommand) + " printed no token";
  if (!document.is_object()) return absent(unusable);
  const auto found = document.find("accessToken");
  if (found == document.end() || !found->is_string()) return absent(unusable);
  BearerToken token;
  token.value = found->get<std::string>();
  if (!is_token(token.value)) return absent(unusable);
  base::redact_secret(token.value);
  token.expires_ns = expiry_of(document);
  token.origin = "the login of the Azure CLI";
  return {token, {}};
}

bool is_over(const CallContext& context) {
  return context.deadline && std::chrono::steady_clock::now() >= *context.deadline;
}

TokenAttempt fetch(const EntraWorld& world, const EntraIdentity& identity,
                   const CallContext& context) {
  base::SubprocessResult result;
  try {
    result = world.run_program(command_for(identity), context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound) return absent("az is not in PATH");
    if (error.code() == ErrorCode::kCancelled || is_over(context)) throw;
    return absent(std::string(kCommand) + ": " + error.what());
  }
  if (result.exit_code == 0) return parse(result.out);
  return absent(std::string(kCommand) + " failed: " + words_of(result));
}

}  // namespace

EntraSource make_az_cli_source(const EntraWorld& world, const EntraIdentity& identity) {
  return {"Azure CLI", [world, identity](const CallContext& context) {
            return fetch(world, identity, context);
          }};
}

}  // namespace cloudsync::auth
