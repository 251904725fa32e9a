// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/xml_document.h"

#include "storage/rest/wire_values.h"

namespace cloudsync::storage::rest {

namespace {

// Without recursion, which is what depth is feared for.
bool is_deeper_than(const pugi::xml_node& root, int limit) {
  int depth = 0;
  pugi::xml_node node = root;
  for (;;) {
    if (node.first_child()) {
      node = node.first_child();
      if (++depth > limit) return true;
      continue;
    }
    while (node != root && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    if (node == root) return false;
    node = node.next_sibling();
  }
}

}  // namespace

XmlDocument::XmlDocument(std::string body) : body_(std::move(body)) {
  const auto result = document_.load_buffer_inplace(
      body_.data(), body_.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  root_ = document_.document_element();
  if (!result || !root_) unreadable("no complete XML document");
  if (is_deeper_than(root_, kDeepestNesting)) unreadable("it is nested too deeply");
}

XmlDocument::XmlDocument(std::string body, std::string_view root_name)
    : XmlDocument(std::move(body)) {
  if (root_.name() != root_name) {
    unreadable("no complete <" + std::string(root_name) + "> document");
  }
}

}  // namespace cloudsync::storage::rest
