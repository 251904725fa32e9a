// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/object_tags.h"

#include <utility>

#include "base/encoding.h"
#include "storage/rest/wire_values.h"
#include "storage/rest/xml_document.h"

namespace cloudsync::storage::rest {

std::string tags_query(const Tags& tags) {
  std::string out;
  for (const auto& [name, value] : tags) {
    if (!out.empty()) out += '&';
    out += base::percent_encode(name) + '=' + base::percent_encode(value);
  }
  return out;
}

Tags parse_tags(std::string body) {
  const XmlDocument document(std::move(body));
  const pugi::xml_node set = document.root().child("TagSet");
  if (!set) unreadable("no <TagSet>");
  Tags tags;
  for (const pugi::xml_node& tag : set.children("Tag")) {
    tags.emplace(text(tag, "Key"), text(tag, "Value"));
  }
  return tags;
}

}  // namespace cloudsync::storage::rest
