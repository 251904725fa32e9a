// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sso_token_cache.h"

#include <openssl/evp.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>

#include "base/encoding.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestFile = 1 << 20;
constexpr std::size_t kLongestToken = 64 << 10;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongestLife = 400LL * 24 * 3600;  // seconds

[[noreturn]] void throw_broken(const std::string& path, const std::string& reason) {
  throw Error(ErrorCode::kUnauthenticated, "the SSO token file " + base::printable(path) +
                                               " cannot be used: " + reason);
}

std::string text_of(const json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

// Older versions of the AWS CLI wrote "2020-06-17T10:02:08UTC".
std::optional<std::int64_t> time_of(const json& document, const char* name) {
  std::string text = text_of(document, name);
  if (text.ends_with("UTC")) text.replace(text.size() - 3, 3, "Z");
  return base::parse_rfc3339(text);
}

// It becomes a header.
bool is_token(const std::string& text) {
  return !text.empty() && text.size() <= kLongestToken &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f; });
}

json read_document(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_broken(path, std::strerror(errno));
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) throw_broken(path, std::strerror(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) throw_broken(path, "it is too large");
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) throw_broken(path, "it holds no JSON object");
  return document;
}

std::string sha1_hex(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) !=
      1) {
    throw Error(ErrorCode::kInternal, "SHA-1 is not available in this OpenSSL");
  }
  return base::to_hex(std::span(digest.data(), size));
}

}  // namespace

std::string sso_cache_path(const std::string& home, const std::string& key) {
  if (home.empty()) return {};
  return home + (home.ends_with('/') ? "" : "/") + ".aws/sso/cache/" + sha1_hex(key) +
         ".json";
}

std::optional<SsoToken> read_sso_token(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored) && !ignored) return std::nullopt;
  const json document = read_document(path);
  SsoToken token{
      text_of(document, "accessToken"),  0,
      text_of(document, "refreshToken"), text_of(document, "clientId"),
      text_of(document, "clientSecret"), time_of(document, "registrationExpiresAt")};
  for (const std::string* secret :
       {&token.access_token, &token.refresh_token, &token.client_secret}) {
    base::redact_secret(*secret);
  }
  if (!is_token(token.access_token)) throw_broken(path, "it has no accessToken");
  const auto expires_ns = time_of(document, "expiresAt");
  if (!expires_ns) throw_broken(path, "expiresAt is no time");
  token.expires_ns = *expires_ns;
  return token;
}

void write_sso_token(const std::string& path, const SsoToken& token) {
  json document = read_document(path);
  document["accessToken"] = token.access_token;
  document["expiresAt"] = base::format_rfc3339(token.expires_ns / kSecond * kSecond);
  if (!token.refresh_token.empty()) document["refreshToken"] = token.refresh_token;
  const std::string text =
      document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  const std::filesystem::path target(path);
  const auto folder = base::open_posix_file_system(target.parent_path().string());
  const std::string name = target.filename().string();
  const std::string temporary =
      name + ".cloudsync-" + base::random_hex_id(base::system_random());
  try {
    const auto file = folder->create(temporary, 0600);
    file->write_at(0, std::as_bytes(std::span(text)));
    file->sync();
    folder->rename_over(temporary, name);
  } catch (const Error&) {
    folder->remove_file(temporary);
    throw;
  }
}

SsoToken renewed_sso_token(const SsoToken& old, const std::string& body,
                           const std::string& origin, std::int64_t now_ns) {
  const json document = json::parse(body.substr(0, kLargestFile), nullptr, false);
  SsoToken token = old;
  if (document.is_object()) token.access_token = text_of(document, "accessToken");
  if (!document.is_object() || !is_token(token.access_token)) {
    throw Error(ErrorCode::kUnauthenticated, origin + " brought no accessToken");
  }
  base::redact_secret(token.access_token);
  const auto life = document.find("expiresIn");
  if (life == document.end() || !life->is_number_integer() || *life <= 0 ||
      *life > kLongestLife) {
    throw Error(ErrorCode::kUnauthenticated, origin + " brought no usable expiresIn");
  }
  token.expires_ns = now_ns + life->get<std::int64_t>() * kSecond;
  const std::string next = text_of(document, "refreshToken");
  if (!next.empty()) token.refresh_token = next;
  base::redact_secret(token.refresh_token);
  return token;
}

std::string sso_renewal_body(const SsoToken& token) {
  return json{{"clientId", token.client_id},
              {"clientSecret", token.client_secret},
              {"grantType", "refresh_token"},
              {"refreshToken", token.refresh_token}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace cloudsync::auth
