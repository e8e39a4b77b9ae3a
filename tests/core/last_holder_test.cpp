// Who had a number last: kept with it while nobody holds it.
#include "core/lease_end.h"
#include "timed_fixture.h"

using namespace numpool;
using namespace numpool_test;

TEST_CASE("last holder: none at first, and then who had it and how that ended") {
  Tokens pool(2);
  CHECK(pool.slot(0).last_holder().how == LastEnd::kNone);
  pool.acquire(7);
  GrantContext context = pool.context();
  context.last = {4711, 4294967, 4000000000u, LastEnd::kRollback};
  pool_release(pool.region, pool.pool, 0, EndKind::kReleased, context, pool.wake);
  const LastHolder last = pool.slot(0).last_holder();
  CHECK(last.until == 4711);
  CHECK(last.pid == 4294967);
  CHECK(last.role == 4000000000u);
  CHECK(last.how == LastEnd::kRollback);
  CHECK(pool.slot(1).last_holder().how == LastEnd::kNone);
}

TEST_CASE("last holder: a number that rests, and one in a list of free ones, still tells of him") {
  Tokens pool(2);
  PoolSettings settings;
  settings.cooldown = 1000;
  settings.policy = Policy::kLongestFree;
  pool_configure(pool.region, pool.pool, settings, pool.now, pool.now);
  pool.acquire(7);
  GrantContext context = pool.context();
  context.last = {4711, 4194303, 55, LastEnd::kReleased};
  pool_release(pool.region, pool.pool, 0, EndKind::kReleased, context, pool.wake);
  CHECK(is_resting(pool.slot(0)));
  CHECK(pool.slot(0).last_holder().pid == 4194303);
  pool.now += 1000;
  pool.end_due();
  CHECK(!is_resting(pool.slot(0)));
  CHECK(pool.slot(0).last_holder().until == 4711);
  CHECK(pool.slot(0).last_holder().pid == 4194303);
  CHECK(pool.slot(0).last_holder().role == 55);
  CHECK(pool.slot(0).last_holder().how == LastEnd::kReleased);
}

TEST_CASE("last holder: of a token its role, and that its time was over, or force") {
  Tokens pool(2);
  TimedRecord& expires = pool.lease();
  TimedRecord& ends = pool.lease();
  expires.role = ends.role = 55;
  SessionId holder;
  GrantContext context = pool.context();
  context.last.how = LastEnd::kEnded;
  CHECK(pool_end_lease(pool.region, pool.pool, ends.index, ends.fence, context, pool.wake,
                       &holder) == LeaseEnd::kEnded);
  pool.now += kTtl;
  pool.end_due();
  for (const std::uint32_t index : {0u, 1u}) {
    CHECK(pool.slot(index).last_holder().pid == 0);
    CHECK(pool.slot(index).last_holder().role == 55);
  }
  CHECK(pool.slot(0).last_holder().how == LastEnd::kExpired);
  CHECK(pool.slot(1).last_holder().how == LastEnd::kEnded);
}
