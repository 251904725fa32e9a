// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_replacing.h"

#include <fcntl.h>

#include <cerrno>

#include "cloudsync/error.h"
#include "storage/local/local_aside.h"
#include "storage/local/local_body.h"

namespace cloudsync::storage::local {
namespace {

// Without either flag or link the look was made under the key's lock just before.
Outcome create_new(const Placing& placing) {
  int error = move_to_free_name(placing.bucket, placing.file.path(), placing.parent,
                                placing.name());
  if (error == EOPNOTSUPP) {
    const auto there = stat_at(placing.parent, placing.name(), placing.key);
    error = there ? EEXIST : placing.rename(RenameFlag::kReplace);
  }
  if (error == EEXIST) return Outcome::kPreconditionFailed;
  if (error != 0) throw_errno("write", placing.folder.path_of(placing.key), error);
  placing.file.moved();
  return Outcome::kOk;
}

// Whether what came out of a name may go: the version that was checked, and complete.
// Without a condition any object may.
bool may_go(const Placing& placing, const std::string& path, bool conditional) {
  const auto old = stat_beneath(placing.bucket, path);
  if (!old || old->kind != base::FileKind::kRegular) return false;
  if (!conditional) return true;
  return placing.observed && same_content(*old, *placing.observed) &&
         !is_written_to(placing.bucket, path);
}

bool is_our_body(const Placing& placing, const std::string& path) {
  const auto stat = stat_beneath(placing.bucket, path);
  const base::FileStat body = stat_of(placing.file.fd(), path);
  if (!stat || !same_content(*stat, body)) return false;
  if (body.ino != 0) return true;
  const UniqueFd there = open_regular(placing.bucket, path);
  return there && md5_of(there.get(), {}) == md5_of(placing.file.fd(), {});
}

// `path` holds what somebody else wrote just before our exchange. The last writer's
// version takes the name; another one that comes out with it is kept.
void undo_exchange(const Placing& placing, const std::string& path) {
  const auto exchange = [&] {
    return rename_at(placing.bucket, path, placing.parent, placing.name(),
                     RenameFlag::kExchange);
  };
  const int error = exchange();
  if (error == ENOENT) return put_back(placing.folder, placing.bucket, path, placing.key);
  if (error == 0 && is_our_body(placing, path)) {
    unlink_beneath(placing.bucket, path);
    return renew_record(placing.bucket, placing.key);
  }
  if (error == 0) exchange();
  keep_aside(placing.folder, placing.bucket, path, placing.key);
}

// A file system without an exchange: the old file gets a second name, by which it can be
// judged once the new one has its place; what another program puts there between the look
// and the rename is replaced unseen (README, Limits). A plain rename away would show it,
// but leave the name free for an instant, which reads as a deletion to everybody else.
Outcome replace_by_link(const Placing& placing, const std::string& old_path,
                        bool conditional) {
  const int linked = link_at(placing.parent, placing.name(), placing.bucket, old_path);
  if (linked == ENOENT) return Outcome::kPreconditionFailed;
  const auto there = stat_at(placing.parent, placing.name(), placing.key);
  const bool same = there && placing.observed && same_content(*there, *placing.observed);
  if (linked == 0 &&
      (!may_go(placing, old_path, conditional) || (conditional && !same))) {
    const auto old = stat_beneath(placing.bucket, old_path);
    if (there && old && old->ino != 0 && there->ino == old->ino) {
      unlink_beneath(placing.bucket, old_path);
      renew_record(placing.bucket, placing.key);
    } else
      put_back(placing.folder, placing.bucket, old_path, placing.key);
    return Outcome::kPreconditionFailed;
  }
  if (linked != 0 && conditional && !same) return Outcome::kPreconditionFailed;
  if (const int error = placing.rename(RenameFlag::kReplace))
    throw_errno("write", placing.folder.path_of(placing.key), error);
  placing.file.moved();
  if (linked != 0) return Outcome::kOk;
  if (may_go(placing, old_path, conditional))
    unlink_beneath(placing.bucket, old_path);
  else
    keep_aside(placing.folder, placing.bucket, old_path, placing.key);
  return Outcome::kOk;
}

// Takes a body that found no place back to where it came from.
class Returning {
 public:
  explicit Returning(TemporaryFile& file) : file_(file), home_(file.path()) {}
  ~Returning() {
    try {
      if (file_.present()) file_.move_to(home_);
    } catch (const Error&) {
      return;  // the next opening of the store removes it
    }
  }
  Returning(const Returning&) = delete;
  Returning& operator=(const Returning&) = delete;

 private:
  TemporaryFile& file_;
  std::string home_;
};

// After the exchange the old file lies where nobody else can reach it.
Outcome replace(const Placing& placing, bool conditional) {
  const Aside aside(placing.folder, placing.bucket, placing.key,
                    stat_of(placing.file.fd(), placing.key).ino, placing.observed);
  const Returning returning(placing.file);
  placing.file.move_to(aside.path());
  const int error = placing.rename(RenameFlag::kExchange);
  if (lacks_rename_flag(error))
    return replace_by_link(placing, aside.old_path(), conditional);
  if (error == ENOENT) return Outcome::kPreconditionFailed;
  if (error != 0) throw_errno("write", placing.folder.path_of(placing.key), error);
  placing.file.moved();
  if (may_go(placing, aside.path(), conditional)) {
    unlink_beneath(placing.bucket, aside.path());
    return Outcome::kOk;
  }
  undo_exchange(placing, aside.path());
  return Outcome::kPreconditionFailed;
}

}  // namespace

bool same_content(const base::FileStat& a, const base::FileStat& b) {
  return a.ino == b.ino && a.size == b.size && a.mtime_ns == b.mtime_ns;
}

Outcome move_into_place(const Placing& placing, const Precondition& condition) {
  if (!placing.observed) {
    const Outcome outcome = create_new(placing);
    if (condition.any() || outcome == Outcome::kOk) return outcome;
  }
  return replace(placing, condition.any());
}

void require_own_spelling(const Placing& placing) {
  try {
    placing.folder.require_spelling(placing.bucket, placing.key);
  } catch (const Error&) {
    const Aside aside(placing.folder, placing.bucket, placing.key,
                      stat_of(placing.file.fd(), placing.key).ino);
    if (rename_at(placing.parent, placing.name(), placing.bucket, aside.path(),
                  RenameFlag::kReplace) != 0)
      throw;
    if (is_our_body(placing, aside.path()))
      unlink_beneath(placing.bucket, aside.path());
    else
      put_back(placing.folder, placing.bucket, aside.path(), placing.key);
    throw;
  }
}

}  // namespace cloudsync::storage::local
