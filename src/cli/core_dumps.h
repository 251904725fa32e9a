// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cloudsync::cli {

// A core dump would hold the credentials of the moment. Off for this process and what it
// starts, unless CLOUDSYNC_CORE_DUMPS=1 asks for one. The program's business alone: a
// process that embeds the library decides for itself.
void keep_secrets_out_of_core_dumps();

}  // namespace cloudsync::cli
