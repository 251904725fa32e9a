// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_errors.h"

#include "base/encoding.h"

#include <array>

namespace cloudsync::storage::s3 {
namespace {

struct CodeRule {
  std::string_view provider_code;
  ErrorCode code;
  std::string_view advice;
};

constexpr std::string_view kCheckClock = "set this machine's clock";
constexpr std::string_view kFreshCredentials =
    "the credentials are no longer valid: fetch new ones (log in again) and run again";
constexpr std::string_view kCheckRegion = "set storage.region to the bucket's region";
constexpr std::string_view kCheckKmsKey =
    "check storage.sse_kms_key_id, and that the key is enabled in the bucket's region";
constexpr std::string_view kFolders =
    "this server keeps objects in folders and cannot hold a key beside keys below it";
constexpr std::string_view kSlower = "fewer requests at once (max_workers) may help";
constexpr std::string_view kDamaged =
    "the bytes did not arrive as they were sent; the transfer may be repeated";

// Sorted by who has to act: the bucket's owner, credentials, rights, load, data, request.
constexpr std::array kRules = {
    CodeRule{"NoSuchBucket", ErrorCode::kNotFound,
             "create the bucket or check storage.bucket and the endpoint"},
    CodeRule{"NoSuchKey", ErrorCode::kNotFound, ""},
    CodeRule{"NoSuchVersion", ErrorCode::kNotFound, ""},
    CodeRule{"NoSuchUpload", ErrorCode::kNotFound,
             "the upload was completed, aborted or has expired"},
    CodeRule{"InvalidAccessKeyId", ErrorCode::kUnauthenticated,
             "check the access key id, and that it belongs to this endpoint"},
    CodeRule{"SignatureDoesNotMatch", ErrorCode::kUnauthenticated,
             "check the secret access key and storage.region"},
    CodeRule{"InvalidSignatureException", ErrorCode::kUnauthenticated,
             "check the secret access key and storage.region"},
    CodeRule{"AuthFailure", ErrorCode::kUnauthenticated, "check the credentials"},
    CodeRule{"MissingAuthenticationToken", ErrorCode::kUnauthenticated,
             "the service wants credentials"},
    CodeRule{"CredentialsNotSupported", ErrorCode::kUnauthenticated,
             "check the credentials"},
    CodeRule{"ExpiredToken", ErrorCode::kUnauthenticated, kFreshCredentials},
    CodeRule{"ExpiredTokenException", ErrorCode::kUnauthenticated, kFreshCredentials},
    CodeRule{"TokenRefreshRequired", ErrorCode::kUnauthenticated, kFreshCredentials},
    CodeRule{"InvalidToken", ErrorCode::kUnauthenticated, kFreshCredentials},
    CodeRule{"InvalidTokenId", ErrorCode::kUnauthenticated, kFreshCredentials},
    CodeRule{"RequestTimeTooSkewed", ErrorCode::kUnauthenticated, kCheckClock},
    CodeRule{"RequestExpired", ErrorCode::kUnauthenticated, kCheckClock},
    CodeRule{"RequestInTheFuture", ErrorCode::kUnauthenticated, kCheckClock},
    // No fixed advice: the operation names the right that is missing.
    CodeRule{"AccessDenied", ErrorCode::kPermissionDenied, ""},
    CodeRule{"AccountProblem", ErrorCode::kPermissionDenied, "ask the account's owner"},
    CodeRule{"AllAccessDisabled", ErrorCode::kPermissionDenied, "ask the bucket's owner"},
    CodeRule{"NotSignedUp", ErrorCode::kPermissionDenied, "ask the account's owner"},
    CodeRule{"PermanentRedirect", ErrorCode::kInvalidArgument, kCheckRegion},
    CodeRule{"AuthorizationHeaderMalformed", ErrorCode::kInvalidArgument, kCheckRegion},
    CodeRule{"IllegalLocationConstraintException", ErrorCode::kInvalidArgument,
             kCheckRegion},
    CodeRule{
        "TemporaryRedirect", ErrorCode::kUnavailable,
        "a new bucket's name is not known everywhere yet; try again in a few minutes"},
    CodeRule{"SlowDown", ErrorCode::kThrottled, kSlower},
    CodeRule{"SlowDownRead", ErrorCode::kThrottled, kSlower},
    CodeRule{"SlowDownWrite", ErrorCode::kThrottled, kSlower},
    CodeRule{"Throttling", ErrorCode::kThrottled, kSlower},
    CodeRule{"ThrottlingException", ErrorCode::kThrottled, kSlower},
    CodeRule{"ThrottledException", ErrorCode::kThrottled, kSlower},
    CodeRule{"RequestThrottled", ErrorCode::kThrottled, kSlower},
    CodeRule{"RequestThrottledException", ErrorCode::kThrottled, kSlower},
    CodeRule{"TooManyRequestsException", ErrorCode::kThrottled, kSlower},
    CodeRule{"TooManyRequests", ErrorCode::kThrottled, kSlower},
    CodeRule{"RequestLimitExceeded", ErrorCode::kThrottled, kSlower},
    CodeRule{"BandwidthLimitExceeded", ErrorCode::kThrottled, kSlower},
    CodeRule{"PriorRequestNotComplete", ErrorCode::kThrottled, kSlower},
    CodeRule{"ServiceUnavailable", ErrorCode::kThrottled, kSlower},
    CodeRule{"RequestTimeout", ErrorCode::kUnavailable, ""},
    CodeRule{"RequestTimeoutException", ErrorCode::kUnavailable, ""},
    CodeRule{"InternalError", ErrorCode::kUnavailable, ""},
    CodeRule{"OperationAborted", ErrorCode::kUnavailable, ""},
    CodeRule{"ConditionalRequestConflict", ErrorCode::kUnavailable,
             "another writer was at work on the same key"},
    CodeRule{"IncompleteBody", ErrorCode::kUnavailable, ""},
    CodeRule{"BadDigest", ErrorCode::kDataCorrupt, kDamaged},
    CodeRule{"InvalidDigest", ErrorCode::kDataCorrupt, kDamaged},
    CodeRule{"XAmzContentSHA256Mismatch", ErrorCode::kDataCorrupt, kDamaged},
    CodeRule{"XAmzContentChecksumMismatch", ErrorCode::kDataCorrupt, kDamaged},
    CodeRule{"PreconditionFailed", ErrorCode::kPreconditionFailed, ""},
    CodeRule{"InvalidObjectState", ErrorCode::kArchived,
             "restore the object from its archive class first"},
    CodeRule{"ExistingObjectIsDirectory", ErrorCode::kUnsupported, kFolders},
    CodeRule{"ObjectParentIsFile", ErrorCode::kUnsupported, kFolders},
    CodeRule{"XMinioParentIsObject", ErrorCode::kUnsupported, kFolders},
    CodeRule{"XMinioObjectExistsAsDirectory", ErrorCode::kUnsupported, kFolders},
    CodeRule{"NotImplemented", ErrorCode::kUnsupported, "this server cannot do that"},
    CodeRule{"MethodNotAllowed", ErrorCode::kUnsupported,
             "this server does not allow that"},
    CodeRule{"EntityTooLarge", ErrorCode::kInvalidArgument,
             "larger than the service takes in one request"},
    CodeRule{"EntityTooSmall", ErrorCode::kInvalidArgument,
             "every part but the last needs 5 MiB; raise storage.chunk_size"},
    CodeRule{"KeyTooLongError", ErrorCode::kInvalidArgument,
             "keys may have 1024 bytes; shorten the path or the prefix"},
    CodeRule{"InvalidStorageClass", ErrorCode::kInvalidArgument,
             "this server does not know that storage.storage_class"},
    CodeRule{"InvalidBucketName", ErrorCode::kInvalidArgument, "check storage.bucket"},
    CodeRule{"QuotaExceeded", ErrorCode::kInvalidArgument,
             "the bucket's quota is used up"},
    CodeRule{"XMinioAdminBucketQuotaExceeded", ErrorCode::kInvalidArgument,
             "the bucket's quota is used up"},
};

// "KMS.DisabledException" (AWS), "kms:KeyNotFound" (MinIO).
bool is_about_kms(std::string_view provider_code) {
  return provider_code.starts_with("KMS.") || provider_code.starts_with("kms:");
}

// 409 is about another writer at work.
ErrorCode classify_status(int status) {
  return status == 409 ? ErrorCode::kUnavailable : rest::classify_status(status);
}

std::string where_to_give(const ServiceFailure& failure) {
  if (failure.credentials.empty()) {
    return "give it to everyone in the bucket policy, or give credentials: this request "
           "carried none";
  }
  return "give it in the bucket policy or the IAM policy of the identity behind the "
         "credentials (" +
         base::printable(failure.credentials) + "); a policy may also deny it";
}

bool is_object_read(const FailureSite& site) {
  return site.operation.name == "HeadObject" || site.operation.name == "GetObject";
}

std::string missing_permission(const ServiceFailure& failure, const FailureSite& site) {
  std::string advice = "the credentials need ";
  advice += site.operation.permission;
  advice += site.key.empty() ? " on the bucket" : " on this key";
  if (is_object_read(site)) {
    advice += " (and s3:ListBucket, without which an absent key is refused too)";
  }
  return advice + "; " + where_to_give(failure);
}

// The services do not say more than "bad request" about a key that does not fit.
std::string bad_request_advice(const ServiceFailure& failure, const FailureSite& site) {
  const bool silent = failure.code.empty() || failure.code == "InvalidRequest";
  if (failure.status != 400 || !silent || !is_object_read(site)) return "";
  std::string advice =
      "an object that is encrypted with a customer's key can be read only with that key, "
      "and no other object with any: check storage.sse_customer_key";
  if (failure.code.empty() && !failure.credentials.empty()) {
    advice += "; or the session of the credentials (" +
              base::printable(failure.credentials) + ") has ended";
  }
  return advice;
}

// Credentials that the service does not take are looked for where they come from.
std::string with_origin(std::string advice, const ServiceFailure& failure) {
  if (classify(failure) != ErrorCode::kUnauthenticated || failure.credentials.empty()) {
    return advice;
  }
  advice += advice.empty() ? "" : "; ";
  return advice + "the credentials come from " + base::printable(failure.credentials);
}

std::string advice_for(const ServiceFailure& failure, const FailureSite& site) {
  const CodeRule* rule = rest::find_rule(kRules, failure.code);
  if (rule != nullptr && rule->advice == kCheckRegion && !failure.region.empty()) {
    return "set storage.region to " + base::printable(failure.region);
  }
  if (rule != nullptr && !rule->advice.empty()) return std::string(rule->advice);
  if (is_about_kms(failure.code)) return std::string(kCheckKmsKey);
  if (classify(failure) == ErrorCode::kPermissionDenied) {
    return missing_permission(failure, site);
  }
  if (failure.status >= 300 && failure.status < 400) return std::string(kCheckRegion);
  return bad_request_advice(failure, site);
}

}  // namespace

ErrorCode classify(const ServiceFailure& failure) {
  const CodeRule* rule = rest::find_rule(kRules, failure.code);
  if (rule != nullptr) return rule->code;
  const bool not_found = is_about_kms(failure.code) && failure.status == 404;
  return not_found ? ErrorCode::kInvalidArgument : classify_status(failure.status);
}

std::string describe(const FailureSite& site) {
  return rest::describe(
      {site.operation.name, site.key, "s3", site.bucket, site.endpoint});
}

Error make_error(const ServiceFailure& failure, const FailureSite& site) {
  std::string message =
      describe(site) + ": " + rest::service_words(failure.code, failure);
  const std::string advice = with_origin(advice_for(failure, site), failure);
  if (!advice.empty()) message += "; " + advice;
  ServiceDetail detail{failure.status, failure.code, failure.request_id,
                       failure.retry_after};
  return Error(classify(failure), message, detail);
}

}  // namespace cloudsync::storage::s3
