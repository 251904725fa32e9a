// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/bucket_identity.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cloudsync/error.h"

namespace cloudsync::sync {
namespace {

using storage::BucketIdentity;

constexpr std::size_t kSampled = 200;
constexpr std::size_t kFoundPercent = 95;
// Of so few objects a handful of edits is no other store; tokens hold inode and ctime, and
// an exchanged store has not one of them.
constexpr std::size_t kFew = 40;
constexpr std::size_t kFoundPercentOfFew = 50;
constexpr std::size_t kErasedAtOnce = 1000;

std::string name_of(const PairRecord& pair) { return "bucket_id:" + pair.uuid; }

std::string remembered_id(const BucketQuestion& question, const PairRecord& pair) {
  return question.state.meta(name_of(pair)).value_or("");
}

bool same_bucket(const PairIdentity& a, const PairIdentity& b) {
  return a.provider == b.provider && a.container == b.container;
}

// By this pair, or by another one of this database.
bool was_seen(const BucketQuestion& question) {
  if (question.state.count_base_rows(question.pair.id) > 0) return true;
  const auto pairs = question.state.pairs();
  return std::any_of(pairs.begin(), pairs.end(), [&](const PairRecord& pair) {
    return same_bucket(pair.identity, question.pair.identity) &&
           !remembered_id(question, pair).empty();
  });
}

constexpr const char* kRemedies =
    "Nothing was done. Mount the disk or share that holds it (or correct storage.path) "
    "and run again; to begin anew on purpose with what is there now, repeat with --force "
    "root: both sides are then compared anew and nothing is deleted";

[[noreturn]] void throw_gone(const BucketQuestion& question, const std::string& what) {
  throw Error(ErrorCode::kNotFound,
              fmt::format("the {} {}. {}", question.store.describe(), what, kRemedies));
}

// Reservoir sampling: each row is as likely as any other.
std::vector<BaseRow> sample(const BucketQuestion& question, base::Random& random) {
  std::vector<BaseRow> rows;
  const auto cursor = question.state.base_rows(question.pair.id, {});
  std::uint64_t seen = 0;
  for (BaseRow row; cursor->next(row);) {
    if (row.r_token.empty()) continue;
    ++seen;
    if (rows.size() < kSampled) {
      rows.push_back(row);
    } else if (const auto at = random.below(seen); at < kSampled) {
      rows[static_cast<std::size_t>(at)] = row;
    }
  }
  return rows;
}

struct Findings {
  std::size_t looked_at = 0;
  std::size_t there = 0;
  std::size_t same = 0;
};

Findings look_for(const BucketQuestion& question, const std::vector<BaseRow>& rows,
                  const CallContext& context) {
  Findings findings;
  for (const BaseRow& row : rows) {
    context.throw_if_stopped();
    ++findings.looked_at;
    try {
      const auto info =
          question.store.head({question.pair.identity.prefix + row.key}, context);
      if (!info) continue;
      ++findings.there;
      if (info->token.value == row.r_token) ++findings.same;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled) throw;
    }
  }
  return findings;
}

// A run that writes nothing there has nothing to spoil, and a folder that others fill may
// change as a whole between two runs: one known object is enough then.
bool is_evidence(const BucketQuestion& question, const Findings& findings) {
  if (!question.writes_bucket && findings.there > 0) return true;
  const auto percent = findings.looked_at < kFew ? kFoundPercentOfFew : kFoundPercent;
  return findings.same * 100 >= findings.looked_at * percent;
}

void erase_base(const BucketQuestion& question) {
  const auto rows = question.state.base_rows(question.pair.id, {});
  std::vector<StateChange> erased;
  for (BaseRow row; rows->next(row);) {
    erased.emplace_back(EraseBase{question.pair.id, std::move(row.key)});
    if (erased.size() < kErasedAtOnce) continue;
    question.state.apply(erased);
    erased.clear();
  }
  question.state.apply(erased);
}

void remember(const BucketQuestion& question, const std::string& id) {
  if (id != remembered_id(question, question.pair))
    question.state.set_meta(name_of(question.pair), id);
}

// The rows go first: with them and another id a crash would leave a claim about a bucket
// that never held it.
BucketAnswer compare_anew(const BucketQuestion& question, const BucketIdentity& now) {
  if (!question.dry_run) {
    erase_base(question);
    question.state.make_durable();
    remember(question, now.id);
  }
  return {BucketVerdict::kCompareAnew, ""};
}

BucketAnswer brake(const BucketQuestion& question) {
  return {BucketVerdict::kBrake,
          fmt::format("the {} is not the one that was synced before (its id is another: "
                      "unmounted or exchanged?). {}",
                      question.store.describe(), kRemedies)};
}

// No id is remembered, but rows are: those of a run before there were ids, or of one that
// was killed.
BucketAnswer judge_by_sample(const BucketQuestion& question, const BucketIdentity& now,
                             base::Random& random, const CallContext& context) {
  const Findings findings = look_for(question, sample(question, random), context);
  if (is_evidence(question, findings)) return {};
  if (question.forced) return compare_anew(question, now);
  if (!now.id.empty()) return brake(question);
  throw_gone(question,
             fmt::format("does not hold what this pair left there: of {} objects looked "
                         "for, {} are as they were",
                         findings.looked_at, findings.same));
}

BucketAnswer judge(const BucketQuestion& question, const BucketIdentity& now,
                   base::Random& random, const CallContext& context) {
  const std::string known = remembered_id(question, question.pair);
  const bool has_rows = question.state.count_base_rows(question.pair.id) > 0;
  if (!now.present) {
    if (!was_seen(question)) return {};
    if (question.forced) return compare_anew(question, now);
    throw_gone(question, "does not exist any more, though it was synced before");
  }
  if (known.empty())
    return has_rows ? judge_by_sample(question, now, random, context) : BucketAnswer{};
  if (known == now.id || (!has_rows && !now.id.empty())) return {};
  if (question.forced) return compare_anew(question, now);
  if (!now.id.empty()) return brake(question);
  throw_gone(question,
             "has lost its id (.cloudsync-store/id), or is an empty mount point");
}

// Opened for writing before it is listed: that repairs what a killed run left. Where
// nothing may be written there may be nothing to write either.
std::string opened_id(const BucketQuestion& question, const BucketIdentity& now,
                      const CallContext& context) {
  if (!question.writes_bucket) return now.id;
  try {
    return question.store.give_identity(context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    return now.id;
  }
}

}  // namespace

BucketAnswer ask_for_bucket(const BucketQuestion& question, base::Random& random,
                            const CallContext& context) {
  const auto now = question.store.identity(context);
  if (!now) return {};
  BucketAnswer answer = judge(question, *now, random, context);
  if (answer.verdict == BucketVerdict::kBrake || question.dry_run || !now->present)
    return answer;
  remember(question, opened_id(question, *now, context));
  return answer;
}

void remember_bucket(const BucketQuestion& question, const CallContext& context) {
  if (question.dry_run || !remembered_id(question, question.pair).empty()) return;
  try {
    const auto now = question.store.identity(context);
    if (now && !now->id.empty()) remember(question, now->id);
  } catch (const Error&) {
    return;  // the next run asks again, and has its rows as evidence
  }
}

}  // namespace cloudsync::sync
