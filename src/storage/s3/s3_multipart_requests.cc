// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_requests.h"

#include "cloudsync/error.h"
#include "storage/s3/s3_wire.h"

namespace cloudsync::storage::s3 {
namespace {

std::string complete_xml(const CompleteRequest& request, bool with_checksums) {
  std::string xml =
      "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const PartReceipt& part : request.parts) {
    xml += "<Part>";
    append_element(xml, "PartNumber", std::to_string(part.number));
    append_element(xml, "ETag", quoted(part.etag));
    if (with_checksums && part.crc64nvme) {
      append_element(xml, "ChecksumCRC64NVME", base64_big_endian(*part.crc64nvme));
    }
    xml += "</Part>";
  }
  xml += "</CompleteMultipartUpload>";
  return xml;
}

}  // namespace

S3Request RequestBuilder::upload_part(const PartRequest& request) const {
  S3Request out = make_object_request({"UploadPart", "s3:PutObject"}, "PUT", request.key);
  out.query = {{"partNumber", std::to_string(request.number)},
               {"uploadId", request.upload.value}};
  add_checksums(out, request);
  add_customer_key(out.headers, defaults_.encryption);
  out.sha256 = request.sha256;
  return out;
}

S3Request RequestBuilder::copy_part(const CopyPartRequest& request) const {
  S3Request out = make_object_request({"UploadPartCopy", "s3:GetObject and s3:PutObject"},
                                      "PUT", request.key);
  out.stall_seconds = kLongStallSeconds;
  out.query = {{"partNumber", std::to_string(request.number)},
               {"uploadId", request.upload.value}};
  out.headers.emplace_back("x-amz-copy-source", copy_source(request.source));
  out.headers.emplace_back("x-amz-copy-source-range", byte_range(request.range));
  if (request.source_if_match) {
    out.headers.emplace_back("x-amz-copy-source-if-match",
                             quoted(request.source_if_match->value));
  }
  add_customer_key(out.headers, defaults_.encryption);
  add_source_key(out.headers, defaults_.encryption);
  return out;
}

S3Request RequestBuilder::complete_upload(const CompleteRequest& request) const {
  S3Request out = make_object_request({"CompleteMultipartUpload", "s3:PutObject"}, "POST",
                                      request.key);
  out.stall_seconds = kLongStallSeconds;
  out.query = {{"uploadId", request.upload.value}};
  // MinIO calls an object damaged whose upload was not begun with the checksum it ends
  // with.
  const bool with_checksums = request.crc64nvme && defaults_.capabilities.crc64nvme;
  out.xml = complete_xml(request, with_checksums);
  out.headers.emplace_back("content-type", "application/xml");
  add_condition(out, request.condition);
  // AWS wants the key here and for ListParts where the upload carries checksums.
  add_customer_key(out.headers, defaults_.encryption);
  if (with_checksums) {
    out.headers.emplace_back("x-amz-checksum-crc64nvme",
                             base64_big_endian(*request.crc64nvme));
    out.headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  }
  if (defaults_.capabilities.declared && request.size != 0) {
    out.headers.emplace_back("x-amz-mp-object-size", std::to_string(request.size));
  }
  return out;
}

S3Request RequestBuilder::abort_upload(const ObjectKey& key,
                                       const UploadId& upload) const {
  if (upload.value.empty()) {
    // Without an id the same request would delete the object.
    throw Error(ErrorCode::kInvalidArgument, "AbortMultipartUpload: no upload id");
  }
  S3Request out = make_object_request({"AbortMultipartUpload", "s3:AbortMultipartUpload"},
                                      "DELETE", key);
  out.query = {{"uploadId", upload.value}};
  return out;
}

S3Request RequestBuilder::list_parts(const ObjectKey& key, const UploadId& upload,
                                     std::uint32_t after_part) const {
  S3Request out =
      make_object_request({"ListParts", "s3:ListMultipartUploadParts"}, "GET", key);
  out.query = {{"uploadId", upload.value}, {"max-parts", "1000"}};
  if (after_part != 0) {
    out.query.emplace_back("part-number-marker", std::to_string(after_part));
  }
  add_customer_key(out.headers, defaults_.encryption);
  return out;
}

S3Request RequestBuilder::list_uploads(const std::string& prefix,
                                       const UploadInfo& after) const {
  S3Request out =
      make_request({"ListMultipartUploads", "s3:ListBucketMultipartUploads"}, "GET");
  out.query = {{"uploads", ""}, {"encoding-type", "url"}, {"max-uploads", "1000"}};
  if (!prefix.empty()) out.query.emplace_back("prefix", prefix);
  if (!after.key.value.empty()) out.query.emplace_back("key-marker", after.key.value);
  if (!after.upload.value.empty()) {
    out.query.emplace_back("upload-id-marker", after.upload.value);
  }
  return out;
}

}  // namespace cloudsync::storage::s3
