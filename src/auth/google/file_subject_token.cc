// SPDX-License-Identifier: Apache-2.0
#include "auth/google/subject_token.h"
#include "auth/small_file.h"
#include "base/encoding.h"

namespace cloudsync::auth::google {
namespace {

// A file that somebody else renews (a projected Kubernetes token).
class FileSubjectToken final : public SubjectTokenSource {
 public:
  explicit FileSubjectToken(const CredentialDocument& credential_source)
      : path_(credential_source.text("file")),
        format_(credential_source),
        named_by_(credential_source.field_name("file")) {}

  std::string read(const CallContext&) override {
    const std::string text =
        require_small_file({path_, "the subject token file (" + named_by_ + ")"});
    return format_.extract(text, base::printable(path_));
  }

 private:
  const std::string path_;
  const SubjectTokenFormat format_;
  const std::string named_by_;
};

}  // namespace

std::unique_ptr<SubjectTokenSource> make_file_subject_token(
    const CredentialDocument& account) {
  return std::make_unique<FileSubjectToken>(account.object("credential_source"));
}

}  // namespace cloudsync::auth::google
