// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/root_registry.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <system_error>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "hash/digest.h"

namespace cloudsync::sync {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uintmax_t kMostBytes = 1 << 20;

std::string file_name(const std::string& root) {
  const auto digest =
      hash::Sha256::of(std::as_bytes(std::span(root.data(), root.size())));
  return base::to_hex(digest).substr(0, 32) + ".json";
}

}  // namespace

RootRegistry::RootRegistry(const Environment& environment, const std::string& root)
    : root_(root) {
  const std::string home = state_folder(environment);
  if (home.empty()) return;
  folder_ = home + "/roots";
  file_ = folder_ + "/" + file_name(root);
}

std::vector<DatabaseClaim> RootRegistry::claims() const {
  if (file_.empty()) return {};
  std::error_code error;
  const auto size = fs::file_size(file_, error);
  if (error || size > kMostBytes) return {};
  std::ifstream in(file_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("databases")) return {};
  return claims_from_json(json["databases"]);
}

bool RootRegistry::knows(const DatabaseClaim& own) const {
  return find_claim(claims(), own) != nullptr;
}

void RootRegistry::put(const DatabaseClaim& claim) const {
  if (file_.empty()) return;
  auto all = claims();
  if (const auto* known = find_claim(all, claim); known && known->same_place(claim))
    return;
  put_claim(all, claim);
  const Json json = {{"root", base::printable(root_)},
                     {"databases", claims_to_json(all)}};
  std::error_code error;
  fs::create_directories(folder_, error);
  const std::string fresh = file_ + "." + std::to_string(::getpid());
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << json.dump(2) << "\n";
  out.close();
  if (out) fs::rename(fresh, file_, error);
  if (out && !error) return;
  fs::remove(fresh, error);
  base::log().info(
      "'{}' cannot be written: another state database for '{}' would not be "
      "noticed",
      file_, base::printable(root_));
}

}  // namespace cloudsync::sync
