// Where slots lie: the arithmetic of chunks that double up to 64.
#include <doctest/doctest.h>

#include <cstdint>

#include "core/pool.h"

using namespace numpool;

TEST_CASE("chunk: borders") {
  const struct {
    std::uint32_t index;
    std::uint32_t chunk;
  } rows[] = {{0, 0},     {15, 0},    {16, 1},    {31, 1},      {32, 2},
              {63, 2},    {64, 3},    {127, 3},   {128, 4},     {1023, 17},
              {1024, 18}, {2047, 33}, {2048, 34}, {32768, 514}, {65535, 1025}};
  for (const auto& row : rows) {
    CAPTURE(row.index);
    CHECK(chunk::of(row.index) == row.chunk);
    CHECK(chunk::count_for(row.index + 1) == row.chunk + 1);
  }
  CHECK(chunk::count_for(0) == 0);
  CHECK(chunk::capacity(0) == 0);
}

TEST_CASE("chunk: each follows the one before, and all together hold the largest pool") {
  std::uint32_t end = 0;
  for (std::uint32_t k = 0; k < chunk::kMaxCount; ++k) {
    CAPTURE(k);
    CHECK(chunk::first_index(k) == end);
    end += chunk::slots(k);
    CHECK(chunk::capacity(k + 1) == end);
  }
  CHECK(end == kMaxPoolSize);
}

TEST_CASE("chunk: every index lies in its chunk, and no chunk is more than needed") {
  bool inside = true;
  bool needed = true;
  for (std::uint32_t index = 0; index < kMaxPoolSize; ++index) {
    const std::uint32_t k = chunk::of(index);
    inside = inside && k < chunk::kMaxCount && chunk::first_index(k) <= index &&
             index - chunk::first_index(k) < chunk::slots(k);
    const std::uint32_t count = chunk::count_for(index + 1);
    needed = needed && chunk::capacity(count) > index && chunk::capacity(count - 1) <= index;
  }
  CHECK(inside);
  CHECK(needed);
}

TEST_CASE("chunk: the free set has room for what the chunks hold, and never less than a word") {
  const struct {
    std::uint32_t size;
    std::uint32_t capacity;
  } rows[] = {{1, 64},    {16, 64},     {17, 64},     {64, 64},     {65, 128},     {128, 128},
              {129, 192}, {1024, 1024}, {1025, 1088}, {4097, 4160}, {65536, 65536}};
  for (const auto& row : rows) {
    CAPTURE(row.size);
    CHECK(bitmap_capacity_for(row.size) == row.capacity);
  }
}
