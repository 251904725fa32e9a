// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pugixml.hpp>

#include <string>
#include <string_view>

namespace cloudsync::storage::rest {

inline constexpr int kDeepestNesting = 64;

// An XML answer. Owns the text that its nodes point into, hence taken by value and never
// copied.
class XmlDocument {
 public:
  // Throws Error{kUnavailable} for what is not a whole document with that root: one that
  // was cut never looks like a short one.
  XmlDocument(std::string body, std::string_view root_name);
  // Any root: for answers that are told by what they contain.
  explicit XmlDocument(std::string body);
  XmlDocument(const XmlDocument&) = delete;
  XmlDocument& operator=(const XmlDocument&) = delete;
  pugi::xml_node root() const { return root_; }

 private:
  std::string body_;
  pugi::xml_document document_;
  pugi::xml_node root_;
};

// "" where it is absent; the text is the document's.
inline std::string_view text(const pugi::xml_node& node, const char* name) {
  return node.child_value(name);
}

}  // namespace cloudsync::storage::rest
