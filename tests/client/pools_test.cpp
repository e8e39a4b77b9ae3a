// Creating, opening, listing, resizing and dropping pools, and their metadata.

#include "fixture.hpp"

using numpool::error_kind;

TEST_CASE_FIXTURE(fixture, "create_or_open creates once and keeps what there is") {
  numpool::pool first = client.create_or_open(id, 5, R"({"a": 1})");
  CHECK(first.status().size == 5);
  CHECK(first.metadata() == R"({"a": 1})");
  numpool::client other;
  numpool::pool second = other.create_or_open(id, 5, R"({"b": 2})");
  CHECK(second.metadata() == R"({"a": 1})");
  CHECK(kind_of([&] { other.create_or_open(id, 6); }) == error_kind::pool_exists);
  CHECK(kind_of([&] { other.create(id, 5); }) == error_kind::pool_exists);
  CHECK(other.open(id).status().size == 5);
  CHECK(kind_of([&] { (void)other.open(id + "x"); }) == error_kind::no_such_pool);
}

TEST_CASE_FIXTURE(fixture, "a pool that is there is opened without the right to create it") {
  client.create_or_open(id, 5);
  session sql;
  sql.query("CREATE ROLE unprivileged LOGIN");
  {
    numpool::client plain("user=unprivileged");
    plain.setup();
    CHECK(plain.create_or_open(id, 5).acquire().index() == 0);
    CHECK(kind_of([&] { plain.create_or_open(id, 6); }) == error_kind::pool_exists);
    CHECK(kind_of([&] { plain.create_or_open(id + "x", 5); }) == error_kind::not_permitted);
  }
  sql.query("DROP ROLE unprivileged");
}

TEST_CASE_FIXTURE(fixture, "many clients create the same pool at once, and all get it") {
  std::atomic<int> good{0}, created{0};
  threads running;
  running.start(8, [&](int i) {
    numpool::client mine;
    if (mine.create_or_open(id, 4).status().size == 4) ++good;
    try {
      mine.create(id + " 2", 4);
      ++created;
    } catch (const numpool::error& why) {
      CAPTURE(i);
      CHECK(why.kind() == error_kind::pool_exists);
    }
  });
  running.join();
  CHECK(good == 8);
  CHECK(created == 1);
  CHECK(client.drop(id + " 2"));
}

TEST_CASE_FIXTURE(fixture, "sizes from 1 to 65,536, and ids of 1 to 200 characters") {
  for (const int size : {0, -1, 65537, 2147483647})
    CHECK(kind_of([&] { client.create_or_open(id, size); }) == error_kind::invalid_value);
  numpool::pool largest = client.create_or_open(id, 65536);
  CHECK(largest.status().free == 65536);
  CHECK(largest.acquire().index() == 0);

  CHECK(kind_of([&] { client.create_or_open("", 1); }) == error_kind::invalid_value);
  CHECK(kind_of([&] { (void)client.open(""); }) == error_kind::invalid_value);
  CHECK(kind_of([&] { client.drop(std::string("a\0b", 3)); }) == error_kind::invalid_value);
  std::string longest(200 - 3 - id.size(), 'x');
  longest += "\xc3\xa4'\"" + id;  // characters, not bytes, are counted
  numpool::pool odd = client.create_or_open(longest, 1);
  numpool::lease held = odd.acquire();
  auto waiting = odd.acquire_future();
  held.release();
  CHECK(waiting.get().pool_name() == longest);
  CHECK(kind_of([&] { client.create_or_open(longest + "y", 1); }) == error_kind::invalid_value);
  CHECK(client.drop(longest, numpool::drop_mode::force));
}

TEST_CASE_FIXTURE(fixture, "a pool in use is dropped only by force") {
  numpool::pool pool = client.create_or_open(id, 1);
  {
    numpool::lease held = pool.acquire();
    CHECK(kind_of([&] { client.drop(id); }) == error_kind::pool_in_use);
  }
  CHECK(client.drop(id));
  CHECK_FALSE(client.drop(id));
  CHECK(kind_of([&] { (void)pool.acquire(); }) == error_kind::no_such_pool);
  CHECK(kind_of([&] { (void)pool.try_acquire(); }) == error_kind::no_such_pool);
  CHECK(kind_of([&] { (void)pool.status(); }) == error_kind::no_such_pool);
  CHECK(kind_of([&] { pool.resize(2); }) == error_kind::no_such_pool);
  client.create(id, 2);
  CHECK(pool.status().size == 2);  // the handle goes by the id
}

TEST_CASE_FIXTURE(fixture, "list takes its prefix literally") {
  const std::vector<std::string> names = {id + " %", id + " %a", id + " _", id + " xa"};
  for (const std::string& name : names) client.create(name, 3);
  CHECK(client.list(id) == names);
  CHECK(client.list(id + " %") == std::vector<std::string>{names[0], names[1]});
  CHECK(client.list(id + " _") == std::vector<std::string>{names[2]});
  CHECK(client.list(id + " %%").empty());
  CHECK(client.list().size() >= 4);
  const auto pools = client.pool_statuses(id + " %");
  REQUIRE(pools.size() == 2);
  CHECK(pools[1].pool == names[1]);
  CHECK(pools[1].size == 3);
  CHECK(pools[1].free == 3);
  for (const std::string& name : names) CHECK(client.drop(name));
  CHECK(client.list(id).empty());
}

