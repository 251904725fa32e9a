// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/aws_profile_parser.h"

#include <algorithm>
#include <string_view>

#include "auth/blank.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

bool is_name_character(char c) {
  constexpr std::string_view kPunctuation = "-_/.%@:+";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kPunctuation.find(c) != std::string_view::npos;
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_name_character);
}

bool begins_comment(std::string_view text) {
  return text.starts_with('#') || text.starts_with(';');
}

// A value may hold '#' and ';'; only after a blank do they begin a comment.
std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (is_blank(line[i - 1]) && begins_comment(line.substr(i))) return line.substr(0, i);
  }
  return line;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

class FileParser {
 public:
  explicit FileParser(const AwsFileText& file) : file_(file) {}

  AwsConfigFiles run();

 private:
  struct Property {
    std::string_view name;
    std::string_view value;
  };

  [[noreturn]] void fail(const std::string& what) const;
  void parse_line(std::string_view line);
  void parse_section(std::string_view line);
  void open_section(std::string_view name);
  void open_default(bool with_prefix);
  void parse_property(std::string_view line);
  void parse_continuation(std::string_view line);
  void add_nested(std::string_view line);
  Property split(std::string_view line, const std::string& what) const;

  const AwsFileText& file_;
  AwsConfigFiles result_;
  int line_number_ = 0;
  bool in_section_ = false;
  bool default_has_prefix_ = false;
  ProfileProperties* section_ = nullptr;  // nothing while in a section that is left out
  ProfileProperties left_out_;            // takes the properties of such a section
  std::string property_;                  // that a continuation belongs to; "" = none
  bool nested_ = false;                   // the property is a block of sub-properties
};

AwsConfigFiles FileParser::run() {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string_view text = file_.text;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  while (!text.empty()) {
    ++line_number_;
    const std::size_t end = std::min(text.find('\n'), text.size());
    parse_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(result_);
}

void FileParser::fail(const std::string& what) const {
  throw Error(ErrorCode::kInvalidArgument,
              file_.name + ":" + std::to_string(line_number_) + ": " + what);
}

void FileParser::parse_line(std::string_view line) {
  const std::string_view content = trim_blanks(line);
  if (content.empty() || begins_comment(content)) return;
  if (line.starts_with('[')) return parse_section(content);
  if (is_blank(line.front())) return parse_continuation(content);
  parse_property(line);
}

void FileParser::parse_section(std::string_view line) {
  line = trim_blanks(line.substr(0, line.find_first_of("#;")));
  if (!line.ends_with(']')) fail("Profile definition must end with ']'");
  in_section_ = true;
  property_.clear();
  left_out_.clear();
  section_ = &left_out_;
  open_section(trim_blanks(line.substr(1, line.size() - 2)));
}

// Leaves section_ at left_out_ for names that are not allowed in this file.
void FileParser::open_section(std::string_view name) {
  if (name == "default") return open_default(false);
  if (file_.kind == AwsFileKind::kCredentials) {
    if (is_valid_name(name)) section_ = &result_.profiles[std::string(name)];
    return;
  }
  const std::size_t space = name.find_first_of(" \t");
  if (space == std::string_view::npos) return;
  const std::string_view type = name.substr(0, space);
  const std::string_view rest = trim_blanks(name.substr(space));
  if (!is_valid_name(rest)) return;
  if (type == "profile" && rest == "default") return open_default(true);
  if (type == "profile") section_ = &result_.profiles[std::string(rest)];
  if (type == "sso-session") section_ = &result_.sso_sessions[std::string(rest)];
  if (type == "services") section_ = &result_.services[std::string(rest)];
}

// "[profile default]" anywhere in the file makes every "[default]" of it count for
// nothing.
void FileParser::open_default(bool with_prefix) {
  if (with_prefix && !default_has_prefix_) {
    default_has_prefix_ = true;
    result_.profiles.erase("default");
  }
  if (with_prefix == default_has_prefix_) section_ = &result_.profiles["default"];
}

FileParser::Property FileParser::split(std::string_view line,
                                       const std::string& what) const {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) fail("Expected an '=' sign defining a " + what);
  const std::string_view name = trim_blanks(line.substr(0, equals));
  if (name.empty()) {
    fail((what == "property" ? "Property" : "Sub-property") +
         std::string(" did not have a name"));
  }
  return {name, trim_blanks(line.substr(equals + 1))};
}

void FileParser::parse_property(std::string_view line) {
  if (!in_section_) fail("Expected a profile definition");
  const Property property = split(without_comment(line), "property");
  property_ = lower_case(property.name);
  nested_ = property.value.empty();
  // A name that is not allowed is kept apart, so that its continuations are too.
  ProfileProperties& target = is_valid_name(property.name) ? *section_ : left_out_;
  std::erase_if(target, [prefix = property_ + "."](const auto& entry) {
    return entry.first.starts_with(prefix);
  });
  target[property_] = property.value;
}

void FileParser::parse_continuation(std::string_view line) {
  if (!in_section_) fail("Expected a profile definition");
  if (property_.empty()) fail("Expected a property definition, found continuation");
  if (nested_) add_nested(line);
  if (const auto found = section_->find(property_); found != section_->end()) {
    found->second.append("\n").append(line);
  }
}

void FileParser::add_nested(std::string_view line) {
  const Property property = split(line, "sub-property");
  if (section_->count(property_) == 0) return;
  (*section_)[property_ + "." + lower_case(property.name)] =
      trim_blanks(without_comment(property.value));
}

}  // namespace

AwsConfigFiles parse_aws_file(const AwsFileText& file) { return FileParser(file).run(); }

}  // namespace cloudsync::auth
