// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "auth/aws/aws_profile.h"

namespace cloudsync::auth {

// The two files name their profiles differently: "[profile x]" against "[x]".
enum class AwsFileKind { kConfig, kCredentials };

struct AwsFileText {
  AwsFileKind kind = AwsFileKind::kConfig;
  std::string name;  // for messages: the path
  std::string text;
};

// One of the two shared files. Sections with names the SDKs do not allow are left out, as
// the SDKs do; a malformed line throws Error{kInvalidArgument} with name and line, never
// the line itself, which may hold a secret.
AwsConfigFiles parse_aws_file(const AwsFileText& file);

}  // namespace cloudsync::auth
