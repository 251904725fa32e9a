// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/aws_profile.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "auth/aws/aws_profile_parser.h"
#include "auth/blank.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

std::string in_home(const Environment& environment, const std::string& path) {
  const auto home = environment_value(environment, "HOME");
  if (!home) return {};
  return home->ends_with('/') ? *home + path : *home + "/" + path;
}

std::string file_path(const Environment& environment, const std::string& variable,
                      const std::string& default_path) {
  const auto named = environment_value(environment, variable);
  if (!named) return in_home(environment, default_path);
  return named->starts_with("~/") ? in_home(environment, named->substr(2)) : *named;
}

[[noreturn]] void throw_unreadable(const std::string& path, const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument,
              "the AWS configuration file " + path + " cannot be read: " + reason);
}

std::string read_file(const std::string& path) {
  if (path.empty()) return {};
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (status.type() == std::filesystem::file_type::not_found) return {};
  if (code) throw_unreadable(path, code.message());
  if (std::filesystem::is_directory(status)) throw_unreadable(path, "it is a directory");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // Inserting from an empty file sets the failbit of the target, so only the source is
  // asked.
  if (file) text << file.rdbuf();
  if (!file) throw_unreadable(path, std::strerror(errno));
  return std::move(text).str();
}

AwsConfigFiles merge(AwsConfigFiles config, const AwsConfigFiles& credentials) {
  for (const auto& [name, properties] : credentials.profiles) {
    ProfileProperties& target = config.profiles[name];
    for (const auto& [key, value] : properties) target[key] = value;
  }
  return config;
}

std::string joined_places(const AwsConfigPaths& paths) {
  if (paths.config.empty() && paths.credentials.empty()) {
    return "no shared files (HOME is not set)";
  }
  if (paths.config.empty()) return paths.credentials;
  if (paths.credentials.empty()) return paths.config;
  return paths.credentials + " and " + paths.config;
}

}  // namespace

AwsConfigPaths aws_config_paths(const Environment& environment) {
  return {file_path(environment, "AWS_CONFIG_FILE", ".aws/config"),
          file_path(environment, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")};
}

AwsConfigFiles parse_aws_config(const std::string& config_text,
                                const std::string& credentials_text) {
  return merge(parse_aws_file({AwsFileKind::kConfig, "AWS config file", config_text}),
               parse_aws_file({AwsFileKind::kCredentials, "AWS credentials file",
                               credentials_text}));
}

AwsConfigFiles load_aws_config(const Environment& environment) {
  const AwsConfigPaths paths = aws_config_paths(environment);
  AwsConfigFiles files =
      merge(parse_aws_file({AwsFileKind::kConfig, paths.config, read_file(paths.config)}),
            parse_aws_file({AwsFileKind::kCredentials, paths.credentials,
                            read_file(paths.credentials)}));
  files.places = joined_places(paths);
  return files;
}

std::string selected_profile(const Environment& environment,
                             const std::string& explicit_name) {
  if (!explicit_name.empty()) return explicit_name;
  for (const char* name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    if (const auto value = environment_value(environment, name)) return *value;
  }
  return "default";
}

}  // namespace cloudsync::auth
