// SPDX-License-Identifier: Apache-2.0
#include "storage/owner_properties.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "storage/content_type.h"

namespace cloudsync::storage {
namespace {

// docs/semantics.md has the same list.
constexpr std::array<std::string_view, 34> kAboutContent = {
    // Times of the file: rclone, s3fs, gsutil and gcloud, azcopy, DataSync, CloudBerry,
    // B2.
    "mtime", "atime", "ctime", "btime", "modtime", "file-mtime", "file-atime",
    "file-ctime", "goog-reserved-file-mtime", "goog-reserved-file-atime",
    "cb-modifiedtime", "src_last_modified_millis",
    // Times and hashes together: s3cmd, mc.
    "s3cmd-attrs", "mc-attrs",
    // Hashes.
    "md5chksum", "md5", "md5sum", "md5-hash", "content-md5", "sha1", "sha1sum",
    "large_file_sha1", "sha256", "sha256sum", "sha512", "sha512sum", "crc32", "crc32c",
    "crc64", "crc64nvme", "xxhash", "checksum",
    // What an empty object stands for: a preserved link, a folder.
    "cs_symlink", "hdi_isfolder"};

// Envelopes of the S3 encryption clients (formats 1, 2 and 3; others copied them to other
// services), and of Azure's.
constexpr std::array<std::string_view, 4> kEnvelopes = {"x-amz-key", "x-amz-key-v2",
                                                        "x-amz-c", "encryptiondata"};
constexpr std::array<std::string_view, 18> kEnvelopeParts = {
    "x-amz-key",
    "x-amz-key-v2",
    "x-amz-iv",
    "x-amz-matdesc",
    "x-amz-cek-alg",
    "x-amz-wrap-alg",
    "x-amz-tag-len",
    "x-amz-c",
    "x-amz-3",
    "x-amz-d",
    "x-amz-i",
    "x-amz-w",
    "x-amz-m",
    "x-amz-t",
    "x-amz-crypto-instr-file",
    "encryptiondata",
    "x-amz-unencrypted-content-length",
    "x-amz-unencrypted-content-md5"};

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool fits_a_header(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

// What servers say of an object that nobody gave a type.
bool is_no_type(std::string_view type) {
  return type.empty() || type == "application/octet-stream" ||
         type == "binary/octet-stream";
}

// Says what stays behind of what cannot be sent again.
class Sieve {
 public:
  Sieve(bool ascii_only, std::string* left_behind)
      : ascii_only_(ascii_only), left_behind_(left_behind) {}

  bool passes(std::string_view name, std::string_view value) const {
    if (!ascii_only_ || (fits_a_header(name) && fits_a_header(value))) return true;
    if (left_behind_ != nullptr) {
      if (!left_behind_->empty()) *left_behind_ += ", ";
      *left_behind_ += base::printable(name);
    }
    return false;
  }
  std::string sifted(std::string_view name, const std::string& value) const {
    return passes(name, value) ? value : "";
  }

 private:
  bool ascii_only_;
  std::string* left_behind_;
};

}  // namespace

bool OwnerProperties::empty() const {
  return content_type.empty() && served == ServedHeaders{} && metadata.empty() &&
         tags.empty();
}

OwnerProperties owner_properties(const ObjectInfo& object, bool ascii_only,
                                 std::string* left_behind) {
  const Sieve sieve(ascii_only, left_behind);
  OwnerProperties owner;
  const std::string& type = object.content_type;
  if (!is_no_type(type) && type != content_type_for(object.key.value))
    owner.content_type = sieve.sifted("Content-Type", type);
  owner.served.cache_control = sieve.sifted("Cache-Control", object.served.cache_control);
  owner.served.content_disposition =
      sieve.sifted("Content-Disposition", object.served.content_disposition);
  owner.served.content_language =
      sieve.sifted("Content-Language", object.served.content_language);
  for (const auto& [name, value] : object.metadata.value_or(Metadata{})) {
    if (!describes_content(name) && sieve.passes(name, value))
      owner.metadata.emplace(name, value);
  }
  return owner;
}

bool describes_content(std::string_view name) {
  const std::string lower = lower_case(name);
  return is_one_of(kAboutContent, lower) || is_one_of(kEnvelopeParts, lower);
}

std::string envelope_name(const Metadata& metadata) {
  for (const auto& [name, value] : metadata) {
    if (is_one_of(kEnvelopes, lower_case(name))) return name;
  }
  return "";
}

}  // namespace cloudsync::storage
