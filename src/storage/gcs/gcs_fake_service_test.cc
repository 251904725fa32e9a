// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_fake_service_test.h"

#include "storage/gcs/gcs_fake_answers_test.h"

#include <algorithm>
#include <set>
#include <utility>

namespace cloudsync::storage::gcs::testing {

std::string FakeGcs::Recorded::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (http::equals_ignoring_case(key, name)) return value;
  return "";
}

HttpResponse FakeGcs::send(const http::HttpRequest& request, ByteSink* sink,
                           const CallContext& context) {
  context.throw_if_stopped();
  Call call{request, "", sink, "", {}};
  std::string target = request.url;
  // Google's, or an emulator's.
  const std::string origin = target.substr(0, target.find('/', target.find("://") + 3));
  EXPECT_TRUE(origin == kOrigin || origin.starts_with("http://127.0.0.1:")) << target;
  target.erase(0, origin.size());
  const std::size_t mark = std::min(target.find('?'), target.size());
  call.path = target.substr(0, mark);
  std::string_view rest =
      std::string_view(target).substr(std::min(mark + 1, target.size()));
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    call.query[base::percent_decode(pair.substr(0, equals))] =
        base::percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
  }
  const std::lock_guard lock(mutex_);
  requests_.push_back({request.method, request.url, request.headers, ""});
  if (auto answer = inject(call)) return *answer;
  call.body = read_all(request.body);
  requests_.back().body = call.body;
  if (const bool writes = request.method == "POST" || request.method == "PUT";
      writes && request.body == nullptr) {
    return bad("411 length required");
  }
  if (auto answer = check_token(call)) return *answer;
  HttpResponse answer = route(call);
  if (std::exchange(lose_answer_, false)) throw reset();
  return answer;
}

std::optional<HttpResponse> FakeGcs::inject(Call& call) {
  break_stream_after_ = ~0ULL;
  if (faults_.empty()) return std::nullopt;
  const Fault fault = faults_.front();
  if (!fault.method.empty() && fault.method != call.request.method) return std::nullopt;
  const auto after = after_bytes(fault.instruction);
  const bool upload = call.path.starts_with("/upload/");
  if (fault.instruction.starts_with("return-503-after")) {
    if (upload) fail_upload_after_ = after;  // stays until a chunk gets that far
    return std::nullopt;
  }
  if (fault.instruction.starts_with("return-broken-stream") &&
      call.parameter("alt") != "media") {
    return std::nullopt;
  }
  faults_.pop_front();
  if (fault.instruction == "return-reset-connection") throw reset();
  if (fault.instruction == "lose-answer") {
    lose_answer_ = true;
  } else if (fault.instruction.starts_with("return-broken-stream")) {
    break_stream_after_ = after.value_or(1);
  } else {
    const int status = std::stoi(fault.instruction.substr(7, 3));
    read_all(call.request.body);
    return refuse(status, status == 401 ? "authError" : "injected", "injected");
  }
  return std::nullopt;
}

std::optional<HttpResponse> FakeGcs::check_token(const Call& call) const {
  if (!accepted_token.empty() &&
      call.header("authorization") != "Bearer " + accepted_token) {
    return refuse(401, "authError", "Invalid Credentials");
  }
  const bool in_session = !call.parameter("upload_id").empty();
  const bool billed = !call.parameter("userProject").empty() ||
                      !call.header("x-goog-user-project").empty() || in_session ||
                      call.path.starts_with("/batch/");
  if (requester_pays && !billed) {
    return refuse(400, "required",
                  "Bucket is a requester pays bucket but no user project provided.");
  }
  return std::nullopt;
}

