// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_errors.h"

#include "base/encoding.h"
#include "http/ascii.h"

#include <algorithm>
#include <array>

namespace cloudsync::storage::gcs {
namespace {

struct ReasonRule {
  std::string_view reason;
  int status;  // 0 = any
  ErrorCode code;
  std::string_view advice;
};

constexpr std::string_view kFreshCredentials =
    "the credentials are missing or no longer valid: log in again (gcloud auth "
    "application-default login) or check storage.credentials.service_account_file";
constexpr std::string_view kSlower =
    "fewer requests at once (max_workers) may help; one name takes about one write a "
    "second";
constexpr std::string_view kSetProject =
    "the bucket's requester pays: set storage.project to the project to be billed, in "
    "which the credentials need serviceusage.services.use (role Service Usage Consumer)";
constexpr std::string_view kDamaged =
    "the bytes did not arrive as they were sent; the transfer may be repeated";
constexpr std::string_view kProtected =
    "the bucket's retention policy or a hold protects the object; ask the bucket's owner";

// Sorted by who has to act: credentials, billing, the bucket's owner, load, request.
constexpr std::array kRules = {
    ReasonRule{"authError", 0, ErrorCode::kUnauthenticated, kFreshCredentials},
    ReasonRule{"required", 401, ErrorCode::kUnauthenticated, kFreshCredentials},
    ReasonRule{"expired", 401, ErrorCode::kUnauthenticated, kFreshCredentials},
    ReasonRule{"userProjectMissing", 0, ErrorCode::kInvalidArgument, kSetProject},
    ReasonRule{"userProjectAccessDenied", 0, ErrorCode::kPermissionDenied,
               "the credentials need serviceusage.services.use in storage.project (role "
               "Service Usage Consumer)"},
    ReasonRule{"userProjectInvalid", 0, ErrorCode::kInvalidArgument,
               "check storage.project"},
    ReasonRule{"accessNotConfigured", 0, ErrorCode::kPermissionDenied,
               "enable the Cloud Storage API in the project of the credentials"},
    ReasonRule{"accountDisabled", 0, ErrorCode::kPermissionDenied,
               "ask the project's owner; its billing may be closed"},
    ReasonRule{"retentionPolicyNotMet", 0, ErrorCode::kPermissionDenied, kProtected},
    ReasonRule{"objectUnderActiveHold", 0, ErrorCode::kPermissionDenied, kProtected},
    ReasonRule{"rateLimitExceeded", 0, ErrorCode::kThrottled, kSlower},
    ReasonRule{"userRateLimitExceeded", 0, ErrorCode::kThrottled, kSlower},
    ReasonRule{"quotaExceeded", 0, ErrorCode::kThrottled,
               "a quota of the project is used up; raise it or wait"},
    ReasonRule{"backendError", 0, ErrorCode::kUnavailable, ""},
    ReasonRule{"internalError", 0, ErrorCode::kUnavailable, ""},
    ReasonRule{"conditionNotMet", 0, ErrorCode::kPreconditionFailed, ""},
    ReasonRule{"uploadTooLarge", 0, ErrorCode::kInvalidArgument,
               "objects may have 5 TiB"},
};

struct RoleRule {
  std::string_view permission;
  std::string_view roles;
};

// Narrowest first; all on the bucket.
constexpr std::array kRoles = {
    RoleRule{"storage.objects.list",
             "Storage Object Viewer (roles/storage.objectViewer) to read, Storage Object "
             "User (roles/storage.objectUser) to read and write"},
    RoleRule{"storage.objects.get",
             "Storage Object Viewer (roles/storage.objectViewer) to read, Storage Object "
             "User (roles/storage.objectUser) to read and write"},
    RoleRule{"storage.objects.create",
             "Storage Object User (roles/storage.objectUser), which also holds "
             "storage.objects.delete, needed to replace an object"},
    RoleRule{"storage.objects.delete", "Storage Object User (roles/storage.objectUser)"},
    RoleRule{"storage.buckets.get", "Storage Bucket Viewer (roles/storage.bucketViewer)"},
};

const ReasonRule* find_rule(const ServiceFailure& failure) {
  const auto* rule =
      std::find_if(kRules.begin(), kRules.end(), [&](const ReasonRule& candidate) {
        return candidate.reason == failure.reason &&
               (candidate.status == 0 || candidate.status == failure.status);
      });
  return rule == kRules.end() ? nullptr : rule;
}

bool says(const ServiceFailure& failure, std::string_view words) {
  const auto found = std::search(
      failure.message.begin(), failure.message.end(), words.begin(), words.end(),
      [](char a, char b) { return http::to_lower(a) == http::to_lower(b); });
  return found != failure.message.end();
}

// Only the words tell a damaged body from another bad request.
bool is_checksum_refusal(const ServiceFailure& failure) {
  if (failure.status != 400) return false;
  return says(failure, "doesn't match calculated") ||
         says(failure, "does not match calculated") || says(failure, "checksum mismatch");
}

// The reason is "required", as it is for any argument left out.
bool wants_user_project(const ServiceFailure& failure) {
  return failure.status == 400 && says(failure, "requester pays");
}

ErrorCode classify_status(int status) {
  if (status == 410) return ErrorCode::kNotFound;
  // 503 too may come after the work was done, so it is no mere throttling here.
  return status == 503 ? ErrorCode::kUnavailable : rest::classify_status(status);
}

std::string missing_permission(const FailureSite& site) {
  std::string advice = "the credentials need " + std::string(site.operation.permission);
  advice += " on the bucket";
  const auto* role = std::find_if(kRoles.begin(), kRoles.end(), [&](const RoleRule& r) {
    return r.permission == site.operation.permission;
  });
  if (role != kRoles.end()) advice += "; give them the role " + std::string(role->roles);
  return advice;
}

std::string missing_credentials(const FailureSite& site) {
  std::string advice(kFreshCredentials);
  if (!site.authenticated) {
    advice = "the request was sent without credentials; ";
    advice += "give some in storage.credentials.service_account_file, or allow allUsers ";
    advice += std::string(site.operation.permission) + " on the bucket";
  }
  return advice;
}

std::string advice_for(const ServiceFailure& failure, const FailureSite& site) {
  if (wants_user_project(failure)) return std::string(kSetProject);
  if (is_checksum_refusal(failure)) return std::string(kDamaged);
  const ErrorCode code = classify(failure);
  if (code == ErrorCode::kUnauthenticated) return missing_credentials(site);
  const ReasonRule* rule = find_rule(failure);
  if (rule != nullptr && !rule->advice.empty()) return std::string(rule->advice);
  switch (code) {
    case ErrorCode::kPermissionDenied:
      return missing_permission(site);
    case ErrorCode::kThrottled:
      return std::string(kSlower);
    case ErrorCode::kNotFound:
      // Nothing but the bucket can be missing where an object is to be made.
      if (!site.key.empty() && site.operation.permission != "storage.objects.create" &&
          !is_missing_bucket(failure)) {
        return "";
      }
      return "create the bucket or check storage.bucket and the endpoint";
    default:
      return "";
  }
}

}  // namespace

ErrorCode classify(const ServiceFailure& failure) {
  if (is_checksum_refusal(failure)) return ErrorCode::kDataCorrupt;
  if (wants_user_project(failure)) return ErrorCode::kInvalidArgument;
  const ReasonRule* rule = find_rule(failure);
  return rule != nullptr ? rule->code : classify_status(failure.status);
}

bool is_missing_bucket(const ServiceFailure& failure) {
  return failure.status == 404 && says(failure, "bucket does not exist");
}

std::string describe(const FailureSite& site) {
  return rest::describe(
      {site.operation.name, site.key, "gs", site.bucket, site.endpoint});
}

Error make_error(const ServiceFailure& failure, const FailureSite& site) {
  std::string message =
      describe(site) + ": " + rest::service_words(failure.reason, failure);
  const std::string advice = advice_for(failure, site);
  if (!advice.empty()) message += "; " + advice;
  ServiceDetail detail{failure.status, failure.reason, failure.request_id,
                       failure.retry_after};
  return Error(classify(failure), message, detail);
}

}  // namespace cloudsync::storage::gcs
