// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/overlap.h"

#include <algorithm>
#include <optional>

#include "cloudsync/error.h"

namespace cloudsync::sync {

namespace {

// The part of `inner` below `outer` ("" = the same), nothing when it is not below.
std::optional<std::string> below(const std::string& outer, const std::string& inner) {
  if (!inner.starts_with(outer)) return std::nullopt;
  return inner.substr(outer.size());
}

std::string folder(const PairIdentity& pair) {
  return pair.local_root == "/" ? "/" : pair.local_root + "/";
}

std::string named(const PairIdentity& pair) {
  return "'" + pair.local_root + "' with prefix '" + pair.prefix + "'";
}

bool same_bucket(const PairIdentity& a, const PairIdentity& b) {
  return a.provider == b.provider && a.container == b.container;
}

bool overlaps_wrongly(const PairIdentity& outer, const PairIdentity& inner) {
  const auto root_offset = below(folder(outer), folder(inner));
  if (!root_offset) return false;
  if (const auto offset = below(outer.prefix, inner.prefix))
    return *offset != *root_offset;
  return below(inner.prefix, outer.prefix).has_value();
}

bool lies_strictly_inside(const PairIdentity& outer, const PairIdentity& inner) {
  const auto offset = below(folder(outer), folder(inner));
  return offset && !offset->empty();
}

void add(std::vector<std::string>& list, const std::optional<std::string>& relative) {
  if (relative && !relative->empty()) list.push_back(*relative);
}

// What `inner` writes, as keys of `outer`.
std::optional<std::string> target_in(const PairIdentity& outer, const KnownPair& inner) {
  return inner.direction == Direction::kDownload
             ? below(folder(outer), folder(inner.identity))
             : below(outer.prefix, inner.identity.prefix);
}

// What `inner` writes where it stands in `outer`'s part of the bucket, as keys of
// `inner`: with these it would take in its own output again.
std::optional<std::string> own_output(const PairIdentity& outer, const KnownPair& inner) {
  const auto target = target_in(outer, inner);
  if (!target) return std::nullopt;
  if (inner.direction == Direction::kDownload)
    return below(inner.identity.prefix, outer.prefix + *target);
  return below(folder(inner.identity), folder(outer) + *target);
}

}  // namespace

bool Overlap::hides(std::string_view key) const {
  return std::any_of(foreign.begin(), foreign.end(),
                     [&](const std::string& range) { return key.starts_with(range); });
}

Overlap judge_overlap(const PairIdentity& wanted, Direction direction,
                      const std::vector<KnownPair>& others) {
  Overlap overlap;
  const KnownPair self{wanted, direction};
  for (const auto& other : others) {
    const auto& pair = other.identity;
    if (pair == wanted || !same_bucket(pair, wanted)) continue;
    if (!overlaps_wrongly(pair, wanted) && !overlaps_wrongly(wanted, pair)) continue;
    if (direction != Direction::kSync && lies_strictly_inside(pair, wanted)) {
      overlap.warnings.push_back(
          named(wanted) + " lies inside " + named(pair) +
          ", another pair, at another offset: what this run writes is left alone by "
          "that pair's runs from now on");
      add(overlap.foreign, own_output(pair, self));
    } else if (other.direction != Direction::kSync &&
               lies_strictly_inside(wanted, pair)) {
      add(overlap.foreign, target_in(wanted, other));
    } else {
      throw Error(
          ErrorCode::kInvalidArgument,
          named(wanted) + " overlaps " + named(pair) +
              " at another offset: one file would have two keys; choose a prefix that "
              "mirrors the folders, or another sync_state_db for an unrelated bucket "
              "layout");
    }
  }
  return overlap;
}

}  // namespace cloudsync::sync
