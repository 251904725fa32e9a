// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "storage/object_store.h"

namespace cloudsync::storage::rest {

// Tags as S3 and Azure write them alike.

// "a=1&b=2", percent-encoded: the value of x-amz-tagging and x-ms-tags.
std::string tags_query(const Tags& tags);

// <TagSet><Tag><Key>a</Key><Value>1</Value></Tag>...</TagSet> below any root. Throws
// Error{kUnavailable} for what has no tag set.
Tags parse_tags(std::string body);

}  // namespace cloudsync::storage::rest
