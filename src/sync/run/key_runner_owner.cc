// SPDX-License-Identifier: Apache-2.0
// KeyRunner: what a replaced object hands on to the one that takes its place.
#include <utility>

#include "base/encoding.h"
#include "storage/owner_properties.h"
#include "sync/decide/classify.h"
#include "sync/run/key_runner.h"

namespace cloudsync::sync {

namespace {

// The bucket holds the version that was written here last, and that got nothing but what
// every upload gives.
bool is_own_bare_version(const MergedItem& item) {
  return item.base && (item.base->flags & kBaseBare) != 0 &&
         is_same_version(item.remote->info, *item.base);
}

// For good, and by the service: trying again would not help.
bool is_refusal(const Error& error) {
  return error.code() == ErrorCode::kPermissionDenied ||
         error.code() == ErrorCode::kUnsupported ||
         error.code() == ErrorCode::kInvalidArgument;
}

// What is no refusal of tags: an outage, a stop, credentials that ended. A server that
// knows no tags may as well answer with the object itself.
bool may_pass(const Error& error) {
  return error.retryable() || error.code() == ErrorCode::kCancelled ||
         error.code() == ErrorCode::kUnauthenticated ||
         error.code() == ErrorCode::kDeadlineExceeded;
}

void require_no_envelope(const Metadata& metadata) {
  const std::string name = storage::envelope_name(metadata);
  if (name.empty()) return;
  throw Error(ErrorCode::kAlreadyExists,
              "the object was encrypted by a client (its metadata has '" +
                  base::printable(name) +
                  "'), whose readers could not read the plain bytes of this file; it is "
                  "left as it is. Encrypt the file the same way and upload it with that "
                  "client, or replace the object by plain bytes with --force envelope");
}

std::string words_of(const Error& error) {
  const auto& detail = error.detail();
  if (!detail.provider_code.empty()) return base::printable(detail.provider_code);
  return detail.http_status != 0 ? "HTTP " + std::to_string(detail.http_status)
                                 : std::string(error_code_name(error.code()));
}

}  // namespace

// What the object that is to be replaced hands on. False when the task goes round again.
// Throws where plain bytes must not take its place.
bool KeyRunner::know_owner(const TaskPtr& task) {
  if (task->owner) return true;
  auto& item = task->observed.item;
  const bool keeps = item.remote && context_.settings.engine.keep_metadata;
  const bool told = keeps && item.remote->info.metadata;
  if (!keeps || (!told && is_own_bare_version(item))) {
    task->owner.emplace();
    return true;
  }
  // A plan costs no requests: what only a HEAD would tell is seen when it is carried out.
  if (!told && !context_.settings.dry_run && !describe_replaced(task)) return false;
  const auto& info = item.remote->info;
  if (info.metadata && !context_.settings.force.contains(Force::kEnvelope))
    require_no_envelope(*info.metadata);
  std::string left_behind;
  task->owner = storage::owner_properties(
      info, context_.store.capabilities().ascii_properties, &left_behind);
  if (context_.settings.dry_run || !info.metadata) return true;
  task->owner->tags = tags_of(info);
  if (!left_behind.empty()) {
    context_.report.notice(
        "'" + base::printable(item.key) +
        "' is replaced without what no request can carry: " + left_behind);
  }
  return true;
}

// Of the very version that will be replaced, so that nothing of another one is handed on.
// False when the task goes round again.
bool KeyRunner::describe_replaced(const TaskPtr& task) {
  auto& info = task->observed.item.remote->info;
  std::optional<storage::ObjectInfo> now;
  try {
    now = context_.store.head(info.key, context_.call);
  } catch (const Error& error) {
    if (!is_refusal(error)) throw;
    context_.report.notice(
        "objects in " + context_.store.describe() +
        " may be replaced but not looked at (" + words_of(error) +
        "), so that they lose what others gave them: content type, headers, metadata and "
        "tags; allow reading them, or say `keep_metadata: false`");
    return true;
  }
  if (!now || now->token != info.token) {
    again(task, "the object changed before it was replaced");
    return false;
  }
  info = std::move(*now);
  task->observed.headed = true;
  return true;
}

// Where an answer does not count tags there are none, as soon as one request for them has
// shown that they may be read at all.
storage::Tags KeyRunner::tags_of(const storage::ObjectInfo& object) {
  if (object.tag_count == 0 || tags_refused_) return {};
  if (!object.tag_count && tags_told_) return {};
  try {
    auto tags = context_.store.tags(object.key, context_.call);
    tags_told_ = true;
    return tags;
  } catch (const Error& error) {
    if (may_pass(error)) throw;
    const bool lacks_tags = error.code() != ErrorCode::kPermissionDenied;
    if (object.tag_count || !lacks_tags) tell_tags_lost("read", error);
    tags_refused_ = true;
  }
  return {};
}

// Tags are not worth a refused upload.
UploadResult KeyRunner::upload_keeping(UploadJob job) {
  auto& environment = upload_environment();
  if (tags_refused_) job.owner.tags.clear();
  if (job.owner.tags.empty()) return upload_file(environment, job, context_.call);
  std::optional<Error> refusal;
  try {
    return upload_file(environment, job, context_.call);
  } catch (const Error& error) {
    if (!is_refusal(error)) throw;
    refusal = error;
  }
  job.owner.tags.clear();
  auto result = upload_file(environment, job, context_.call);
  if (result.status == TransferStatus::kDone) tell_tags_lost("written", *refusal);
  return result;
}

void KeyRunner::tell_tags_lost(const char* what, const Error& error) {
  if (tags_refused_.exchange(true)) return;
  context_.report.notice(
      std::string("the tags of replaced objects cannot be ") + what + " in " +
      context_.store.describe() + " (" + words_of(error) +
      "), so that the new versions have none; allow it (s3:GetObjectTagging and "
      "s3:PutObjectTagging, the right t of a SAS), or say `keep_metadata: false`");
}

}  // namespace cloudsync::sync
