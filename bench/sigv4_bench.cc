// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "auth/signing_key.h"
#include "auth/sigv4.h"

namespace cloudsync::auth {
namespace {

constexpr char kPayloadHash[] =
    "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";

AwsCredentials bench_credentials() {
  return {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", {}, ""};
}

SigningScope bench_scope() {
  SigningScope scope;
  scope.region = "us-east-1";
  scope.time_ns = 1'369'353'600'000'000'000;
  return scope;
}

// What the upload of one small file signs.
SigningRequest small_put() {
  return {"PUT",
          "/data/2026/11/part-00017.parquet",
          {},
          {{"host", "bucket.s3.us-east-1.amazonaws.com"},
           {"content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="},
           {"content-type", "application/octet-stream"},
           {"if-none-match", "*"},
           {"x-amz-content-sha256", kPayloadHash},
           {"x-amz-date", "20130524T000000Z"},
           {"x-amz-meta-md5chksum", "1B2M2Y8AsgTpgAmY7PhCfg=="},
           {"x-amz-meta-mtime", "1369353600.123456789"}},
          kPayloadHash};
}

void BM_AuthorizationHeader(benchmark::State& state) {
  const SigningRequest request = small_put();
  const AwsCredentials credentials = bench_credentials();
  const SigningScope scope = bench_scope();
  for (auto _ : state) {
    benchmark::DoNotOptimize(authorization_header(request, credentials, scope));
  }
}
BENCHMARK(BM_AuthorizationHeader)->ThreadRange(1, 16)->UseRealTime();

void BM_CanonicalRequest(benchmark::State& state) {
  const SigningRequest request = small_put();
  const SigningScope scope = bench_scope();
  for (auto _ : state) benchmark::DoNotOptimize(canonical_request(request, scope));
}
BENCHMARK(BM_CanonicalRequest);

void BM_DeriveSigningKey(benchmark::State& state) {
  const AwsCredentials credentials = bench_credentials();
  for (auto _ : state) {
    benchmark::DoNotOptimize(derive_signing_key(
        {credentials.secret_access_key, "20130524", "us-east-1", "s3"}));
  }
}
BENCHMARK(BM_DeriveSigningKey);

}  // namespace
}  // namespace cloudsync::auth
