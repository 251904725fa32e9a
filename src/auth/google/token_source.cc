// SPDX-License-Identifier: Apache-2.0
#include "auth/google/token_source.h"

#include "base/encoding.h"
#include "cloudsync/error.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace cloudsync::auth::google {
namespace {

using Make = std::unique_ptr<TokenSource> (*)(const SourceInputs&);

struct Kind {
  std::string_view type;
  Make make;
};

constexpr std::array kKinds = {
    Kind{"service_account", make_service_account_source},
    Kind{"authorized_user", make_authorized_user_source},
    Kind{"external_account", make_external_account_source},
    Kind{"external_account_authorized_user", make_external_user_source},
    Kind{"impersonated_service_account", make_impersonated_source}};

// gcloud nests one level; a file that nests for ever must not.
constexpr int kDeepest = 4;

std::string known_types() {
  std::string out;
  for (const Kind& kind : kKinds) {
    out.append(out.empty() ? "" : ", ").append(kind.type);
  }
  return out;
}

std::string type_of(const CredentialDocument& document) {
  if (!document.has("type") && (document.has("installed") || document.has("web"))) {
    document.refuse("type",
                    "is missing: this is the file of an OAuth client, which identifies a "
                    "program; a service account key or `gcloud auth application-default "
                    "login` identifies who may read and write");
  }
  return document.text("type");
}

}  // namespace

std::unique_ptr<TokenSource> make_token_source(const SourceInputs& inputs) {
  const CredentialDocument& document = inputs.document;
  if (inputs.depth > kDeepest) document.refuse("type", "is nested too deeply");
  const std::string type = type_of(document);
  const auto kind = std::ranges::find(kKinds, type, &Kind::type);
  if (kind != kKinds.end()) return kind->make(inputs);
  if (type == "gdch_service_account") {
    throw Error(ErrorCode::kUnsupported,
                base::printable(document.path()) +
                    " is a key of Google Distributed Cloud (gdch_service_account), whose "
                    "object storage speaks S3: use an s3:// location with its endpoint "
                    "and keys");
  }
  document.refuse("type", "is \"" + base::printable(type.substr(0, 64)) +
                              "\"; known are " + known_types());
}

}  // namespace cloudsync::auth::google
