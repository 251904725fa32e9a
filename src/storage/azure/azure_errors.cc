// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_errors.h"

#include "base/encoding.h"
#include "base/log.h"

#include <algorithm>
#include <array>

namespace cloudsync::storage::azure {
namespace {

struct CodeRule {
  std::string_view provider_code;
  ErrorCode code;
  std::string_view advice;
};

constexpr std::string_view kRight = "right";  // the operation names what is missing
constexpr std::string_view kSlower = "fewer requests at once (max_workers) may help";
constexpr std::string_view kDamaged =
    "the bytes did not arrive as they were sent; the transfer may be repeated";
constexpr std::string_view kLeased =
    "another program holds a lease on the blob: wait until it is done, or break the "
    "lease "
    "(az storage blob lease break)";
constexpr std::string_view kImmutable =
    "a retention policy or legal hold of the container forbids it; ask its owner";
constexpr std::string_view kThaw =
    "set the blob's tier to Hot, Cool or Cold and wait until it is rehydrated";
constexpr std::string_view kFirewall =
    "the account's firewall or network rules may not let this machine in (Networking in "
    "the portal), or the SAS allows other IP addresses only";
constexpr std::string_view kNotAllowed =
    "the account's keys may have been switched off: use Entra ID (a role assignment)";

// Sorted by who has to act: the container's owner, credentials, rights, load, data,
// request.
constexpr std::array kRules = {
    CodeRule{"ContainerNotFound", ErrorCode::kNotFound,
             "create the container or check storage.bucket and the account"},
    CodeRule{"ContainerDisabled", ErrorCode::kPermissionDenied,
             "ask the account's owner"},
    CodeRule{"ContainerBeingDeleted", ErrorCode::kUnavailable,
             "the container is being deleted, which takes at least 30 seconds: create it "
             "again after that, or name another one in storage.bucket"},
    CodeRule{"BlobNotFound", ErrorCode::kNotFound, ""},
    CodeRule{"ResourceNotFound", ErrorCode::kNotFound,
             "it is absent, or not open to anonymous readers"},
    CodeRule{"InvalidBlockList", ErrorCode::kNotFound,
             "the blocks are gone: another writer committed this blob, or a week passed"},
    CodeRule{"AuthenticationFailed", ErrorCode::kUnauthenticated,
             "check the account key, that it belongs to this account, and this machine's "
             "clock"},
    CodeRule{"InvalidAuthenticationInfo", ErrorCode::kUnauthenticated,
             "check the credentials"},
    CodeRule{"NoAuthenticationInformation", ErrorCode::kUnauthenticated,
             "the service wants credentials"},
    CodeRule{"PublicAccessNotPermitted", ErrorCode::kUnauthenticated,
             "the account allows no anonymous access; give credentials"},
    CodeRule{"KeyBasedAuthenticationNotPermitted", ErrorCode::kUnauthenticated,
             kNotAllowed},
    CodeRule{"AuthorizationPermissionMismatch", ErrorCode::kPermissionDenied, kRight},
    CodeRule{"InsufficientAccountPermissions", ErrorCode::kPermissionDenied, kRight},
    CodeRule{"UnauthorizedBlobOverwrite", ErrorCode::kPermissionDenied,
             "the SAS may only create: replacing a blob needs the right w (write); give "
             "it in storage.credentials.sas_token"},
    CodeRule{"AuthorizationFailure", ErrorCode::kPermissionDenied, kFirewall},
    CodeRule{"AuthorizationSourceIPMismatch", ErrorCode::kPermissionDenied, kFirewall},
    CodeRule{"AuthorizationProtocolMismatch", ErrorCode::kPermissionDenied,
             "the SAS allows https only (spr=https): use an https endpoint"},
    CodeRule{"AuthorizationResourceTypeMismatch", ErrorCode::kPermissionDenied,
             "the SAS is not made for this kind of resource: an account SAS needs "
             "srt=co, a service SAS sr=c"},
    CodeRule{"AuthorizationServiceMismatch", ErrorCode::kPermissionDenied,
             "the SAS is not made for blobs: an account SAS needs ss=b"},
    CodeRule{"AccountIsDisabled", ErrorCode::kPermissionDenied,
             "ask the account's owner"},
    CodeRule{"BlobImmutableDueToPolicy", ErrorCode::kPermissionDenied, kImmutable},
    CodeRule{"LeaseIdMissing", ErrorCode::kPermissionDenied, kLeased},
    CodeRule{"LeaseIdMismatchWithBlobOperation", ErrorCode::kPermissionDenied, kLeased},
    CodeRule{"LeaseLost", ErrorCode::kPermissionDenied, kLeased},
    CodeRule{"LeaseAlreadyPresent", ErrorCode::kPermissionDenied, kLeased},
    CodeRule{"SnapshotsPresent", ErrorCode::kPermissionDenied,
             "the blob has snapshots, which have to go first"},
    CodeRule{"ServerBusy", ErrorCode::kThrottled, kSlower},
    CodeRule{"AccountBeingCreated", ErrorCode::kUnavailable, ""},
    CodeRule{"OperationTimedOut", ErrorCode::kUnavailable, ""},
    CodeRule{"InternalError", ErrorCode::kUnavailable, ""},
    CodeRule{"PendingCopyOperation", ErrorCode::kUnavailable,
             "a server-side copy into this blob has not ended"},
    CodeRule{"SystemInUse", ErrorCode::kUnavailable, ""},
    CodeRule{"Md5Mismatch", ErrorCode::kDataCorrupt, kDamaged},
    CodeRule{"Crc64Mismatch", ErrorCode::kDataCorrupt, kDamaged},
    CodeRule{"InvalidMd5", ErrorCode::kDataCorrupt, kDamaged},
    CodeRule{"ConditionNotMet", ErrorCode::kPreconditionFailed, ""},
    CodeRule{"TargetConditionNotMet", ErrorCode::kPreconditionFailed, ""},
    CodeRule{"SourceConditionNotMet", ErrorCode::kPreconditionFailed, ""},
    CodeRule{"BlobAlreadyExists", ErrorCode::kAlreadyExists, ""},
    CodeRule{"BlobArchived", ErrorCode::kArchived, kThaw},
    CodeRule{"BlobBeingRehydrated", ErrorCode::kArchived,
             "it is on its way out of the archive, which takes up to 15 hours"},
    CodeRule{"UnsupportedHeader", ErrorCode::kUnsupported,
             "this server or kind of account cannot do that"},
    CodeRule{"UnsupportedHttpVerb", ErrorCode::kUnsupported,
             "this server cannot do that"},
    // Azurite says it with status 500.
    CodeRule{"FeatureNotSupported", ErrorCode::kUnsupported,
             "this server cannot do that"},
    CodeRule{"APINotImplemented", ErrorCode::kUnsupported, "this server cannot do that"},
    CodeRule{"FeatureVersionMismatch", ErrorCode::kUnsupported,
             "this server does not know service version 2023-11-03"},
    CodeRule{"InvalidMetadata", ErrorCode::kInvalidArgument,
             "metadata names are letters, digits and underscores, values ASCII"},
    CodeRule{"EmptyMetadataKey", ErrorCode::kInvalidArgument,
             "a metadata name is missing"},
    CodeRule{"MetadataTooLarge", ErrorCode::kInvalidArgument, "8 KiB are allowed"},
    CodeRule{"RequestBodyTooLarge", ErrorCode::kInvalidArgument,
             "larger than the service takes in one request; lower storage.chunk_size or "
             "storage.multipart_threshold"},
    CodeRule{"BlockCountExceedsLimit", ErrorCode::kInvalidArgument,
             "100,000 blocks wait uncommitted on this name: raise storage.chunk_size, or "
             "wait a week until they vanish"},
    CodeRule{
        "InvalidBlobOrBlock", ErrorCode::kInvalidArgument,
        "blocks of another program, with ids of another length, wait uncommitted on "
        "this name: they vanish within a week, or when a blob is written there whole"},
    CodeRule{"InvalidBlobType", ErrorCode::kInvalidArgument,
             "the name belongs to a page or append blob, which cannot be written in "
             "blocks; delete it first"},
    CodeRule{"InvalidBlobTier", ErrorCode::kInvalidArgument,
             "the account does not know that storage.storage_class"},
    CodeRule{"AccessTierNotSupportedForBlobType", ErrorCode::kInvalidArgument,
             "the account does not know that storage.storage_class"},
    CodeRule{"InvalidUri", ErrorCode::kInvalidArgument, "Azure forbids this name"},
    CodeRule{"InvalidResourceName", ErrorCode::kInvalidArgument,
             "Azure forbids this name; check storage.bucket"},
};

// What AuthenticationErrorDetail says more precisely than the code.
struct DetailRule {
  std::string_view words;
  std::string_view advice;
};

constexpr std::array kDetails = {
    DetailRule{"Signature not valid in the specified time frame",
               "the SAS has expired or has not begun: make a new one for "
               "storage.credentials.sas_token (or AZURE_STORAGE_SAS_TOKEN)"},
    DetailRule{"Signature did not match",
               "the SAS was cut, changed or signed with a key that is no longer valid: "
               "make a new one for storage.credentials.sas_token"},
    DetailRule{"Request date header", "set this machine's clock"},
    DetailRule{"MAC signature",
               "check the account key and that it belongs to this "
               "account (storage.credentials.account_key)"},
    DetailRule{"Lifetime validation failed",
               "the token has expired and no newer one could be had: log in again"},
    DetailRule{"expired",
               "the credentials have expired and no newer ones could be had: log in "
               "again or make new ones"},
    DetailRule{"Issuer validation failed",
               "the token comes from another tenant than the account's: set "
               "storage.credentials.tenant_id (or AZURE_TENANT_ID)"},
    DetailRule{"issuer",
               "the token comes from another tenant than the account's: set "
               "storage.credentials.tenant_id (or AZURE_TENANT_ID)"},
    DetailRule{"Audience validation failed",
               "the token is made for another service than Azure Storage"},
};

// Where the service says Md5Mismatch.
bool is_azurites_md5_mismatch(const ServiceFailure& failure) {
  return failure.code == "InvalidOperation" &&
         failure.message.find("contentMD5 doesn't match") != std::string::npos;
}

// Where the service says AuthenticationFailed.
bool is_azurites_wrong_key(const ServiceFailure& failure) {
  return failure.code == "AuthorizationFailure" &&
         failure.message.find("failed to authenticate") != std::string::npos;
}

std::string missing_right(const FailureSite& site) {
  const bool writes = site.operation.writes;
  std::string advice = "the identity needs the role ";
  advice += writes ? "Storage Blob Data Contributor"
                   : "Storage Blob Data Reader (or Contributor)";
  advice += " on the container or the account, a SAS the right ";
  advice += site.operation.sas_right;
  return advice + " in sp=, made for the whole container";
}

std::string_view advice_in_detail(std::string_view detail) {
  for (const DetailRule& rule : kDetails) {
    if (detail.find(rule.words) != std::string_view::npos) return rule.advice;
  }
  return {};
}

std::string advice_for(const ServiceFailure& failure, const FailureSite& site) {
  const ErrorCode code = classify(failure);
  if (code == ErrorCode::kUnauthenticated) {
    const std::string_view precise = advice_in_detail(failure.detail);
    if (!precise.empty()) return std::string(precise);
  }
  if (is_azurites_wrong_key(failure)) {
    return "check the account key or the SAS, and that it belongs to this account; "
           "else " +
           std::string(kFirewall);
  }
  const CodeRule* rule = rest::find_rule(kRules, failure.code);
  const bool by_right =
      rule == nullptr ? code == ErrorCode::kPermissionDenied : rule->advice == kRight;
  if (by_right) return missing_right(site);
  return rule == nullptr ? "" : std::string(rule->advice);
}

// The service repeats URLs, and in them the key to the container.
std::string without_signatures(std::string text) {
  std::size_t at = 0;
  while ((at = text.find("sig=", at)) != std::string::npos) {
    const std::size_t begin = at + 4;
    const std::size_t end = std::min(text.find_first_of("&'\" \n", begin), text.size());
    text.replace(begin, end - begin, "***");
    at = begin;
  }
  return base::redacted(text);
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// With a wrong key the detail is the text that the service signed: long, and of no help.
std::string detail_words(const ServiceFailure& failure) {
  const bool echo = failure.detail.find("MAC signature") != std::string::npos ||
                    failure.detail.find("tring to sign") != std::string::npos;
  return echo ? "" : first_line(failure.detail);
}

std::string service_words(const ServiceFailure& failure) {
  std::string words = failure.code;
  const std::string message = first_line(failure.message);
  for (const std::string& more : {message, detail_words(failure)}) {
    if (more.empty()) continue;
    words += (words.empty() ? "" : ": ") + more;
  }
  words = base::printable(without_signatures(std::move(words)));
  return rest::with_status(std::move(words), failure);
}

bool is_about_credentials(ErrorCode code) {
  return code == ErrorCode::kUnauthenticated || code == ErrorCode::kPermissionDenied;
}

}  // namespace

ErrorCode classify(const ServiceFailure& failure) {
  // A conflict (409) without a rule is a state of the blob or the account that waiting
  // does not change.
  if (is_azurites_md5_mismatch(failure)) return ErrorCode::kDataCorrupt;
  const CodeRule* rule = rest::find_rule(kRules, failure.code);
  return rule != nullptr ? rule->code : rest::classify_status(failure.status);
}

std::string describe(const FailureSite& site) {
  return rest::describe(
      {site.operation.name, site.key, "azure", site.container, site.endpoint});
}

Error make_error(const ServiceFailure& failure, const FailureSite& site) {
  const ErrorCode code = classify(failure);
  std::string message = describe(site) + ": " + service_words(failure);
  const std::string advice = advice_for(failure, site);
  if (!advice.empty()) message += "; " + advice;
  if (is_about_credentials(code) && !site.credentials.empty()) {
    message += "; asked with " + site.credentials;
  }
  ServiceDetail detail{failure.status, failure.code, failure.request_id,
                       failure.retry_after};
  return Error(code, message, detail);
}

}  // namespace cloudsync::storage::azure
