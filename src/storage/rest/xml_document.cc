// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/xml_document.h"

#include "storage/rest/wire_values.h"

namespace cloudsync::storage::rest {

XmlDocument::XmlDocument(std::string body, std::string_view root_name)
    : body_(std::move(body)) {
  const auto result = document_.load_buffer_inplace(
      body_.data(), body_.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  root_ = document_.document_element();
  if (!result || root_.name() != root_name) {
    unreadable("no complete <" + std::string(root_name) + "> document");
  }
}

}  // namespace cloudsync::storage::rest
