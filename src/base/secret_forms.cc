// SPDX-License-Identifier: Apache-2.0
#include "base/secret_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/encoding.h"

namespace cloudsync::base {
namespace {

// A shorter one would be a syllable of other texts.
constexpr std::size_t kShortestBase64 = 8;

std::string lower_digits(std::string encoded) {
  for (std::size_t i = 0; i + 2 < encoded.size(); ++i) {
    if (encoded[i] != '%') continue;
    for (std::size_t k = i + 1; k <= i + 2; ++k) {
      if (encoded[k] >= 'A' && encoded[k] <= 'F')
        encoded[k] = static_cast<char>(encoded[k] - 'A' + 'a');
    }
  }
  return encoded;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

void add_url_forms(std::vector<std::string>& forms, std::string_view secret) {
  for (const bool keep_slash : {false, true}) {
    const std::string encoded = percent_encode(secret, keep_slash);
    for (const std::string& form : {encoded, replaced(encoded, "%20", "+")}) {
      forms.push_back(form);
      forms.push_back(lower_digits(form));
    }
  }
  forms.push_back(percent_decode(secret));
  forms.push_back(percent_decode(secret, true));
}

std::string json_escaped(std::string_view text, bool escape_slash) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '/':
        out += escape_slash ? "\\/" : "/";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out;
}

// The characters that depend on the secret alone when `before` bytes stand before it.
std::string base64_core(std::string_view secret, std::size_t before) {
  std::vector<std::uint8_t> bytes(before, 0);
  bytes.insert(bytes.end(), secret.begin(), secret.end());
  constexpr std::array<std::size_t, 3> kShared = {0, 2, 3};  // with the bytes before
  const std::size_t whole = bytes.size() * 8 / 6;            // with none after
  std::string text = to_base64(bytes).substr(0, whole);
  return text.substr(std::min(text.size(), kShared[before]));
}

void add_base64_forms(std::vector<std::string>& forms, std::string_view secret) {
  for (const std::size_t before : {0U, 1U, 2U}) {
    const std::string core = base64_core(secret, before);
    if (core.size() < kShortestBase64) continue;
    forms.push_back(core);
    forms.push_back(replaced(replaced(core, "+", "-"), "/", "_"));
  }
}

}  // namespace

std::vector<std::string> secret_forms(std::string_view secret) {
  std::vector<std::string> forms{std::string(secret)};
  add_url_forms(forms, secret);
  forms.push_back(json_escaped(secret, false));
  forms.push_back(json_escaped(secret, true));
  add_base64_forms(forms, secret);
  std::sort(forms.begin() + 1, forms.end());
  forms.erase(std::unique(forms.begin() + 1, forms.end()), forms.end());
  return forms;
}

}  // namespace cloudsync::base
