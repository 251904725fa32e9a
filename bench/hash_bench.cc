// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "hash/digest.h"

namespace cloudsync::hash {
namespace {

constexpr std::int64_t kSmall = 4 << 10;
constexpr std::int64_t kLarge = 8 << 20;

std::vector<std::byte> buffer_of(const benchmark::State& state) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(state.range(0)));
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    buffer[i] = static_cast<std::byte>(i * 31 + i / 257);
  }
  return buffer;
}

template <class Fn>
void run(benchmark::State& state, Fn&& fn) {
  const std::vector<std::byte> buffer = buffer_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(fn(Bytes(buffer)));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void BM_Md5(benchmark::State& state) {
  run(state, [](Bytes bytes) { return Md5::of(bytes); });
}
BENCHMARK(BM_Md5)->Arg(kSmall)->Arg(kLarge);

void BM_Sha256(benchmark::State& state) {
  run(state, [](Bytes bytes) { return Sha256::of(bytes); });
}
BENCHMARK(BM_Sha256)->Arg(kSmall)->Arg(kLarge);

void BM_Crc32c(benchmark::State& state) {
  run(state, [](Bytes bytes) { return crc32c(bytes); });
}
BENCHMARK(BM_Crc32c)->Arg(kSmall)->Arg(kLarge);

void BM_Crc64Nvme(benchmark::State& state) {
  run(state, [](Bytes bytes) { return crc64nvme(bytes); });
}
BENCHMARK(BM_Crc64Nvme)->Arg(kSmall)->Arg(kLarge);

void BM_HmacSha256(benchmark::State& state) {
  const std::string key(32, 'k');
  const Bytes key_bytes = std::as_bytes(std::span(key));
  run(state, [key_bytes](Bytes bytes) { return hmac_sha256(key_bytes, bytes); });
}
BENCHMARK(BM_HmacSha256)->Arg(192);

void BM_Crc32cCombine(benchmark::State& state) {
  std::uint32_t crc = 0x12345678;
  for (auto _ : state) benchmark::DoNotOptimize(crc = crc32c_combine(crc, 7, kLarge));
}
BENCHMARK(BM_Crc32cCombine);

}  // namespace
}  // namespace cloudsync::hash
