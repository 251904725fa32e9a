// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sync/decide/proof.h"
#include "sync/run/observe.h"
#include "sync/run/run_context.h"

namespace cloudsync::sync {

// Turns outcomes into the rows of one transaction: base, audit, and the closing of what
// the database had open for the key. In a dry run it writes nothing.
class Journal {
 public:
  explicit Journal(RunContext& context) : context_(context) {}

  // A mutation was carried out (or, without `operation`, both sides were found as they
  // should be).
  void done(const std::string& key, std::vector<StateChange> changes);
  OperationRow operation(const std::string& key, OperationAction action,
                         int decide_row) const;
  void failed(const std::string& key, OperationAction action, const Error& error);
  // An open conflict as it stands now.
  void hold(const Observed& observed, ConflictReason reason);
  // Nothing is open for this key any more.
  void close(const std::string& key);

 private:
  RunContext& context_;
};

// What the user is shown of each side.
ConflictSide local_side(const Observed& observed);
ConflictSide cloud_side(const Observed& observed);
// Whether both sides still are what the user was shown.
bool is_as_shown(const ConflictRow& row, const Observed& now,
                 const base::KeptNumbers& kept);
ConflictReason conflict_reason(const Situation& situation);

// The base row that says: both sides hold the local file's content now. Needs
// `observed.hashed` or a base row for the content's hash.
BaseRow base_from_both(const RunContext& context, const Observed& observed);

}  // namespace cloudsync::sync
