// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_wire.h"

#include "cloudsync/error.h"

namespace cloudsync::storage::s3 {
namespace {

// Line ends are written as references: a parser would turn a bare CR into LF.
std::string_view xml_reference(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\t':
      return "&#x9;";
    case '\n':
      return "&#xA;";
    case '\r':
      return "&#xD;";
    default:
      return {};
  }
}

void append_escaped(std::string& xml, std::string_view text) {
  for (const char c : text) {
    const std::string_view reference = xml_reference(c);
    if (reference.empty()) {
      xml += c;
    } else {
      xml += reference;
    }
  }
}

}  // namespace

S3Request make_request(Operation operation, std::string_view method) {
  S3Request request;
  request.operation = operation;
  request.method = method;
  return request;
}

S3Request make_object_request(Operation operation, std::string_view method,
                              const ObjectKey& key) {
  if (key.value.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(operation.name) + ": an empty key names no object");
  }
  S3Request request = make_request(operation, method);
  request.key = key.value;
  return request;
}

void add_condition(S3Request& out, const Precondition& condition) {
  if (condition.if_absent && condition.if_match) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(out.operation.name) + ": two preconditions at once");
  }
  if (condition.if_absent) out.headers.emplace_back("if-none-match", "*");
  if (condition.if_match) {
    out.headers.emplace_back("if-match", quoted(condition.if_match->value));
  }
}

void append_element(std::string& xml, std::string_view name, std::string_view text) {
  xml.append("<").append(name).append(">");
  append_escaped(xml, text);
  xml.append("</").append(name).append(">");
}

bool is_xml_text(std::string_view text) {
  if (!base::is_valid_utf8(text)) return false;
  for (const char c : text) {
    const bool blank = c == '\t' || c == '\n' || c == '\r';
    if (static_cast<unsigned char>(c) < 0x20 && !blank) return false;
  }
  return text.find("\xEF\xBF\xBE") == std::string_view::npos &&
         text.find("\xEF\xBF\xBF") == std::string_view::npos;
}

}  // namespace cloudsync::storage::s3
