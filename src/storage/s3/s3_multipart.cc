// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_multipart.h"

#include "hash/digest.h"
#include "storage/page_guard.h"
#include "storage/s3/s3_headers.h"
#include "storage/s3/s3_responses.h"

#include <iterator>

namespace cloudsync::storage::s3 {
namespace {

void require(const std::string& doubt) {
  if (doubt.empty()) return;
  throw Error(ErrorCode::kUnavailable, "the pages cannot be trusted: " + doubt)
      .with_retryable(false);
}

std::string accept(PageGuard& guard, const PartsPage& page) {
  const std::string first =
      page.parts.empty() ? "" : std::to_string(page.parts.front().number);
  return guard.accept(first,
                      page.next_part == 0 ? "" : std::to_string(page.next_part));
}

std::string accept(PageGuard& guard, const UploadsPage& page) {
  // Keys hold no NUL.
  const auto marker = [](const UploadInfo& info) {
    return info.key.value + '\0' + info.upload.value;
  };
  return guard.accept(page.uploads.empty() ? "" : marker(page.uploads.front()),
                      page.next ? marker(*page.next) : "");
}

bool condition_failed(const S3Answer& answer, const Precondition& condition) {
  if (!condition.any()) return false;
  // If-Match on a key that is gone is answered 404. A conflict leaves the upload
  // unusable.
  return answer.is(412) || (condition.if_match && answer.is("NoSuchKey")) ||
         answer.is("ConditionalRequestConflict");
}

constexpr std::size_t kChecksumBuffer = 256 << 10;

std::uint64_t checksum(ByteSource& source) {
  std::vector<std::byte> buffer(kChecksumBuffer);
  std::uint64_t crc = 0;
  while (const std::size_t n = source.read(buffer)) {
    crc = hash::crc64nvme(Bytes(buffer).first(n), crc);
  }
  source.rewind();
  return crc;
}

// Every part must carry the checksum its upload was begun with: AWS refuses one without.
// Where the upload was begun without, a server may refuse one with it, and the MD5
// protects the part as well.
PartRequest with_checksum_of_upload(PartRequest request, ByteSource& source,
                                    bool begun_with_crc) {
  if (begun_with_crc && !request.crc64nvme) request.crc64nvme = checksum(source);
  if (!begun_with_crc && request.md5) request.crc64nvme.reset();
  return request;
}

}  // namespace

UploadId S3Multipart::begin_upload(const BeginUploadRequest& request,
                                   const CallContext& context) {
  const S3Request built = build_.begin_upload(request);
  S3Answer answer = client_.send(built, context);
  client_.require_ok(built, answer);
  return client_.interpret(built,
                           [&] { return parse_upload_id(std::move(answer.http.body)); });
}

PartReceipt S3Multipart::upload_part(const PartRequest& request, ByteSource& source,
                                     const CallContext& context) {
  const PartRequest checked =
      with_checksum_of_upload(request, source, client_.config().capabilities.crc64nvme);
  const S3Request built = build_.upload_part(checked);
  const S3Answer answer = client_.send(built, context, {&source, nullptr});
  client_.require_ok(built, answer);
  PartReceipt receipt;
  receipt.number = request.number;
  receipt.size = source.size();
  receipt.etag = client_.interpret(built, [&] {
    require_encrypted(answer.http, client_.config().encryption);
    return put_result(answer.http, answer.http.header("etag").value_or(""),
                      client_.now_ns())
        .token.value;
  });
  receipt.crc64nvme = checked.crc64nvme;
  return receipt;
}

PartReceipt S3Multipart::copy_part(const CopyPartRequest& request,
                                   const CallContext& context) {
  const S3Request built = build_.copy_part(request);
  S3Answer answer = client_.send(built, context);
  client_.require_ok(built, answer);
  PartReceipt receipt;
  receipt.number = request.number;
  receipt.size = request.range.length;
  receipt.etag = client_.interpret(
      built, [&] { return parse_written_object(std::move(answer.http.body)).etag; });
  return receipt;
}

PutResult S3Multipart::complete_upload(const CompleteRequest& request,
                                       const CallContext& context) {
  const S3Request built = build_.complete_upload(request);
  S3Answer answer = client_.send(built, context);
  if (condition_failed(answer, request.condition))
    return rest::put_outcome(Outcome::kPreconditionFailed);
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] {
    const WrittenObject written = parse_written_object(std::move(answer.http.body));
    return put_result(answer.http, written.etag, client_.now_ns());
  });
}

void S3Multipart::abort_upload(const ObjectKey& key, const UploadId& upload,
                               const CallContext& context) {
  const S3Request built = build_.abort_upload(key, upload);
  const S3Answer answer = client_.send(built, context);
  // A missing bucket is worth a word, a missing upload is what was wanted.
  if (answer.is(404) && !answer.is("NoSuchBucket")) return;
  client_.require_ok(built, answer);
}

std::optional<std::vector<PartReceipt>> S3Multipart::list_parts(
    const ObjectKey& key, const UploadId& upload, const CallContext& context) {
  std::vector<PartReceipt> parts;
  std::uint32_t after = 0;
  PageGuard guard;
  for (;;) {
    const S3Request built = build_.list_parts(key, upload, after);
    S3Answer answer = client_.send(built, context);
    if (answer.is(404) && !answer.is("NoSuchBucket")) return std::nullopt;
    client_.require_ok(built, answer);
    PartsPage page = client_.interpret(
        built, [&] { return parse_parts(std::move(answer.http.body)); });
    parts.insert(parts.end(), page.parts.begin(), page.parts.end());
    client_.interpret(built, [&] { require(accept(guard, page)); });
    if (page.next_part == 0) return parts;
    after = page.next_part;
  }
}

std::vector<UploadInfo> S3Multipart::list_uploads(const std::string& prefix,
                                                  const CallContext& context) {
  std::vector<UploadInfo> uploads;
  UploadInfo after;
  PageGuard guard;
  for (;;) {
    const S3Request built = build_.list_uploads(prefix, after);
    S3Answer answer = client_.send(built, context);
    client_.require_ok(built, answer);
    UploadsPage page = client_.interpret(
        built, [&] { return parse_uploads(std::move(answer.http.body)); });
    client_.interpret(built, [&] { require(accept(guard, page)); });
    std::move(page.uploads.begin(), page.uploads.end(), std::back_inserter(uploads));
    if (!page.next) return uploads;
    after = *page.next;
  }
}

}  // namespace cloudsync::storage::s3
