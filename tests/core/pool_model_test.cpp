// More than a million random operations against the naive model. NUMPOOL_TEST_SEED=n tries others.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "model_run.h"

using numpool_test::ModelOptions;
using numpool_test::ModelRun;

namespace {

std::uint64_t seed_from_environment() {
  const char* const text = std::getenv("NUMPOOL_TEST_SEED");
  return text == nullptr ? 20240601 : std::strtoull(text, nullptr, 10);
}

struct Row {
  std::uint32_t size;
  std::vector<std::uint32_t> sizes;
  std::uint32_t sessions;
  std::uint32_t most_waiters;
  std::uint32_t full_check_every;
  std::uint64_t steps;
};

void run(const Row& row, ModelRun::Seen& total) {
  const std::uint64_t seed = seed_from_environment() * 1000003 + row.size;
  ModelRun model(ModelOptions{row.size, row.sizes, row.sessions, row.most_waiters,
                              row.full_check_every, seed});
  for (std::uint64_t step = 1; step <= row.steps; ++step)
    if (!model.step()) FAIL("size " << row.size << ", step " << step << ": " << model.problem());
  const ModelRun::Seen& seen = model.seen();
  CAPTURE(row.size);
  CHECK(seen.grants > 0);
  CHECK(seen.handoffs > 0);
  CHECK(seen.left_queue > 0);
  CHECK(seen.left_after_grant > 0);
  CHECK(seen.condemned > 0);
  CHECK(seen.resizes > 0);
  CHECK(seen.retired > 0);
  CHECK(seen.collected > 0);
  CHECK(seen.rested > 0);
  CHECK(seen.rests_ended > 0);
  CHECK(seen.served_after_rest > 0);
  CHECK(seen.ended > 0);
  CHECK(seen.forced > 0);
  CHECK(seen.services > 0);
  total.long_services += seen.long_services;
  total.long_dismissals += seen.long_dismissals;
}

}  // namespace

TEST_CASE("pool: random operations against the naive model") {
  const Row rows[] = {
      {1, {1, 2, 3}, 5, 20, 1, 200000},
      {2, {1, 2, 3, 16, 17}, 6, 90, 1, 200000},
      {3, {1, 2, 3, 4, 16, 100}, 8, 150, 1, 150000},
      {16, {1, 15, 16, 17, 40}, 30, 60, 1, 150000},
      {17, {2, 16, 17, 33, 200}, 30, 200, 1, 150000},
      {64, {16, 63, 64, 65, 128}, 100, 300, 1, 120000},
      {65, {1, 64, 65, 66, 300}, 100, 300, 1, 120000},
      {1000, {1, 64, 65, 999, 1000, 1025}, 400, 900, 8, 120000},
      {4097, {1, 64, 4095, 4096, 4097, 65536}, 300, 500, 512, 10000},
  };
  ModelRun::Seen total{};
  std::uint64_t steps = 0;
  for (const Row& row : rows) {
    run(row, total);
    steps += row.steps;
  }
  CHECK(steps >= 1000000);
  CHECK(total.long_services > 0);
  CHECK(total.long_dismissals > 0);
}