HttpResponse FakeGcs::route(Call& call) {
  if (call.path == "/batch/storage/v1") return batch(call);
  if (call.path == "/upload/storage/v1/b/bucket/o") return upload(call);
  const std::string root = "/storage/v1/b/bucket";
  if (!call.path.starts_with(root))
    return refuse(404, "notFound", "The specified bucket does not exist.");
  std::string rest = call.path.substr(root.size());
  if (rest.empty()) return bucket(call);
  if (rest == "/o") return list(call);
  rest.erase(0, 3);
  const std::size_t rewriting = rest.find("/rewriteTo/b/bucket/o/");
  if (rewriting != std::string::npos) {
    return rewrite(call, base::percent_decode(rest.substr(0, rewriting)),
                   base::percent_decode(rest.substr(rewriting + 22)));
  }
  if (rest.find('/') != std::string::npos) return bad("a name is one path segment");
  return object_call(call, base::percent_decode(rest));
}

HttpResponse FakeGcs::bucket(Call&) {
  if (!may_read_bucket)
    return refuse(403, "forbidden", "no storage.buckets.get access to the bucket.");
  return answer_json(200, {{"name", "bucket"},
                           {"location", "EUROPE-WEST1"},
                           {"versioning", {{"enabled", true}}}});
}

HttpResponse FakeGcs::list(Call& call) {
  const std::string prefix = call.parameter("prefix");
  const std::string delimiter = call.parameter("delimiter");
  // A token is the name to begin with.
  const std::string from =
      std::max(call.parameter("startOffset"), call.parameter("pageToken"));
  const auto limit = static_cast<std::size_t>(std::stoul(call.parameter("maxResults")));
  if (limit == 0 || limit > 1000) return bad("maxResults");
  json body = {{"kind", "storage#objects"}};
  std::set<std::string> prefixes;
  std::size_t items = 0;
  for (auto it = objects_.lower_bound(std::max(from, prefix)); it != objects_.end();
       ++it) {
    if (!it->first.starts_with(prefix)) break;
    if (items + prefixes.size() == limit) {
      body["nextPageToken"] = it->first;
      break;
    }
    const std::size_t cut =
        delimiter.empty() ? std::string::npos : it->first.find(delimiter, prefix.size());
    if (cut == std::string::npos) {
      body["items"].push_back(object_json(it->first, it->second));
      ++items;
    } else {
      prefixes.insert(it->first.substr(0, cut + 1));
    }
  }
  if (!prefixes.empty()) body["prefixes"] = prefixes;
  return answer_json(200, body);
}

std::optional<HttpResponse> FakeGcs::failed_condition(const std::string& wanted,
                                                      const std::string& name) const {
  if (wanted.empty()) return std::nullopt;
  EXPECT_TRUE(wanted == "0" || is_generation(wanted)) << wanted;
  const auto found = objects_.find(name);
  const std::string now =
      found == objects_.end() ? "0" : std::to_string(found->second.generation);
  if (now == wanted) return std::nullopt;
  return refuse(412, "conditionNotMet",
                "At least one of the pre-conditions you specified did not hold.");
}

HttpResponse FakeGcs::object_call(Call& call, const std::string& name) {
  if (call.request.method == "DELETE") return remove(call, name);
  const auto found = objects_.find(name);
  const std::string generation = call.parameter("generation");
  const bool other = found != objects_.end() && !generation.empty() &&
                     generation != std::to_string(found->second.generation);
  if (found == objects_.end() || other) {
    if (call.parameter("alt") == "media")
      return http::scripted_response(404, {}, "No such object: bucket/" + name);
    return refuse(404, "notFound", "No such object: bucket/" + name);
  }
  if (auto failed = failed_condition(call.parameter("ifGenerationMatch"), name))
    return *failed;
  if (call.parameter("alt") == "media") return media(call, found->second);
  return answer_json(200, object_json(name, found->second));
}

