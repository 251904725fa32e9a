// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/managed_identity_request.h"

#include "auth/azure/entra_source.h"
#include "base/encoding.h"

namespace cloudsync::auth {

CredentialRequest metadata_request(const MetadataQuestion& question) {
  CredentialRequest request;
  request.method = "GET";
  request.bypass_proxy = true;
  request.purpose = question.purpose;
  const bool has_query = question.endpoint.find('?') != std::string::npos;
  request.url = question.endpoint + (has_query ? "&" : "?") +
                "api-version=" + question.api_version +
                "&resource=" + base::percent_encode(kStorageResource);
  if (!question.client_id.empty()) {
    request.url +=
        "&" + question.id_name + "=" + base::percent_encode(question.client_id);
  }
  return request;
}

}  // namespace cloudsync::auth
