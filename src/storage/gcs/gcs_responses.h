// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/transport.h"
#include "storage/gcs/gcs_errors.h"
#include "storage/object_store.h"
#include "storage/rest/wire_values.h"

namespace cloudsync::storage::gcs {

// What JSON answers say. All but parse_failure throw Error{kUnavailable} for one that
// cannot be what was asked for.

ObjectInfo parse_object(std::string_view body);
// Only what says that it is a listing ("kind") is one.
ListPage parse_list(std::string_view body);
BucketInfo parse_bucket(std::string_view body);

// An object that is to be copied: what is known of it, and the resource of a copy that
// differs in nothing but its name.
struct CopySource {
  ObjectInfo info;
  std::string resource;
};
CopySource parse_copy_source(std::string_view body);

// One step of a copy: the new object, or the token to go on with.
struct RewriteStep {
  std::optional<ObjectInfo> done;
  std::string token;
  std::uint64_t rewritten = 0;  // bytes so far
};
RewriteStep parse_rewrite(std::string_view body);

// Status, headers and, where there are some, the service's words.
ServiceFailure parse_failure(const http::HttpResponse& response);

PutResult put_result(const ObjectInfo& stored);
using rest::put_outcome;

}  // namespace cloudsync::storage::gcs
