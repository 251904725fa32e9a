// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// AZURE_FEDERATED_TOKEN_FILE with AZURE_TENANT_ID and AZURE_CLIENT_ID, as Kubernetes sets
// them. The file is read each time: what it holds lives for an hour only.
EntraSource make_workload_identity_source(const EntraWorld& world,
                                          const EntraIdentity& identity);

}  // namespace cloudsync::auth
