// check_pool finds each kind of damage, so the tests that rely on it can fail.
#include <doctest/doctest.h>

#include <string>

#include "pool_fixture.h"

using namespace numpool;
using numpool_test::PoolFixture;

namespace {

// Half: four numbers, two of them leased. Crowded: all four leased, and two waiters.
struct Half : PoolFixture {
  Half() : PoolFixture(4) {
    acquire(1);
    acquire(1);
  }
};
struct Crowded : PoolFixture {
  Crowded() : PoolFixture(4) {
    acquire_all(1);
    join(2);
    last = &join(3);
  }
  Waiter* last;
};

std::string found(PoolFixture& fixture) {
  const char* const message = fixture.check();
  return message == nullptr ? "" : std::string(message).substr(0, 2);
}

}  // namespace

TEST_CASE("check: sound pools pass") {
  Half half;
  CHECK(found(half) == "");
  Crowded crowded;
  CHECK(found(crowded) == "");
}

TEST_CASE("check: I1") {
  Half half;
  SUBCASE("a leased number in the free set") {
    half.pool.free_set(half.region).insert(1);
  }
  SUBCASE("a free number missing from it") {
    half.pool.free_set(half.region).erase(3);
  }
  SUBCASE("a number above the size in it") {
    half.pool.free_set(half.region).insert(9);
  }
  SUBCASE("a number without a slot in it") {
    half.pool.free_set(half.region).insert(40);
  }
  SUBCASE("free is not its size") {
    ++half.pool.free;
  }
  SUBCASE("a holder in a free slot") {
    half.slot(2).holder = 5;
  }
  CHECK(found(half) == "I1");
}

TEST_CASE("check: I2") {
  Half half;
  ++half.pool.in_use;
  CHECK(found(half) == "I2");
}

TEST_CASE("check: I3") {
  Half half;
  half.join(2);
  CHECK(found(half) == "I3");
}

TEST_CASE("check: I4") {
  Crowded crowded;
  SUBCASE("a granted record in the queue") {
    crowded.last->state = WaiterState::kGranted;
  }
  SUBCASE("a broken link back") {
    crowded.last->prev = 0;
  }
  SUBCASE("a length too large") {
    ++crowded.pool.queue.length;
  }
  SUBCASE("a length too small") {
    --crowded.pool.queue.length;
  }
  SUBCASE("a wrong tail") {
    crowded.pool.queue.tail = crowded.pool.queue.head;
  }
  SUBCASE("a circle") {
    crowded.last->next = crowded.pool.queue.head;
  }
  CHECK(found(crowded) == "I4");
}
