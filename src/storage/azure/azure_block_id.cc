// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_block_id.h"

#include "base/encoding.h"
#include "cloudsync/error.h"

#include <algorithm>
#include <span>
#include <vector>

namespace cloudsync::storage::azure {
namespace {

constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kNumberBytes = 4;

}  // namespace

bool is_upload_id(const UploadId& upload) {
  const auto bytes = base::from_hex(upload.value);
  return bytes && bytes->size() == kNonceBytes;
}

std::string nonce_of(const UploadId& upload) {
  const auto bytes = base::from_hex(upload.value);
  if (!bytes || bytes->size() != kNonceBytes) {
    throw Error(ErrorCode::kNotFound, "the upload id '" + base::printable(upload.value) +
                                          "' is none of this store; begin again");
  }
  return {bytes->begin(), bytes->end()};
}

std::string block_id(const std::string& nonce, std::uint32_t number) {
  std::vector<std::uint8_t> bytes(nonce.begin(), nonce.end());
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(number >> shift));
  }
  return base::to_base64(bytes);
}

std::optional<std::uint32_t> number_of_block(std::string_view id,
                                             const std::string& nonce) {
  const auto bytes = base::from_base64(id);
  if (!bytes || bytes->size() != kNonceBytes + kNumberBytes) return std::nullopt;
  const bool ours = std::equal(
      nonce.begin(), nonce.end(), bytes->begin(), bytes->end() - kNumberBytes,
      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  if (!ours) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = kNonceBytes; i < bytes->size(); ++i) {
    number = number << 8 | (*bytes)[i];
  }
  return number;
}

}  // namespace cloudsync::storage::azure