TEST_CASE_FIXTURE(fixture, "growing serves waiters, shrinking waits for releases") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::lease first = pool.acquire();
  auto second = pool.acquire_future();
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  CHECK(pool.resize(2) == 1);
  numpool::lease granted = second.get();
  CHECK(granted.index() == 1);
  CHECK(client.resize(id, 1) == 2);
  CHECK(pool.status().size == 1);
  CHECK(granted.held());
  CHECK(pool.status().in_use == 2);
  granted.release();
  CHECK_FALSE(pool.try_acquire());
  CHECK(kind_of([&] { pool.resize(0); }) == error_kind::invalid_value);
}

TEST_CASE_FIXTURE(fixture, "metadata: get, set, compare and replace") {
  numpool::pool pool = client.create_or_open(id, 1);
  CHECK_FALSE(pool.metadata());
  CHECK(pool.replace_metadata(std::nullopt, R"({"v":1})"));
  CHECK(pool.metadata() == R"({"v": 1})");
  CHECK_FALSE(pool.replace_metadata(R"({"v":0})", R"({"v":2})"));
  CHECK(pool.metadata() == R"({"v": 1})");
  CHECK(pool.replace_metadata(R"({"v":0})", R"({"v":1})"));  // it is that already
  pool.set_metadata("[1, 2]");
  CHECK(pool.metadata() == "[1, 2]");
  pool.set_metadata(std::nullopt);
  CHECK_FALSE(pool.metadata());
  CHECK(sqlstate_of([&] { pool.set_metadata("{"); }) == "22P02");
}

TEST_CASE_FIXTURE(fixture, "metadata replaced at once: one value wins, the same value is fine") {
  numpool::pool pool = client.create_or_open(id, 1, "0");
  std::atomic<int> same{0}, different{0};
  const auto race = [&](std::atomic<int>& good, bool distinct) {
    pool.set_metadata("0");
    threads running;
    running.start(6, [&, distinct](int i) {
      numpool::client mine;
      if (mine.open(id).replace_metadata("0", std::to_string(distinct ? i + 1 : 7))) ++good;
    });
  };
  race(same, false);
  CHECK(same == 6);
  race(different, true);
  CHECK(different == 1);
}

TEST_CASE_FIXTURE(fixture, "status, leases and waiters show what is") {
  numpool::pool pool = client.create_or_open(id, 2, R"({"x": true})");
  numpool::lease a = pool.acquire(), b = pool.acquire();
  auto waiting = pool.acquire_future();
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  std::this_thread::sleep_for(20ms);

  const auto status = pool.status();
  CHECK(status.pool == id);
  CHECK(status.size == 2);
  CHECK(status.in_use == 2);
  CHECK(status.free == 0);
  CHECK(status.metadata == R"({"x": true})");
  CHECK(status.grants == 2);

  const auto leases = pool.leases();
  REQUIRE(leases.size() == 2);
  CHECK(leases[1].index == 1);
  CHECK(leases[1].fence == b.fence());
  CHECK(leases[1].pid == client.backend_pid());
  CHECK(leases[1].application == "numpool");
  CHECK(leases[1].scope == "session");
  CHECK(leases[1].held_for >= 20ms);
  CHECK(std::chrono::system_clock::now() - leases[1].acquired_at < 1h);

  const auto waiters = pool.waiters();
  REQUIRE(waiters.size() == 1);
  CHECK(waiters[0].position == 1);
  CHECK(waiters[0].ticket);
  CHECK(waiters[0].waited_for >= 20ms);
  a.release();
  (void)waiting.get();
  const auto after = pool.status();
  CHECK(after.grants == 3);
  CHECK(after.handoffs == 1);
  CHECK(after.wait_longest >= 20ms);
  CHECK(after.wait_total >= after.wait_longest);
  CHECK(after.counting_since > std::chrono::system_clock::time_point());
}

TEST_CASE_FIXTURE(fixture, "status counts the waits that ended in a deadlock") {
  numpool::pool pool = client.create_or_open(id, 1);
  session holder, waiter;
  const std::string lock = std::to_string(holder.pid());
  holder.query("SELECT numpool_acquire('" + id + "')");
  waiter.query("SELECT pg_advisory_lock(" + lock + ")");
  waiter.send("SELECT numpool_acquire('" + id + "')");
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  CHECK(pool.status().deadlocks == 0);
  holder.send("SELECT pg_advisory_lock(" + lock + ")");
  CHECK(eventually([&] { return pool.status().deadlocks == 1; }));
  CHECK(pool.status().waiting == 0);
}
