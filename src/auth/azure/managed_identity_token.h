// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// The identity Azure gave to this place: App Service and what is like it, Cloud Shell,
// Azure Arc, else the metadata service of a virtual machine. With `probe` the metadata
// service must first answer within a second, so that a machine elsewhere does not wait.
EntraSource make_managed_identity_source(const EntraWorld& world,
                                         const EntraIdentity& identity, bool probe);

}  // namespace cloudsync::auth
