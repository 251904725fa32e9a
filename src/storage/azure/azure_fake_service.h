// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/transport.h"

namespace cloudsync::storage::azure::testing {

inline constexpr char kAccount[] = "acct";
// "not-a-real-account-key-of-anybody" in base64.
inline constexpr char kAccountKey[] = "bm90LWEtcmVhbC1hY2NvdW50LWtleS1vZi1hbnlib2R5";
inline constexpr std::int64_t kNow = 1'690'000'000'000'000'000;

struct FakeBlob {
  std::string content;
  std::string etag;
  std::string content_type = "application/octet-stream";
  std::string md5;                                            // base64
  std::string tier;                                           // "" = the account's
  std::vector<std::pair<std::string, std::string>> metadata;  // names as they were sent
  bool leased = false;
  bool has_snapshots = false;
  std::string copy_id;
  std::string copy_status;
  int polls_left = 0;  // HEADs until a pending copy ends
};

// The container "box" of an account, behind a ScriptedTransport: it checks what the real
// service would check (the Shared Key signature of every request and sub-request, date,
// version, checksums, conditions, names of metadata and tiers, block ids) and answers as
// its documentation says.
class FakeService {
 public:
  http::HttpResponse serve(const http::HttpRequest& request, const std::string& body,
                           ByteSink* sink);

  std::map<std::string, FakeBlob> blobs;
  // Blob, block id (base64), content.
  std::map<std::string, std::map<std::string, std::string>> uncommitted;
  std::int64_t now_ns = kNow;
  bool container_exists = true;
  bool container_being_deleted = false;
  bool knows_batches = true;
  std::size_t page_size = 5000;
  int copy_polls = 0;  // 0 = copies end at once
  std::string copy_end = "success";
  std::string origin = "https://acct.blob.core.windows.net";
  // Instead of the signature.
  bool anyone_may = false;

 private:
  struct Call;

  std::optional<http::HttpResponse> refused(const Call& call);
  http::HttpResponse route(const Call& call);
  http::HttpResponse on_container(const Call& call);
  http::HttpResponse on_blob(const Call& call);
  http::HttpResponse list(const Call& call);
  http::HttpResponse batch(const Call& call);
  http::HttpResponse sub_request(std::string_view text);
  http::HttpResponse read(const Call& call);
  http::HttpResponse write(const Call& call);
  http::HttpResponse put_blob(const Call& call);
  http::HttpResponse put_block(const Call& call);
  http::HttpResponse put_block_list(const Call& call);
  http::HttpResponse get_block_list(const Call& call);
  http::HttpResponse copy(const Call& call);
  http::HttpResponse remove(const Call& call);
  std::optional<http::HttpResponse> refused_write(const Call& call);
  std::optional<http::HttpResponse> damaged(const Call& call);
  std::optional<http::HttpResponse> take_attributes(const Call& call, FakeBlob& blob);
  http::HttpResponse stored(const Call& call, FakeBlob blob);
  http::HttpResponse answer(int status, http::Headers headers = {},
                            std::string body = {}) const;
  http::HttpResponse error(const Call& call, int status, const std::string& code,
                           const std::string& extra = "") const;
  std::string next_etag();

  std::uint64_t etags_ = 0x8D0;
};

}  // namespace cloudsync::storage::azure::testing
