// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sigv4.h"
#include "auth/google/google_auth_testing.h"
#include "base/log.h"

namespace cloudsync::auth::google {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kImds[] = "http://169.254.169.254/latest/";

class AwsSubjectTokenTest : public GoogleCredentialsFixture {
 protected:
  static json account() {
    const std::string imds = kImds;
    json document = external_account_json(
        {{"environment_id", "aws1"},
         {"region_url", imds + "meta-data/placement/availability-zone"},
         {"url", imds + "meta-data/iam/security-credentials"},
         {"imdsv2_session_token_url", imds + "api/token"},
         {"regional_cred_verification_url",
          "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&"
          "Version=2011-06-15"}});
    document["subject_token_type"] = "urn:ietf:params:aws:token-type:aws4_request";
    return document;
  }
  void set_keys() {
    variables_["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE";
    variables_["AWS_SECRET_ACCESS_KEY"] = "aws-secret-key-1";
    variables_["AWS_REGION"] = "us-east-1";
  }
  void serve_imds() {
    const std::string imds = kImds;
    internet_.serve(imds + "api/token", [](const FakeRequest& request) {
      EXPECT_EQ(request.method, "PUT");
      EXPECT_EQ(request.headers.at("x-aws-ec2-metadata-token-ttl-seconds"), "300");
      EXPECT_TRUE(request.bypass_proxy);
      return scripted_response(200, {}, "imds-session");
    });
    serve_metadata("placement/availability-zone", "eu-west-2b");
    serve_metadata("iam/security-credentials", "my-role\n");
    serve_metadata("iam/security-credentials/my-role",
                   json{{"Code", "Success"},
                        {"AccessKeyId", "ASIAROLE"},
                        {"SecretAccessKey", "aws-role-secret"},
                        {"Token", "aws-role-session"}}
                       .dump());
  }
  void serve_metadata(const std::string& path, const std::string& body) {
    internet_.serve(kImds + ("meta-data/" + path), [body](const FakeRequest& request) {
      EXPECT_EQ(request.method, "GET");
      EXPECT_EQ(request.headers.at("x-aws-ec2-metadata-token"), "imds-session");
      EXPECT_TRUE(request.bypass_proxy);
      return scripted_response(200, {}, body);
    });
  }
  // What Google decodes and would send to Amazon.
  json exchanged() {
    internet_.serve(kStsUrl, 200, token_json("federated-token"));
    EXPECT_EQ(provider_for(account())->token({})->value, "federated-token");
    const auto requests = internet_.requests();
    const FormFields form = requests.back().form();
    EXPECT_EQ(form.at("subject_token_type"),
              "urn:ietf:params:aws:token-type:aws4_request");
    return json::parse(base::percent_decode(form.at("subject_token")));
  }
  static std::map<std::string, std::string> headers_of(const json& request) {
    std::map<std::string, std::string> out;
    for (const auto& header : request["headers"]) {
      EXPECT_EQ(header.size(), 2U);
      out[header["key"]] = header["value"];
    }
    return out;
  }
  // As Amazon recomputes it, from nothing but the headers and the secret.
  static std::string recomputed(std::map<std::string, std::string> headers,
                                const AwsCredentials& credentials,
                                const std::string& region) {
    headers.erase("Authorization");
    std::string canonical = "POST\n/\nAction=GetCallerIdentity&Version=2011-06-15\n";
    std::string names;
    for (const auto& [name, value] : headers) {
      canonical += name + ":" + value + "\n";
      names += (names.empty() ? "" : ";") + name;
    }
    canonical += "\n" + names +
                 "\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    SigningScope scope;
    scope.region = region;
    scope.service = "sts";
    scope.time_ns = kTestStart;
    return "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + "/20270115/" +
           region + "/sts/aws4_request, SignedHeaders=" + names +
           ", Signature=" + sign(string_to_sign(canonical, scope), credentials, scope);
  }
};

TEST_F(AwsSubjectTokenTest, SignedRequestOfTheEnvironmentsKeysIsTheSubject) {
  set_keys();
  const json request = exchanged();
  EXPECT_EQ(request["method"], "POST");
  EXPECT_EQ(request["url"],
            "https://sts.us-east-1.amazonaws.com?Action=GetCallerIdentity&"
            "Version=2011-06-15");
  const auto headers = headers_of(request);
  EXPECT_EQ(headers.at("host"), "sts.us-east-1.amazonaws.com");
  EXPECT_EQ(headers.at("x-amz-date"), "20270115T080000Z");
  EXPECT_EQ(headers.at("x-goog-cloud-target-resource"), kAudience);
  EXPECT_EQ(headers.size(), 4U);
  EXPECT_EQ(
      headers.at("Authorization"),
      recomputed(headers, {"AKIDEXAMPLE", "aws-secret-key-1", "", {}, ""}, "us-east-1"));
  EXPECT_EQ(internet_.requests().size(), 1U);
  EXPECT_EQ(base::redacted("aws-secret-key-1"), "***");
}

TEST_F(AwsSubjectTokenTest, SessionTokenIsSignedToo) {
  set_keys();
  variables_["AWS_SESSION_TOKEN"] = "aws-session-1";
  const auto headers = headers_of(exchanged());
  EXPECT_EQ(headers.at("x-amz-security-token"), "aws-session-1");
  EXPECT_EQ(
      headers.at("Authorization"),
      recomputed(headers, {"AKIDEXAMPLE", "aws-secret-key-1", "", {}, ""}, "us-east-1"));
}

TEST_F(AwsSubjectTokenTest, InstanceMetadataGivesRegionAndRole) {
  serve_imds();
  const auto headers = headers_of(exchanged());
  EXPECT_EQ(headers.at("host"), "sts.eu-west-2.amazonaws.com");
  EXPECT_EQ(headers.at("x-amz-security-token"), "aws-role-session");
  EXPECT_EQ(
      headers.at("Authorization"),
      recomputed(headers, {"ASIAROLE", "aws-role-secret", "", {}, ""}, "eu-west-2"));
  EXPECT_EQ(base::redacted("imds-session aws-role-secret aws-role-session"),
            "*** *** ***");
}

TEST_F(AwsSubjectTokenTest, DefaultRegionIsTheSecondChoice) {
  set_keys();
  variables_.erase("AWS_REGION");
  variables_["AWS_DEFAULT_REGION"] = "ap-south-1";
  EXPECT_EQ(headers_of(exchanged()).at("host"), "sts.ap-south-1.amazonaws.com");
}

TEST_F(AwsSubjectTokenTest, RegionCannotChangeTheHost) {
  set_keys();
  variables_["AWS_REGION"] = "evil.example/?";
  const Error error = failure_for(account());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("is no AWS region"));
}

TEST_F(AwsSubjectTokenTest, MissingMetadataUrlsAreNamed) {
  json document = account();
  document["credential_source"].erase("region_url");
  EXPECT_THAT(failure_for(document).what(), HasSubstr("set AWS_REGION"));
  variables_["AWS_REGION"] = "us-east-1";
  document["credential_source"].erase("url");
  EXPECT_THAT(failure_for(document).what(),
              AllOf(HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr(home_ / "key.json")));
}

TEST_F(AwsSubjectTokenTest, UnusableMetadataIsAnError) {
  serve_imds();
  serve_metadata("iam/security-credentials/my-role", R"({"Code":"Failed"})");
  EXPECT_THAT(failure_for(account()).what(),
              HasSubstr("no usable credentials for the role my-role"));
  serve_metadata("iam/security-credentials", "");
  EXPECT_THAT(failure_for(account()).what(), HasSubstr("names no role"));
  internet_.serve(std::string(kImds) + "meta-data/iam/security-credentials", 404, "");
  EXPECT_THAT(failure_for(account()).what(),
              AllOf(HasSubstr("the name of the role"), HasSubstr("HTTP 404")));
  internet_.serve(std::string(kImds) + "api/token", 200, "a\r\nx: y");
  EXPECT_THAT(failure_for(account()).what(), HasSubstr("no usable session token"));
  internet_.serve(std::string(kImds) + "api/token", 500, "");
  EXPECT_EQ(failure_for(account()).code(), ErrorCode::kUnavailable);
}

TEST_F(AwsSubjectTokenTest, OtherVersionsAndPlainHttpAreRefused) {
  set_keys();
  json document = account();
  document["credential_source"]["environment_id"] = "aws2";
  EXPECT_THAT(failure_for(document).what(), HasSubstr("must be \"aws1\""));
  document = account();
  document["credential_source"]["regional_cred_verification_url"] = "http://x";
  EXPECT_THAT(failure_for(document).what(), HasSubstr("https://"));
  document["credential_source"].erase("regional_cred_verification_url");
  EXPECT_THAT(failure_for(document).what(), HasSubstr("regional_cred_verification_url"));
}

}  // namespace
}  // namespace cloudsync::auth::google
