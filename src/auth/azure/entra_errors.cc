// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/entra_errors.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string_view>

#include "auth/service_words.h"
#include "auth/url_host.h"
#include "base/encoding.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

enum class Check { kTenant, kProof, kClient, kTrust, kEverything };

struct Advice {
  std::string_view code;
  Check check;
  std::string_view words;
};

// Codes: Microsoft Entra authentication and authorization error codes.
constexpr std::array<Advice, 15> kAdvice = {{
    {"AADSTS90002", Check::kTenant, "there is no such tenant"},
    {"AADSTS900023", Check::kTenant, "that is neither a tenant's ID nor its domain name"},
    {"AADSTS900021", Check::kTenant, "that is no tenant"},
    {"AADSTS7000215", Check::kProof,
     "the secret is wrong; it must be the secret's Value, not its Secret ID"},
    {"AADSTS7000222", Check::kProof, "the secret has expired; make a new one"},
    {"AADSTS700027", Check::kProof,
     "the application does not know this certificate; upload it there"},
    {"AADSTS1000502", Check::kProof, "the certificate has expired; make a new one"},
    {"AADSTS700016", Check::kClient, "the tenant has no such application"},
    {"AADSTS7000112", Check::kClient, "the application is disabled"},
    {"AADSTS7000229", Check::kClient,
     "the application has no service principal in this tenant (az ad sp create)"},
    {"AADSTS70021", Check::kTrust, "no federated credential matches the token"},
    {"AADSTS700211", Check::kTrust, "no federated credential has the token's issuer"},
    {"AADSTS700212", Check::kTrust, "no federated credential has the token's audience"},
    {"AADSTS700213", Check::kTrust, "no federated credential has the token's subject"},
    {"AADSTS700024", Check::kProof,
     "the assertion is not valid now; compare this machine's clock, and see that the "
     "token file is being renewed"},
}};

std::string text_of(const json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

// "AADSTS7000215" out of "AADSTS7000215: Invalid client secret provided. ..."; "" else.
std::string code_in(const std::string& text) {
  const std::size_t begin = text.find("AADSTS");
  if (begin == std::string::npos) return {};
  const std::size_t digits = begin + std::string_view("AADSTS").size();
  std::size_t end = digits;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return end == digits || end - digits > 9 ? "" : text.substr(begin, end - begin);
}

std::string place(Check check, const EntraSubject& subject) {
  switch (check) {
    case Check::kTenant:
      return "check " + subject.tenant.origin +
             " against the Tenant ID on the page Microsoft Entra ID > Overview";
    case Check::kClient:
      return "check " + subject.client.origin +
             " against Application (client) ID on the page App registrations, and " +
             subject.tenant.origin;
    case Check::kProof:
      return "check " + subject.proof +
             " against the application's page Certificates & secrets";
    case Check::kTrust:
      return "check the application's page Certificates & secrets > Federated "
             "credentials against " +
             subject.proof;
    case Check::kEverything:
      break;
  }
  return "check " + subject.tenant.origin + ", " + subject.client.origin + " and " +
         subject.proof;
}

std::string advice_for(const std::string& code, const EntraSubject& subject) {
  const auto* known = std::find_if(kAdvice.begin(), kAdvice.end(),
                                   [&](const Advice& a) { return a.code == code; });
  if (known == kAdvice.end()) return "; " + place(Check::kEverything, subject);
  return "; " + std::string(known->words) + ": " + place(known->check, subject);
}

bool may_pass(const std::string& error) {
  return error == "temporarily_unavailable" || error == "server_error";
}

}  // namespace

std::string subject_name(const EntraSubject& subject) {
  return "application " + base::printable(subject.client.value) + " of tenant " +
         base::printable(subject.tenant.value);
}

Error entra_refusal(const http::HttpResponse& reply, const CredentialRequest& request,
                    const EntraSubject& subject) {
  const json document = json::parse(reply.body, nullptr, false);
  const bool readable = document.is_object();
  const std::string code =
      readable ? code_in(text_of(document, "error_description")) : "";
  const std::string trace = readable ? text_of(document, "trace_id") : "";
  const bool passing = readable && may_pass(text_of(document, "error"));
  return {passing ? ErrorCode::kUnavailable : ErrorCode::kUnauthenticated,
          request.purpose + " was refused by " + shown_url(request.url) + ": " +
              refusal_words(reply) + (passing ? "" : advice_for(code, subject)),
          {reply.status, code, base::printable(trace.substr(0, 100)), {}}};
}

}  // namespace cloudsync::auth
