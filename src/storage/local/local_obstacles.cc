// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_obstacles.h"

#include <fcntl.h>

#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::storage::local {

std::string why_no_object(const base::FileStat& stat) {
  switch (stat.kind) {
    case base::FileKind::kSymlink:
      return "is a symbolic link";
    case base::FileKind::kSpecial:
      return "is a FIFO, socket or device";
    case base::FileKind::kRegular:
    case base::FileKind::kDirectory:
      break;
  }
  return "";
}

std::optional<std::string> obstacle_on(int bucket, const std::string& path) {
  std::size_t end = 0;
  while (end != std::string::npos) {
    end = path.find('/', end == 0 ? 0 : end + 1);
    const std::string part = path.substr(0, end);
    const auto stat = stat_beneath(bucket, part);
    if (!stat) return std::nullopt;
    const std::string why = why_no_object(*stat);
    if (!why.empty()) return "'" + base::printable(part) + "' " + why;
    if (stat->kind != base::FileKind::kDirectory) return std::nullopt;
  }
  return std::nullopt;
}

void throw_obstacle(const std::string& sentence, const std::string& where) {
  throw Error(ErrorCode::kAlreadyExists,
              sentence + " in the local bucket '" + where +
                  "', no object: neither it nor any key below it is touched; put the "
                  "file or folder back in its place, or remove it if nothing is missed");
}

void refuse_obstacle(const BucketFolder& folder, int bucket, const std::string& path) {
  if (const auto obstacle = obstacle_on(bucket, path))
    throw_obstacle(*obstacle, folder.path());
}

}  // namespace cloudsync::storage::local
