// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "cloudsync/cloud_storage.h"

namespace cloudsync::conformance {

// A MinIO of our own: the binary that CLOUDSYNC_MINIO names, on a free loopback port with
// its own data folder; one for the whole test program, stopped and removed at its end.
class MinioServer {
 public:
  static MinioServer& shared();
  MinioServer();
  ~MinioServer();
  MinioServer(const MinioServer&) = delete;
  MinioServer& operator=(const MinioServer&) = delete;

  const std::string& skip_reason() const { return skip_reason_; }
  StorageOptions options() const;  // of a bucket that exists

 private:
  void start(const std::string& binary);
  bool wait_until_ready() const;

  std::string skip_reason_;
  std::string directory_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace cloudsync::conformance
