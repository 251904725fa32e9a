// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/auth_testing.h"
#include "auth/azure/entra_source.h"
#include "auth/settable_clock_testing.h"
#include "base/encoding.h"
#include "http/scripted_transport.h"

namespace cloudsync::auth {

inline constexpr char kTenantId[] = "11111111-2222-3333-4444-555555555555";
inline constexpr char kClientId[] = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

using Fields = std::map<std::string, std::string>;

// "a=b&c=d", decoded.
inline Fields fields_of(std::string_view text) {
  Fields out;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const auto equals = std::min(item.find('='), item.size());
    out[base::percent_decode(item.substr(0, equals), true)] =
        base::percent_decode(item.substr(std::min(equals + 1, item.size())), true);
  }
  return out;
}

inline std::string path_of(const std::string& url) {
  return url.substr(0, url.find('?'));
}

inline Fields query_of(const std::string& url) {
  const auto question = url.find('?');
  return question == std::string::npos ? Fields{} : fields_of(url.substr(question + 1));
}

inline std::string header_of(const http::HttpRequest& request, std::string_view name) {
  http::ScriptedTransport::Recorded recorded;
  recorded.headers = request.headers;
  return recorded.header(name);
}

// What Entra's token endpoint answers.
inline http::HttpResponse token_reply(const std::string& token, int seconds = 3599) {
  return http::scripted_response(200, {{"content-type", "application/json"}},
                                 R"({"token_type":"Bearer","expires_in":)" +
                                     std::to_string(seconds) + R"(,"access_token":")" +
                                     token + "\"}");
}

inline http::HttpResponse aadsts_reply(int status, const std::string& error,
                                       const std::string& words) {
  return http::scripted_response(
      status, {},
      R"({"error":")" + error + R"(","error_description":")" + words +
          R"(\r\nTrace ID: 1-2-3\r\nCorrelation ID: 4","error_codes":[1],)"
          R"("trace_id":"1-2-3"})");
}

// Everything around the sources: who answers, what is set, what time it is, who runs.
struct TestWorld {
  std::map<std::string, std::string> variables;
  std::shared_ptr<http::ScriptedTransport> transport =
      std::make_shared<http::ScriptedTransport>();
  SettableClock clock;
  EntraWorld::RunProgram run_program = [](const base::Subprocess&,
                                          const CallContext&) -> base::SubprocessResult {
    throw Error(ErrorCode::kNotFound, "no program az");
  };
  std::string arc_token_directory = "/nowhere";

  EntraWorld world() {
    return {.environment = environment_of(variables),
            .transport = transport,
            .clock = clock,
            .run_program = run_program,
            .arc_token_directory = arc_token_directory};
  }

  void set_application(const std::string& proof_name, const std::string& proof) {
    variables["AZURE_TENANT_ID"] = kTenantId;
    variables["AZURE_CLIENT_ID"] = kClientId;
    variables[proof_name] = proof;
  }
};

// Serves every request with `answer`.
inline void answer_all(
    TestWorld& world,
    std::function<http::HttpResponse(const http::HttpRequest&, const std::string&)>
        answer) {
  world.transport = std::make_shared<http::ScriptedTransport>(
      [answer = std::move(answer)](const http::HttpRequest& request,
                                   const std::string& body,
                                   ByteSink*) { return answer(request, body); });
}

// The network of a machine that is not in a cloud.
inline http::HttpResponse no_route() {
  throw Error(ErrorCode::kUnavailable, "no route to host");
}

// What the token endpoint of kTenantId checks before it looks at the proof.
inline void check_token_request(const http::HttpRequest& request, const Fields& form) {
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, std::string("https://login.microsoftonline.com/") + kTenantId +
                             "/oauth2/v2.0/token");
  EXPECT_EQ(header_of(request, "content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(form.at("grant_type"), "client_credentials");
  EXPECT_EQ(form.at("client_id"), kClientId);
  EXPECT_EQ(form.at("scope"), "https://storage.azure.com/.default");
}

}  // namespace cloudsync::auth
