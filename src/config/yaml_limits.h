// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cloudsync::config {

// Reads the text as a stream of events, before anything is built from it, and throws
// YAML::ParserException at the place where it is no single document, is nested more than
// 32 deep, or stands for more than 10,000 nodes once its aliases are expanded.
void require_small_yaml(const std::string& text);

}  // namespace cloudsync::config