HttpResponse FakeGcs::media(Call& call, const Object& object) {
  if (call.header("accept-encoding") != "gzip") return bad("would be unpacked");
  HttpResponse answer;
  answer.status = 200;
  std::string content = object.content;
  const std::string range = call.header("range");
  if (!range.empty()) {
    const std::size_t dash = range.find('-');
    const auto first = parse_number(std::string_view(range).substr(6, dash - 6)).value();
    const auto last = parse_number(std::string_view(range).substr(dash + 1)).value();
    if (first >= content.size()) return refuse(416, "requestedRangeNotSatisfiable", "");
    answer.status = 206;
    const auto end = std::min<std::uint64_t>(last + 1, content.size());
    answer.headers.emplace_back("content-range", "bytes " + std::to_string(first) + "-" +
                                                     std::to_string(end - 1) + "/" +
                                                     std::to_string(content.size()));
    content = content.substr(first, end - first);
  }
  const json resource = json::parse(object.resource);
  answer.headers.emplace_back("x-goog-generation", std::to_string(object.generation));
  answer.headers.emplace_back("x-goog-hash", "crc32c=" + crc_text(object.content));
  if (!object.composite)
    answer.headers.emplace_back("x-goog-hash", "md5=" + md5_text(object.content));
  answer.headers.emplace_back("x-goog-stored-content-length",
                              std::to_string(object.content.size()));
  answer.headers.emplace_back("x-goog-stored-content-encoding", "identity");
  answer.headers.emplace_back("x-goog-storage-class", "STANDARD");
  answer.headers.emplace_back("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT");
  if (sends_media_metadata && resource.contains("metadata")) {
    for (const auto& [name, value] : resource["metadata"].items())
      answer.headers.emplace_back("x-goog-meta-" + name, value.get<std::string>());
  }
  if (call.sink == nullptr || content.empty()) return answer;
  if (call.request.before_body) call.request.before_body(answer);
  const std::size_t sent = std::min<std::uint64_t>(break_stream_after_, content.size());
  call.sink->write(bytes_of(content).first(sent));
  if (sent < content.size()) throw reset();
  answer.streamed_bytes = sent;
  return answer;
}

HttpResponse FakeGcs::remove(Call& call, const std::string& name) {
  if (!objects_.contains(name))
    return refuse(404, "notFound", "No such object: bucket/" + name);
  if (auto failed = failed_condition(call.parameter("ifGenerationMatch"), name))
    return *failed;
  objects_.erase(name);
  return http::scripted_response(204);
}

HttpResponse FakeGcs::rewrite(Call& call, const std::string& from,
                              const std::string& to) {
  const auto found = objects_.find(from);
  if (found == objects_.end())
    return refuse(404, "notFound", "No such object: bucket/" + from);
  const std::string wanted = call.parameter("ifSourceGenerationMatch");
  if (!wanted.empty() && wanted != std::to_string(found->second.generation))
    return refuse(412, "conditionNotMet", "the source's generation differs");
  if (auto failed = failed_condition(call.parameter("ifGenerationMatch"), to))
    return *failed;
  const std::uint64_t before = parse_number(call.parameter("rewriteToken")).value_or(0);
  const std::uint64_t size = found->second.content.size();
  if (size - before > rewrite_step) {
    const std::string now = std::to_string(before + rewrite_step);
    return answer_json(200, {{"done", false},
                             {"rewriteToken", now},
                             {"totalBytesRewritten", now},
                             {"objectSize", std::to_string(size)}});
  }
  // Without a body the class would be the bucket's default.
  const std::string resource = call.body.empty() ? "{}" : call.body;
  const HttpResponse stored = store(to, found->second.content, resource);
  return answer_json(200, {{"done", true},
                           {"totalBytesRewritten", std::to_string(size)},
                           {"objectSize", std::to_string(size)},
                           {"resource", json::parse(stored.body)}});
}

