// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "storage/decorators.h"

namespace cloudsync::storage {
namespace {

using nlohmann::json;

// Raised when a flag is added or a probe learns more: an older text is then probed again.
constexpr int kVersion = 2;

using Flag = std::pair<const char*, bool Capabilities::*>;
constexpr std::array kFlags{
    Flag{"conditional_put", &Capabilities::conditional_put},
    Flag{"conditional_complete", &Capabilities::conditional_complete},
    Flag{"conditional_delete", &Capabilities::conditional_delete},
    Flag{"conditional_batch_delete", &Capabilities::conditional_batch_delete},
    Flag{"conditional_copy_source", &Capabilities::conditional_copy_source},
    Flag{"conditional_copy_destination", &Capabilities::conditional_copy_destination},
    Flag{"nested_keys", &Capabilities::nested_keys},
    Flag{"start_after", &Capabilities::start_after},
    Flag{"crc64nvme", &Capabilities::crc64nvme},
    Flag{"crc32c", &Capabilities::crc32c},
    Flag{"multipart", &Capabilities::multipart},
};

// A server without it has a limit of one key, whatever the protocol's is.
constexpr char kBatchDelete[] = "batch_delete";

using Order = std::pair<const char*, KeyOrder>;
constexpr std::array kOrders{
    Order{"utf8", KeyOrder::kUtf8},
    Order{"utf16", KeyOrder::kUtf16},
    Order{"component", KeyOrder::kComponent},
    Order{"none", KeyOrder::kNone},
};

}  // namespace

std::string capabilities_to_json(const Capabilities& capabilities) {
  json document{{"version", kVersion}};
  for (const auto& [name, member] : kFlags) document[name] = capabilities.*member;
  document[kBatchDelete] = capabilities.batch_delete_limit > 1;
  for (const auto& [name, order] : kOrders) {
    if (order == capabilities.list_order) document["list_order"] = name;
  }
  return document.dump();
}

std::optional<Capabilities> capabilities_from_json(const std::string& text,
                                                   const Capabilities& declared) {
  const json document = json::parse(text, nullptr, false);
  try {
    if (!document.is_object() || document.at("version").get<int>() != kVersion) return {};
    Capabilities capabilities = declared;
    for (const auto& [name, member] : kFlags)
      capabilities.*member = document.at(name).get<bool>();
    if (!document.at(kBatchDelete).get<bool>()) capabilities.batch_delete_limit = 1;
    const auto order_name = document.at("list_order").get<std::string>();
    for (const auto& [name, order] : kOrders) {
      if (order_name == name) capabilities.list_order = order;
    }
    capabilities.declared = true;
    return capabilities;
  } catch (const json::exception&) {
    return {};
  }
}

}  // namespace cloudsync::storage
