// SPDX-License-Identifier: Apache-2.0
#include "storage/server_facts.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace cloudsync::storage {
namespace {

using nlohmann::json;

// An older text is read where its meaning is the same; one of a later program is not.
constexpr int kVersion = 3;
constexpr int kOldestVersion = 2;

using Flag = std::pair<const char*, bool Capabilities::*>;
constexpr std::array kFlags{
    Flag{feature::kPut, &Capabilities::conditional_put},
    Flag{feature::kComplete, &Capabilities::conditional_complete},
    Flag{feature::kDelete, &Capabilities::conditional_delete},
    Flag{feature::kConditionalBatchDelete, &Capabilities::conditional_batch_delete},
    Flag{feature::kCopySource, &Capabilities::conditional_copy_source},
    Flag{feature::kCopyDestination, &Capabilities::conditional_copy_destination},
    Flag{feature::kNestedKeys, &Capabilities::nested_keys},
    Flag{feature::kStartAfter, &Capabilities::start_after},
    Flag{feature::kCrc64nvme, &Capabilities::crc64nvme},
    Flag{feature::kCrc32c, &Capabilities::crc32c},
};

constexpr std::array kAll{
    feature::kPut,         feature::kComplete,   feature::kDelete,
    feature::kBatchDelete, feature::kCopySource, feature::kConditionalBatchDelete,
    feature::kMultipart,   feature::kNestedKeys, feature::kCopyDestination,
    feature::kListOrder,   feature::kStartAfter, feature::kCrc64nvme,
    feature::kCrc32c,
};

using Word = std::pair<const char*, Support>;
constexpr std::array kWords{
    Word{"honoured", Support::kHonoured},
    Word{"ignored", Support::kIgnored},
    Word{"refused", Support::kRefused},
};

using Order = std::pair<const char*, KeyOrder>;
constexpr std::array kOrders{
    Order{"utf8", KeyOrder::kUtf8},
    Order{"utf16", KeyOrder::kUtf16},
    Order{"component", KeyOrder::kComponent},
    Order{"none", KeyOrder::kNone},
};

void read_order(const json& document, ServerFacts& facts) {
  const auto found = document.find(feature::kListOrder);
  if (found == document.end()) return;
  for (const auto& [name, order] : kOrders) {
    if (found->get<std::string>() != name) continue;
    facts.list_order = order;
    facts.support[feature::kListOrder] = Support::kHonoured;
  }
}

// Yes and no, and no word of why.
ServerFacts read_flags(const json& document) {
  ServerFacts facts;
  for (const char* name : kAll) {
    const auto found = document.find(name);
    if (found == document.end() || !found->is_boolean()) continue;
    facts.support[name] = found->get<bool>() ? Support::kHonoured : Support::kUnknown;
  }
  read_order(document, facts);
  return facts;
}

ServerFacts read_facts(const json& document) {
  ServerFacts facts;
  facts.learnt_ns = document.at("learnt_ns").get<std::int64_t>();
  facts.renounced = document.at("renounced").get<std::vector<std::string>>();
  for (const char* name : kAll) {
    const auto found = document.find(name);
    if (found == document.end()) continue;
    for (const auto& [word, support] : kWords) {
      if (found->get<std::string>() == word) facts.support[name] = support;
    }
  }
  read_order(document, facts);
  return facts;
}

}  // namespace

Support ServerFacts::of(std::string_view name) const {
  const auto found = support.find(name);
  return found == support.end() ? Support::kUnknown : found->second;
}

bool ServerFacts::complete() const {
  return std::all_of(kAll.begin(), kAll.end(),
                     [this](const char* name) { return of(name) != Support::kUnknown; });
}

Capabilities ServerFacts::over(const Capabilities& declared) const {
  Capabilities found = declared;
  for (const auto& [name, member] : kFlags) {
    found.*member = of(name) == Support::kHonoured;
  }
  const Support parts = of(feature::kMultipart);
  found.multipart = parts == Support::kHonoured || parts == Support::kUnknown;
  if (of(feature::kBatchDelete) != Support::kHonoured) found.batch_delete_limit = 1;
  found.list_order = list_order;
  found.declared = true;
  return found;
}

ServerFacts declared_facts(const Capabilities& declared) {
  const auto known = [](bool flag) {
    return flag ? Support::kHonoured : Support::kRefused;
  };
  ServerFacts facts;
  for (const auto& [name, member] : kFlags) facts.support[name] = known(declared.*member);
  facts.support[feature::kMultipart] = known(declared.multipart);
  facts.support[feature::kBatchDelete] = known(declared.batch_delete_limit > 1);
  facts.support[feature::kListOrder] = Support::kHonoured;
  facts.list_order = declared.list_order;
  return facts;
}

std::string facts_to_json(const ServerFacts& facts) {
  json document{{"version", kVersion},
                {"learnt_ns", facts.learnt_ns},
                {"renounced", facts.renounced}};
  for (const char* name : kAll) {
    for (const auto& [word, support] : kWords) {
      if (support == facts.of(name)) document[name] = word;
    }
  }
  for (const auto& [name, order] : kOrders) {
    if (facts.of(feature::kListOrder) != Support::kHonoured) break;
    if (order == facts.list_order) document[feature::kListOrder] = name;
  }
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<ServerFacts> facts_from_json(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  try {
    if (!document.is_object()) return {};
    const int version = document.at("version").get<int>();
    if (version == kOldestVersion) return read_flags(document);
    if (version == kVersion) return read_facts(document);
  } catch (const json::exception&) {
    // Not ours.
  }
  return {};
}

}  // namespace cloudsync::storage
