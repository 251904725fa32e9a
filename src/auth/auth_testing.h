// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "auth/environment.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {

inline Environment environment_of(std::map<std::string, std::string> values) {
  return [values =
              std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

// What `fn` throws, as a value.
template <class Fn>
Error error_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "nothing was thrown");
}

// A home directory of its own, removed at the end.
class ScratchHome {
 public:
  ScratchHome() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base == nullptr ? "/tmp" : base) + "/cloudsync-auth-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    std::filesystem::create_directory(path_ + "/.aws");
  }
  ~ScratchHome() { std::filesystem::remove_all(path_); }
  ScratchHome(const ScratchHome&) = delete;
  ScratchHome& operator=(const ScratchHome&) = delete;

  const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/.aws/" + name, std::ios::binary) << text;
  }
  Environment environment(std::map<std::string, std::string> values = {}) const {
    values["HOME"] = path_;
    return environment_of(std::move(values));
  }

 private:
  std::string path_;
};

}  // namespace cloudsync::auth
