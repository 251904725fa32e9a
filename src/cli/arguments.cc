// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

namespace cloudsync::cli {

std::string command_name(Command command) {
  switch (command) {
    case Command::kUpload:
      return "upload";
    case Command::kDownload:
      return "download";
    case Command::kSync:
      return "sync";
    case Command::kStatus:
      return "status";
    case Command::kRetry:
      return "retry";
    case Command::kLs:
      return "ls";
    case Command::kConflictsList:
      return "conflicts list";
    case Command::kConflictsShow:
      return "conflicts show";
    case Command::kConflictsResolve:
      return "conflicts resolve";
    case Command::kConfigCheck:
      return "config check";
  }
  throw Error(ErrorCode::kInternal, "unknown command");
}

bool is_transfer(Command command) {
  return command == Command::kUpload || command == Command::kDownload ||
         command == Command::kSync;
}

}  // namespace cloudsync::cli