HttpResponse FakeGcs::store(const std::string& name, std::string content,
                            const std::string& resource) {
  const json said = json::parse(resource);
  if (damages_uploads && !content.empty()) {
    content.back() = static_cast<char>(content.back() ^ 1);
  } else {
    for (const auto& [field, real] : {std::pair{"md5Hash", md5_text(content)},
                                      std::pair{"crc32c", crc_text(content)}}) {
      if (!said.contains(field) || said[field] == real) continue;
      return refuse(400, "invalid",
                    std::string("Provided ") + field + " \"" +
                        said[field].get<std::string>() +
                        "\" doesn't match calculated hash \"" + real + "\".");
    }
  }
  Object object{std::move(content), ++last_generation_, resource, false};
  const json out = object_json(name, object);
  objects_[name] = std::move(object);
  return answer_json(200, out);
}

HttpResponse FakeGcs::batch(Call& call) {
  const std::string type = call.header("content-type");
  if (!type.starts_with("multipart/mixed; boundary=")) return bad(type);
  const std::string line = "--" + type.substr(26) + "\r\n";
  std::string body;
  int calls = 0;
  for (std::size_t at = call.body.find(line); at != std::string::npos;
       at = call.body.find(line, at + 1)) {
    if (++calls > 100) return bad("more than 100 calls");
    const std::size_t id = call.body.find("Content-ID: <", at) + 13;
    const std::size_t verb = call.body.find("\r\n\r\nDELETE ", at) + 11;
    const std::string target =
        call.body.substr(verb, call.body.find(" HTTP/1.1", verb) - verb);
    const std::size_t mark = std::min(target.find('?'), target.size());
    Call inner{call.request, "", nullptr, target.substr(0, mark), {}};
    const std::size_t condition = target.find("ifGenerationMatch=");
    if (condition != std::string::npos) {
      const std::string value = target.substr(condition + 18);
      inner.query["ifGenerationMatch"] = value.substr(0, value.find('&'));
    }
    if (requester_pays && target.find("userProject=") == std::string::npos)
      return bad("an inner call without userProject");
    const std::string root = "/storage/v1/b/bucket/o/";
    if (!inner.path.starts_with(root)) return bad(target);
    const HttpResponse one =
        remove(inner, base::percent_decode(inner.path.substr(root.size())));
    body += "--batch_out\r\nContent-Type: application/http\r\nContent-ID: <response-" +
            call.body.substr(id, call.body.find('>', id) - id) + ">\r\n\r\nHTTP/1.1 " +
            std::to_string(one.status) +
            " Words\r\nContent-Type: application/json\r\n\r\n" + one.body + "\r\n";
  }
  return http::scripted_response(
      200, {{"Content-Type", "multipart/mixed; boundary=batch_out"}},
      body + "--batch_out--");
}

void FakeGcs::fail_next(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

std::size_t FakeGcs::pending_faults() const {
  const std::lock_guard lock(mutex_);
  return faults_.size();
}

std::uint64_t FakeGcs::put(const std::string& name, const std::string& content) {
  const std::lock_guard lock(mutex_);
  store(name, content, "{}");
  return last_generation_;
}

std::optional<FakeGcs::Object> FakeGcs::object(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(name);
  if (found == objects_.end()) return std::nullopt;
  return found->second;
}

std::vector<FakeGcs::Recorded> FakeGcs::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t FakeGcs::count(const std::string& method, const std::string& in_url) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(requests_.begin(), requests_.end(), [&](const Recorded& request) {
        return request.method == method && request.url.find(in_url) != std::string::npos;
      }));
}

std::vector<std::string> FakeGcs::session_urls() const {
  const std::lock_guard lock(mutex_);
  return session_order_;
}

FakeGcs::Session FakeGcs::session(const std::string& url) const {
  const std::lock_guard lock(mutex_);
  return sessions_.at(url.substr(url.find("upload_id=") + 10));
}

void FakeGcs::expire(const std::string& url) {
  const std::lock_guard lock(mutex_);
  sessions_.at(url.substr(url.find("upload_id=") + 10)).cancelled = true;
}

}  // namespace cloudsync::storage::gcs::testing
