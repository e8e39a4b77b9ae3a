// with_lock().

#include "fixture.hpp"

using numpool::error_kind;

TEST_CASE_FIXTURE(fixture, "with_lock is exclusive across clients") {
  client.create_or_open(id, 1);
  std::atomic<int> inside{0}, clashes{0}, turns{0};
  threads running;
  running.start(6, [&](int) {
    numpool::client mine;
    numpool::pool pool = mine.open(id);
    for (int i = 0; i < 5; ++i) {
      pool.with_lock([&] {
        if (inside.fetch_add(1) != 0) ++clashes;
        std::this_thread::sleep_for(1ms);
        ++turns;
        inside.fetch_sub(1);
      });
    }
  });
  running.join();
  CHECK(clashes == 0);
  CHECK(turns == 30);
}

TEST_CASE_FIXTURE(fixture,
                  "with_lock returns what the function returns and unlocks when it throws") {
  numpool::pool pool = client.create_or_open(id, 1);
  CHECK(pool.with_lock([] { return std::string("x"); }) == "x");
  CHECK_THROWS_AS(pool.with_lock([] { throw std::logic_error("mine"); }), std::logic_error);
  CHECK(pool.with_lock([&] { return pool.acquire().index(); }) == 0);  // acquire ignores it
}

TEST_CASE_FIXTURE(fixture, "a lock whose connection is lost is reported") {
  numpool::pool pool = client.create_or_open(id, 1);
  session other;
  const auto body = [&] {
    other.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE state = 'idle in transaction' AND query LIKE '%numpool_xact_lock%'");
  };
  CHECK(sqlstate_of([&] { pool.with_lock(body); }) == "57P01");
  pool.with_lock([] {});
}

TEST_CASE_FIXTURE(fixture, "close ends a call that waits for the lock") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::client other;
  std::optional<error_kind> code;
  pool.with_lock([&] {
    threads running;
    running.start(
        [&] { code = kind_of([&] { other.open(id).with_lock([] { FAIL("not locked"); }); }); });
    session watch;
    CHECK(eventually([&] {
      return watch.query(
                 "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                 " AND query LIKE '%numpool_xact_lock%'") == "1";
    }));
    other.close();
  });
  CHECK(code == error_kind::client_closed);
}

TEST_CASE_FIXTURE(fixture, "with_lock of a pool that is not there") {
  numpool::pool pool = client.create_or_open(id, 1);
  client.drop(id);
  CHECK(kind_of([&] { pool.with_lock([] {}); }) == error_kind::no_such_pool);
}
