// SPDX-License-Identifier: Apache-2.0
#include "auth/google/metadata_server.h"

#include "auth/google/google_auth_testing.h"
#include "http/curl_transport.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cloudsync::auth::google {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kTokenUrl[] =
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/"
    "default/token";

// Accepts connections and never says a word.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(socket_, 8);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { ::close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  int port_ = 0;
};

class MetadataServerTest : public GoogleCredentialsFixture {
 protected:
  void serve_probe(int status = 200) {
    internet_.serve("http://169.254.169.254/", [status](const FakeRequest& request) {
      EXPECT_EQ(request.headers.at("metadata-flavor"), "Google");
      EXPECT_TRUE(request.bypass_proxy);
      return scripted_response(status, {{"Metadata-Flavor", "Google"}}, "");
    });
  }
  void serve_token(const std::string& url, int status = 200,
                   const std::string& body = token_json("machine-token")) {
    internet_.serve(url, [status, body](const FakeRequest& request) {
      EXPECT_EQ(request.method, "GET");
      EXPECT_EQ(request.headers.at("metadata-flavor"), "Google");
      EXPECT_FALSE(request.headers.contains("x-forwarded-for"));
      EXPECT_TRUE(request.bypass_proxy);
      EXPECT_THAT(request.url,
                  HasSubstr("?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2F"
                            "devstorage.full_control"));
      return scripted_response(status, {{"Metadata-Flavor", "Google"}}, body);
    });
  }
};

TEST_F(MetadataServerTest, MachinesTokenIsUsedWhereTheServerIs) {
  serve_probe();
  serve_token(kTokenUrl);
  const auto token = provider()->token({});
  EXPECT_EQ(token->value, "machine-token");
  EXPECT_EQ(token->expires_ns, kTestStart + 3600 * kTestSecond);
  EXPECT_THAT(token->origin, HasSubstr("metadata.google.internal"));
}

TEST_F(MetadataServerTest, ProbeIsMadeOnce) {
  serve_probe();
  serve_token(kTokenUrl);
  const auto tokens = provider();
  tokens->token({});
  clock_.advance(seconds(3600));
  tokens->token({});
  EXPECT_EQ(internet_.requests().size(), 3U);
}

TEST_F(MetadataServerTest, NamedHostIsAskedWithoutAProbe) {
  for (const char* name : {"GCE_METADATA_HOST", "GCE_METADATA_ROOT"}) {
    variables_ = {{name, "127.0.0.1:8080"}};
    serve_token(
        "http://127.0.0.1:8080/computeMetadata/v1/instance/service-accounts/default/"
        "token");
    EXPECT_EQ(provider()->token({})->value, "machine-token");
  }
  EXPECT_EQ(internet_.requests().size(), 2U);
}

TEST_F(MetadataServerTest, NamedHostThatIsDownMayBeTriedAgain) {
  variables_["GCE_METADATA_HOST"] = "127.0.0.1:8080";
  EXPECT_EQ(failure_of(*provider()).code(), ErrorCode::kUnavailable);
}

TEST_F(MetadataServerTest, ServerThatAnswersWithAnErrorIsThere) {
  serve_probe(503);
  serve_token(kTokenUrl, 503, "");
  EXPECT_EQ(failure_of(*provider()).code(), ErrorCode::kUnavailable);
}

TEST_F(MetadataServerTest, AnotherServersAnswerIsNotTrusted) {
  internet_.serve("http://169.254.169.254/", 200, "router login");
  EXPECT_THAT(failure_of(*provider()).what(), HasSubstr("is not Google's"));
  serve_probe();
  internet_.serve(kTokenUrl, 200, token_json("evil-token"));
  const Error error = failure_of(*provider());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("Metadata-Flavor: Google"));
}

TEST_F(MetadataServerTest, MachineWithoutServiceAccountSaysWhatToDo) {
  serve_probe();
  serve_token(kTokenUrl, 404, "not found");
  const Error error = failure_of(*provider());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("HTTP 404"), HasSubstr("attach a service account")));
}

TEST_F(MetadataServerTest, ProbeEndsAtItsTimeout) {
  const SilentServer silent;
  variables_["GCE_METADATA_IP"] = silent.authority();
  variables_["GCE_METADATA_TIMEOUT"] = "1";
  GoogleWorld real = world();
  real.transport = http::make_curl_transport();
  const auto tokens = make_google_credentials({}, real);
  const auto before = steady_clock::now();
  const Error error = failure_of(*tokens);
  EXPECT_LT(steady_clock::now() - before, std::chrono::milliseconds(2500));
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("no answer at " + silent.authority()));
}

TEST_F(MetadataServerTest, CancellationIsNotAbsence) {
  std::stop_source stop;
  stop.request_stop();
  const auto tokens = provider();
  EXPECT_EQ(error_of([&] { tokens->token({stop.get_token(), {}}); }).code(),
            ErrorCode::kCancelled);
}

TEST_F(MetadataServerTest, VariableThatIsNoHostIsRefused) {
  variables_["GCE_METADATA_HOST"] = "evil.example/x?";
  const Error error = failure_of(*provider());
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("GCE_METADATA_HOST"));
}

}  // namespace
}  // namespace cloudsync::auth::google
