// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_fake_answers_test.h"

#include <algorithm>

namespace cloudsync::storage::gcs::testing {

HttpResponse FakeGcs::upload(Call& call) {
  const std::string id = call.parameter("upload_id");
  if (!id.empty()) return session_call(call, id);
  const std::string type = call.parameter("uploadType");
  if (type == "multipart") return upload_enveloped(call);
  if (type == "resumable") return begin_session(call);
  return bad("uploadType " + type);
}

HttpResponse FakeGcs::upload_enveloped(Call& call) {
  const std::string type = call.header("content-type");
  if (!type.starts_with("multipart/related; boundary=")) return bad(type);
  const std::string line = "--" + type.substr(28);
  const std::string middle = "\r\n" + line + "\r\n";
  const std::string end = "\r\n" + line + "--\r\n";
  const std::size_t second = call.body.find(middle);
  if (!call.body.starts_with(line + "\r\n") || second == std::string::npos ||
      !call.body.ends_with(end)) {
    return bad("the envelope");
  }
  const std::size_t text = call.body.find("\r\n\r\n") + 4;
  const std::string resource = call.body.substr(text, second - text);
  const std::size_t content = call.body.find("\r\n\r\n", second + middle.size()) + 4;
  const json said = json::parse(resource, nullptr, false);
  if (!said.is_object() || !said.contains("name")) return bad("the resource");
  const std::string name = said["name"];
  if (auto failed = failed_condition(call.parameter("ifGenerationMatch"), name))
    return *failed;
  return store(name, call.body.substr(content, call.body.size() - end.size() - content),
               resource);
}

HttpResponse FakeGcs::begin_session(Call& call) {
  Session session;
  session.resource = call.body;
  session.name = call.parameter("name");
  session.condition = call.parameter("ifGenerationMatch");
  const auto size = parse_number(call.header("x-upload-content-length"));
  if (session.name.empty() || !size) return bad("a session without name or size");
  if (json::parse(call.body).value("name", "") != session.name) return bad("two names");
  if (auto failed = failed_condition(session.condition, session.name)) return *failed;
  session.announced = *size;
  const std::string id = "SECRET-UPLOAD-" + std::to_string(sessions_.size() + 1);
  sessions_[id] = session;
  const std::string url = std::string(kOrigin) +
                          "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=" +
                          base::percent_encode(session.name) + "&upload_id=" + id;
  session_order_.push_back(url);
  return http::scripted_response(200, {{"Location", url}});
}

HttpResponse FakeGcs::session_call(Call& call, const std::string& id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return refuse(404, "notFound", "no session " + id);
  Session& session = found->second;
  if (call.request.method == "DELETE") {
    if (call.request.body == nullptr) return bad("411 length required");
    if (session.complete || session.cancelled) return refuse(404, "notFound", "over");
    session.cancelled = true;
    return http::scripted_response(499);
  }
  if (call.request.method != "PUT") return bad(call.request.method);
  if (session.cancelled) return refuse(410, "gone", "session " + id + " is gone");
  return chunk(call, session);
}

HttpResponse FakeGcs::chunk(Call& call, Session& session) {
  std::string range = call.header("content-range");
  if (!range.starts_with("bytes ")) return bad("no Content-Range");
  range.erase(0, 6);
  const std::size_t slash = range.find('/');
  const std::string total = range.substr(slash + 1);
  const auto go_on = [&] {
    HttpResponse answer = http::scripted_response(308);
    if (!session.received.empty()) {
      answer.headers.emplace_back(
          "range", "bytes=0-" + std::to_string(session.received.size() - 1));
    }
    return answer;
  };
  if (session.complete) {
    return answer_json(200, object_json(session.name, objects_.at(session.name)));
  }
  const bool asks = range.starts_with("*");
  if (asks && !call.body.empty()) return bad("a status query with a body");
  if (asks && ends_asked_sessions) {
    session.complete = true;
    return store(session.name, session.received, session.resource);
  }
  if (asks && total == "*") return go_on();
  if (total != "*" && total != std::to_string(session.announced)) return bad("total");
  if (!asks) {
    const std::size_t dash = range.find('-');
    const auto first = parse_number(range.substr(0, dash)).value();
    const auto last = parse_number(range.substr(dash + 1, slash - dash - 1)).value();
    if (last + 1 - first != call.body.size()) return bad("Content-Range and length");
    if (first > session.received.size()) return refuse(400, "invalid", "a gap");
    if (total == "*" && (last + 1) % kMultiple != 0) return bad("not a multiple");
    std::uint64_t end = std::min<std::uint64_t>(
        last + 1,
        std::max<std::uint64_t>(first, session.received.size()) + keeps_at_most);
    const bool cut = fail_upload_after_ && last + 1 > *fail_upload_after_;
    if (cut) end = std::max<std::uint64_t>(*fail_upload_after_, session.received.size());
    if (end < last + 1) end -= end % kMultiple;
    // What is there already is ignored.
    if (end > session.received.size())
      session.received += call.body.substr(session.received.size() - first,
                                           end - session.received.size());
    if (cut) {
      fail_upload_after_.reset();
      faults_.pop_front();
      return refuse(503, "backendError", "injected");
    }
  }
  if (total == "*" || session.received.size() < session.announced) return go_on();
  if (auto failed = failed_condition(session.condition, session.name)) return *failed;
  json resource = json::parse(session.resource);
  const std::string hashes = call.header("x-goog-hash");
  if (hashes.find("crc32c=") != std::string::npos)
    resource["crc32c"] = hashes.substr(hashes.find("crc32c=") + 7, 8);
  if (hashes.find("md5=") != std::string::npos)
    resource["md5Hash"] = hashes.substr(hashes.find("md5=") + 4, 24);
  HttpResponse answer = store(session.name, session.received, resource.dump());
  session.complete = answer.status == 200;
  return answer;
}

}  // namespace cloudsync::storage::gcs::testing
