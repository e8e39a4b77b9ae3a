// Tokens: hundreds of thousands of random operations against the naive model.
// NUMPOOL_TEST_SEED=n tries others.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>

#include "timed_run.h"

using numpool_test::TimedRun;

namespace {

std::uint64_t seed_from_environment() {
  const char* const text = std::getenv("NUMPOOL_TEST_SEED");
  return text == nullptr ? 20240601 : std::strtoull(text, nullptr, 10);
}

struct Row {
  std::uint32_t size;
  std::uint32_t most_tokens;
  std::uint32_t ttl_ticks;
  std::uint64_t pools;
  std::uint64_t steps;  // of each pool, which is dropped then
};

void run(const Row& row, TimedRun::Seen& total) {
  for (std::uint64_t pool = 0; pool < row.pools; ++pool) {
    const std::uint64_t seed = (seed_from_environment() * 1000003 + row.size) * 1009 + pool;
    TimedRun model(row.size, row.most_tokens, row.ttl_ticks, seed);
    for (std::uint64_t step = 1; step <= row.steps; ++step)
      if (!model.step())
        FAIL("size " << row.size << ", pool " << pool << ", step " << step << ": "
                     << model.problem());
    if (!model.drop()) FAIL("size " << row.size << ", pool " << pool << ": " << model.problem());
    const TimedRun::Seen& seen = model.seen();
    total.held += seen.held;
    total.kept += seen.kept;
    total.picked_up += seen.picked_up;
    total.put_back += seen.put_back;
    total.expired += seen.expired;
    total.places_over += seen.places_over;
    total.offers_over += seen.offers_over;
    total.late_timers += seen.late_timers;
    total.nearer += seen.nearer;
    total.renewed += seen.renewed;
    total.released += seen.released;
    total.taken_back += seen.taken_back;
    total.forgotten += seen.forgotten;
    total.resizes += seen.resizes;
    total.above += seen.above;
    total.sleepers_granted += seen.sleepers_granted;
    total.batches += seen.batches;
  }
}

}  // namespace

TEST_CASE("tokens: random operations against the naive model") {
  const Row rows[] = {
      {1, 6, 300, 40, 2000},   {2, 12, 300, 40, 2000},    {8, 30, 300, 30, 2000},
      {40, 120, 600, 8, 5000}, {70, 300, 20000, 4, 5000},
  };
  TimedRun::Seen total{};
  std::uint64_t steps = 0;
  for (const Row& row : rows) {
    run(row, total);
    steps += row.pools * row.steps;
  }
  CHECK(steps >= 200000);
  CHECK(total.held > 1000);
  CHECK(total.kept > 1000);
  CHECK(total.picked_up > 1000);
  CHECK(total.put_back > 100);
  CHECK(total.expired > 1000);
  CHECK(total.places_over > 1000);
  CHECK(total.offers_over > 100);
  CHECK(total.late_timers > 1000);
  CHECK(total.nearer > 100);
  CHECK(total.renewed > 1000);
  CHECK(total.released > 100);
  CHECK(total.taken_back > 100);
  CHECK(total.forgotten > 100);
  CHECK(total.resizes > 100);
  CHECK(total.above > 10);
  CHECK(total.sleepers_granted > 1000);
  CHECK(total.batches > 0);
}
