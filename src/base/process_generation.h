// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cloudsync::base {

// Another number in a child after fork() than in its parent: what belongs to a process
// (connections, threads, locks) is recognised as inherited by the number it was made
// with. Never 0.
unsigned process_generation();

}  // namespace cloudsync::base
