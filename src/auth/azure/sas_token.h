// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloudsync::auth {

// The token without blanks around it and without a leading "?".
std::string plain_sas_token(std::string_view text);
// The value of one parameter, decoded.
std::optional<std::string> sas_parameter(std::string_view token, std::string_view name);
// When the token ends, from `se` in any of the forms the service takes; nothing where a
// stored access policy says it.
std::optional<std::int64_t> sas_expiry_ns(std::string_view token);
// The token and its signature never reach a log.
void register_sas_secrets(const std::string& token);
// Appends the token as it is: its signature covers the very bytes.
std::string with_sas_token(const std::string& url, const std::string& token);

}  // namespace cloudsync::auth
