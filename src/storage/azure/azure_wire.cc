// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_wire.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "storage/azure/azure_names.h"

#include <array>

namespace cloudsync::storage::azure {

AzureRequest make_request(Operation operation, std::string_view method) {
  AzureRequest request;
  request.operation = operation;
  request.method = method;
  return request;
}

AzureRequest make_blob_request(Operation operation, std::string_view method,
                               const ObjectKey& key) {
  check_blob_name(operation.name, key.value);
  AzureRequest request = make_request(operation, method);
  request.key = key.value;
  return request;
}

void add_condition(AzureRequest& out, const Precondition& condition) {
  if (condition.if_absent && condition.if_match) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(out.operation.name) + ": two preconditions at once");
  }
  if (condition.if_absent) out.headers.emplace_back("if-none-match", "*");
  if (condition.if_match) {
    out.headers.emplace_back("if-match", quoted(condition.if_match->value));
  }
}

std::string crc64_base64(std::uint64_t crc) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(crc);
    crc >>= 8;
  }
  return base::to_base64(bytes);
}

std::string guid_of(const std::string& hex32) {
  std::string guid = hex32;
  for (const std::size_t at : {20U, 16U, 12U, 8U}) guid.insert(at, "-");
  return guid;
}

}  // namespace cloudsync::storage::azure
