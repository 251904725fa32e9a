// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cloudsync/cloud_storage.h"
#include "http/transport.h"

namespace cloudsync::storage::s3 {

// How the service encrypts what is uploaded: at most one of `algorithm` (the service has
// the keys) and `customer_key` (it gets ours with each request and forgets it).
struct Encryption {
  std::string algorithm;     // "AES256", "aws:kms", "aws:kms:dsse"; "" = the bucket's own
  std::string kms_key_id;    // "" = the account's own key
  std::string customer_key;  // base64
  std::string customer_key_md5;  // base64
};

// Checks the options and registers the customer's key as a secret. Throws
// Error{kInvalidArgument} naming the setting.
Encryption encryption_of(const StorageOptions& options);

// A customer's key must not be sent in the clear. Throws Error{kInvalidArgument} naming
// the endpoint's setting.
void refuse_open_key(const Encryption& encryption, const std::string& endpoint_setting);

// Of requests that make an object or begin an upload.
void add_encryption(http::Headers& headers, const Encryption& encryption);
// Of requests that read an object or go on with an upload: only a customer's key.
void add_customer_key(http::Headers& headers, const Encryption& encryption);
// Of copies, for their source.
void add_source_key(http::Headers& headers, const Encryption& encryption);

// Answers to bodies (PutObject, UploadPart) repeat the encryption that was applied; a
// server that does not know it ignores the wish. Other answers need not: MinIO's to
// CreateMultipartUpload and CopyObject are silent. Throws Error{kUnsupported}.
void require_encrypted(const http::HttpResponse& response, const Encryption& encryption);

}  // namespace cloudsync::storage::s3
