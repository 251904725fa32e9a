// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "storage/object_store.h"

namespace cloudsync::storage {

// What the owner of an object gave it beside its bytes, and what a new version of the
// bytes is to carry again.
struct OwnerProperties {
  std::string content_type;  // "" = nobody chose one
  ServedHeaders served;
  Metadata metadata;
  Tags tags;

  bool empty() const;
};

// Of an object as HEAD or a whole listing entry describes it, tags not included: without
// the names that describe the old bytes, and without the content type that servers and
// uploads of `key` choose by themselves. With `ascii_only` what no header line can carry
// stays behind, its names in `*left_behind`.
OwnerProperties owner_properties(const ObjectInfo& object, bool ascii_only,
                                 std::string* left_behind = nullptr);

// Whether a metadata name is about the content that an object had, so that it would be
// untrue of another: times, hashes, sizes, what this program and others note for
// themselves. In any case of letters.
bool describes_content(std::string_view name);

// The name that tells that the content was encrypted by a client, whose readers would try
// to decrypt plain bytes; "" where there is none.
std::string envelope_name(const Metadata& metadata);

}  // namespace cloudsync::storage
