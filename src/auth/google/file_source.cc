// SPDX-License-Identifier: Apache-2.0
#include "auth/google/credential_search.h"
#include "auth/small_file.h"

namespace cloudsync::auth::google {
namespace {

// Who pays, where the file says so. It becomes a header.
std::string quota_project_of(const CredentialDocument& document) {
  const std::string project = document.text_or("quota_project_id", "");
  return project.empty() ? document.text_or("workforce_pool_user_project", "") : project;
}

class FileSource final : public TokenSource {
 public:
  FileSource(std::string path, std::string named_by, const GoogleWorld& world)
      : path_(std::move(path)), named_by_(std::move(named_by)), world_(world) {}

  AccessToken fetch(const CallContext& context) override {
    reload();
    AccessToken token = source_->fetch(context);
    token.quota_project = quota_project_;
    return token;
  }

 private:
  // A source whose file is unchanged is kept: it may hold a newer refresh token.
  void reload() {
    std::string text =
        require_small_file({path_, "the Google credential file (" + named_by_ + ")"});
    if (source_ && text == text_) return;
    const auto document = CredentialDocument::parse(text, path_);
    source_ = make_token_source({document, world_, kStorageScope});
    quota_project_ = quota_project_of(document);
    text_ = std::move(text);
  }

  const std::string path_;
  const std::string named_by_;
  const GoogleWorld& world_;
  std::string text_;
  std::unique_ptr<TokenSource> source_;
  std::string quota_project_;
};

}  // namespace

std::unique_ptr<TokenSource> make_file_source(const std::string& path,
                                              const std::string& named_by,
                                              const GoogleWorld& world) {
  return std::make_unique<FileSource>(path, named_by, world);
}

}  // namespace cloudsync::auth::google
