// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_limits.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cstdint>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

namespace cloudsync::config {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::uint64_t kMaxNodes = 10'000;

// Counts what the document would be once expanded: an alias counts as everything below
// its anchor.
class LimitGuard final : public YAML::EventHandler {
 public:
  explicit LimitGuard(const std::string& text) : text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    // At one of these outside brackets yaml-cpp begins documents without end.
    const auto at = static_cast<std::size_t>(mark.pos);
    if (at < text_.size() &&
        std::string_view(",]}").find(text_[at]) != std::string::npos) {
      refuse(mark, std::string("'") + text_[at] + "' cannot stand here");
    }
    refuse(mark, "a second document (after \"---\"); one is expected");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add_leaf(mark, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& /*value*/) override {
    add_leaf(mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = sizes_.find(anchor);
    if (known == sizes_.end()) refuse(mark, "an alias stands inside its own anchor");
    add(mark, known->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/,
                       YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    begin(mark, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    begin(mark, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Collection {
    YAML::anchor_t anchor;
    std::uint64_t nodes_before;
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, const std::string& why) {
    throw YAML::ParserException(mark, why);
  }

  void add(const YAML::Mark& mark, std::uint64_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxNodes)
      refuse(mark, "holds too much: more than 10,000 values once aliases are expanded");
  }

  void add_leaf(const YAML::Mark& mark, YAML::anchor_t anchor) {
    add(mark, 1);
    if (anchor != 0) sizes_[anchor] = 1;
  }

  void begin(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxDepth) refuse(mark, "is nested too deeply: more than 32");
    open_.push_back({anchor, nodes_});
    add(mark, 1);
  }

  void end() {
    const Collection closed = open_.back();
    open_.pop_back();
    if (closed.anchor != 0) sizes_[closed.anchor] = nodes_ - closed.nodes_before;
  }

  const std::string& text_;
  int documents_ = 0;
  std::uint64_t nodes_ = 0;
  std::vector<Collection> open_;
  std::map<YAML::anchor_t, std::uint64_t> sizes_;
};

}  // namespace

void require_small_yaml(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  LimitGuard guard(text);
  while (parser.HandleNextDocument(guard)) {
  }
}

}  // namespace cloudsync::config
