// Other processes are killed and stopped.

#include <csignal>

#include "child.hpp"
#include "fixture.hpp"

TEST_CASE_FIXTURE(fixture, "SIGKILL of a client frees its leases and its places in the queue") {
  numpool::pool pool = client.create_or_open(id, 100);
  child_process victim("hold " + ('"' + id + '"') + " 100 100");
  REQUIRE(victim.wait_ready());
  REQUIRE(pool.status().in_use == 100);
  REQUIRE(pool.status().waiting == 100);
  auto next = pool.acquire_future();
  REQUIRE(eventually([&] { return pool.status().waiting == 101; }));
  victim.kill();
  CHECK(comes(next, 1s));
  numpool::lease mine = next.get();
  CHECK(eventually([&] { return pool.status().in_use == 1 && pool.status().waiting == 0; }, 1s));
}

TEST_CASE_FIXTURE(fixture, "a stopped client holds up nobody but itself") {
  numpool::pool pool = client.create_or_open(id, 2);
  child_process other("hold " + ('"' + id + '"') + " 2 1");
  REQUIRE(other.wait_ready());
  other.signal(SIGSTOP);
  pool.resize(3);  // its waiter is granted the third
  CHECK(eventually([&] { return pool.status().in_use == 3; }));
  pool.resize(4);
  {
    auto mine = pool.acquire_for(5s);
    REQUIRE(mine);
    CHECK(mine->index() == 3);
  }
  other.signal(SIGCONT);
  CHECK(eventually([&] { return pool.status().in_use == 2; }));  // it drops what it is granted
  other.kill();
  CHECK(eventually([&] { return pool.status().in_use == 0; }));
}
