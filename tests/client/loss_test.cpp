// The connection goes, or the pool does.

#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "fixture.hpp"

using numpool::error_kind;

namespace {

void terminate(const numpool::client& victim) {
  session killer;
  killer.query("SELECT pg_terminate_backend(" + std::to_string(victim.backend_pid()) + ", 5000)");
}

struct losses {
  std::mutex mutex;
  std::vector<numpool::lost_lease> all;

  std::size_t count() {
    std::lock_guard<std::mutex> lock(mutex);
    return all.size();
  }

  numpool::client_options options() {
    numpool::client_options out;
    out.on_lost = [this](const numpool::lost_lease& what) {
      std::lock_guard<std::mutex> lock(mutex);
      all.push_back(what);
    };
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "leases are lost with the connection, and each is told once") {
  client.create_or_open(id, 5);
  losses seen;
  numpool::client other(seen.options());
  numpool::pool pool = other.open(id);
  std::vector<numpool::lease> held;
  std::atomic<int> own{0};
  for (int i = 0; i < 4; ++i) {
    held.push_back(pool.acquire());
    held.back().on_lost([&] { ++own; });
  }
  held[1].on_lost(nullptr);
  held[3].release();
  const int old_pid = other.backend_pid();
  terminate(other);
  REQUIRE(eventually([&] { return seen.count() == 3 && own == 2; }));
  for (int i = 0; i < 3; ++i) {
    CHECK(held[i].lost());
    CHECK_FALSE(held[i].held());
    CHECK(seen.all[i].pool == id);
    CHECK(seen.all[i].index == i);
    CHECK(seen.all[i].fence == held[i].fence());
    CHECK(seen.all[i].reason == "connection lost");
  }
  CHECK_FALSE(held[3].lost());
  held[0].on_lost([&] { ++own; });  // too late to be told later: told now
  CHECK(eventually([&] { return own == 3; }));

  // A new connection; what is left of the old one must not touch its leases.
  std::vector<numpool::lease> fresh;
  for (int i = 0; i < 5; ++i) fresh.push_back(pool.acquire());
  CHECK(other.backend_pid() != old_pid);
  for (numpool::lease& one : held) one.release();
  held.clear();
  CHECK(client.open(id).status().in_use == 5);
  CHECK(other.lease_count() == 5);
  CHECK(seen.count() == 3);
}

TEST_CASE_FIXTURE(fixture, "100 threads that wait outlive the end of their backend") {
  numpool::pool watched = client.create_or_open(id, 1);
  numpool::lease first = watched.acquire();
  numpool::client other;
  numpool::pool pool = other.open(id);
  std::atomic<int> served{0};
  threads running;
  running.start(100, [&](int) {
    numpool::lease mine = pool.acquire();
    if (mine.held()) ++served;
  });
  REQUIRE(eventually([&] { return watched.status().waiting == 100; }));
  terminate(other);
  REQUIRE(eventually([&] { return watched.status().waiting == 100 && other.connected(); }));
  CHECK(served == 0);
  first.release();
  running.join();
  CHECK(served == 100);
  // A lease that is destroyed is given back without waiting for the server's answer.
  CHECK(eventually([&] { return watched.status().in_use == 0; }));
}

TEST_CASE_FIXTURE(fixture, "a wait keeps its timeout and its token over a reconnect") {
  numpool::pool watched = client.create_or_open(id, 1);
  numpool::lease first = watched.acquire();
  numpool::client other;
  numpool::pool pool = other.open(id);
  numpool::cancellation_source source;
  std::atomic<bool> timed_out{false}, cancelled{false};
  threads running;
  running.start([&] { timed_out = !pool.acquire_for(1500ms); });
  running.start([&] {
    cancelled = kind_of([&] { (void)pool.acquire(source.token()); }) == error_kind::cancelled;
  });
  REQUIRE(eventually([&] { return watched.status().waiting == 2; }));
  terminate(other);
  REQUIRE(eventually([&] { return watched.status().waiting == 2 && other.connected(); }, 1s));
  source.cancel();
  running.join();
  CHECK(timed_out);
  CHECK(cancelled);
  CHECK(eventually([&] { return watched.status().waiting == 0; }));
}

TEST_CASE_FIXTURE(fixture, "backends that end again and again lose nothing") {
  numpool::pool watched = client.create_or_open(id, 4);
  numpool::client_options options;
  const pauses quick(5ms, 20ms);
  numpool::client other(options);
  numpool::pool pool = other.open(id);
  std::atomic<bool> stop{false};
  std::atomic<int> got{0}, unexpected{0};
  threads running;
  running.start(8, [&](int i) {
    while (!stop) {
      try {
        numpool::lease mine = pool.acquire();
        ++got;
        if (i % 2 == 0) mine.release();
      } catch (const numpool::error& why) {
        ++unexpected;
        MESSAGE(why.what());
      }
    }
  });
  for (int round = 0; round < 20; ++round) {
    const int before = got;
    CHECK(eventually([&] { return got > before && other.backend_pid() != 0; }));
    terminate(other);
  }
  stop = true;
  running.join();
  CHECK(unexpected == 0);
  CHECK(eventually([&] { return watched.status().in_use == 0; }));
  CHECK(other.lease_count() == 0);
}

TEST_CASE_FIXTURE(fixture, "a call whose answer was lost says so; the next one works") {
  client.create_or_open(id, 1);
  session blocker;
  blocker.query("BEGIN");
  blocker.query("SELECT numpool_set_metadata('" + id + "', '1')");
  numpool::client other;
  std::optional<error_kind> code;
  threads running;
  running.start([&] { code = kind_of([&] { other.open(id).set_metadata("2"); }); });
  session watch;
  REQUIRE(eventually([&] {
    return watch.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") !=
           "0";
  }));
  terminate(other);
  running.join();
  CHECK(code == error_kind::connection_lost);
  blocker.query("COMMIT");
  CHECK(other.open(id).metadata() == "1");
}

TEST_CASE_FIXTURE(fixture, "a pool dropped by force tells holders and waiters") {
  client.create_or_open(id, 2);
  losses seen;
  numpool::client other(seen.options());
  numpool::pool pool = other.open(id);
  numpool::lease a = pool.acquire(), b = pool.acquire();
  std::atomic<int> failed{0};
  threads running;
  running.start(5, [&](int) {
    if (kind_of([&] { (void)pool.acquire(); }) == error_kind::no_such_pool) ++failed;
  });
  REQUIRE(eventually([&] { return pool.status().waiting == 5; }));
  session dropper;
  dropper.query("SELECT numpool_drop('" + id + "', true)");
  running.join();
  CHECK(failed == 5);
  REQUIRE(eventually([&] { return seen.count() == 2; }));
  CHECK(a.lost());
  CHECK(b.lost());
  CHECK(seen.all[0].reason == "pool dropped");
  CHECK(other.lease_count() == 0);

  // A lost lease's release must not give back a number of the pool's next life.
  other.create(id, 2);
  numpool::lease c = pool.acquire(), d = pool.acquire();
  a.release();
  b.release();
  CHECK(pool.status().in_use == 2);
  CHECK(c.held());
  CHECK(d.held());
}

TEST_CASE_FIXTURE(fixture, "a holder who would not wait is told of a forced drop as well") {
  losses seen;
  client.create_or_open(id, 3);
  numpool::client other(seen.options());
  const numpool::pool pool = other.open(id);
  const auto tried = pool.try_acquire();
  const auto timed_out = pool.acquire_for(0ms);
  REQUIRE((tried && timed_out));
  client.drop(id, numpool::drop_mode::force);
  REQUIRE(eventually([&] { return seen.count() == 2; }));
  CHECK(tried->lost());
  CHECK(timed_out->lost());
  CHECK(other.lease_count() == 0);
}

TEST_CASE_FIXTURE(fixture, "a lease that is ended by force is lost, and no other") {
  client.create_or_open(id, 3);
  losses seen;
  numpool::client other(seen.options());
  const numpool::pool pool = other.open(id);
  numpool::lease kept = pool.acquire(), ended = pool.acquire();
  const auto tried = pool.try_acquire();
  REQUIRE(tried);
  session op;
  for (const numpool::lease* one : std::initializer_list<const numpool::lease*>{&ended, &*tried})
    CHECK(op.query("SELECT numpool_end_lease('" + id + "', " + std::to_string(one->index()) + ", " +
                   std::to_string(one->fence()) + ")") == "t");
  REQUIRE(eventually([&] { return seen.count() == 2; }));
  CHECK(ended.lost());
  CHECK(tried->lost());
  CHECK(kept.held());
  CHECK(seen.all[0].reason == "ended by force");
  // Its number is another's by now.
  const numpool::lease next = client.open(id).acquire();
  CHECK(next.index() == ended.index());
  ended.release();
  CHECK(next.held());
  CHECK(pool.status().in_use == 2);
}

TEST_CASE_FIXTURE(fixture, "a wait whose grant is ended before it was told of goes on") {
  numpool::pool watched = client.create_or_open(id, 1);
  losses seen;
  numpool::client other(seen.options());
  session op;
  op.query("SELECT numpool_acquire('" + id + "')");
  auto waits = other.open(id).acquire_future();
  REQUIRE(eventually([&] { return watched.status().waiting == 1; }));
  // Its backend can tell it of neither before both have happened.
  REQUIRE(::kill(other.backend_pid(), SIGSTOP) == 0);
  op.query("SELECT numpool_release('" + id + "', 0)");
  const auto ended = op.query("SELECT numpool_end_lease('" + id + "', 0)");
  const int in_use = watched.status().in_use;
  ::kill(other.backend_pid(), SIGCONT);
  CHECK(ended == "t");
  CHECK(in_use == 0);
  REQUIRE(comes(waits));
  const numpool::lease got = waits.get();
  CHECK(got.held());
  CHECK(watched.status().in_use == 1);
  CHECK(seen.count() == 0);
}

TEST_CASE_FIXTURE(fixture,
                  "a release that crosses with drop and re-creation spares the new lease") {
  for (int round = 0; round < 50; ++round) {
    numpool::pool pool = client.create_or_open(id, 1);
    std::optional<numpool::lease> old(pool.acquire());
    session other;
    other.query("SELECT numpool_drop('" + id + "', true); SELECT numpool_create('" + id + "', 1)");
    numpool::lease fresh = pool.acquire();
    old.reset();
    CHECK_FALSE(pool.try_acquire());
    CHECK(fresh.held());
    fresh.release();
  }
}

TEST_CASE_FIXTURE(fixture, "the server restarts under load") {
  numpool::pool watched = client.create_or_open(id, 3);
  losses seen;
  numpool::client_options options = seen.options();
  const pauses quick(20ms, 200ms);
  numpool::client other(options);
  numpool::pool pool = other.open(id);
  std::atomic<bool> stop{false};
  std::atomic<int> got{0}, odd{0};
  threads running;
  running.start(12, [&](int) {
    while (!stop) {
      try {
        numpool::lease mine = pool.acquire();
        ++got;
        std::this_thread::sleep_for(1ms);
      } catch (const numpool::error& why) {
        ++odd;
        MESSAGE(why.what());
      }
    }
  });
  REQUIRE(eventually([&] { return got > 100; }));
  for (const std::string mode : {"fast", "immediate"}) {
    const std::string restart =
        "\"$NUMPOOL_PGBIN/pg_ctl\" -D \"$PGDATA\" -l \"$NUMPOOL_SERVER_LOG\""
        " -w -m " +
        mode + " restart >/dev/null";
    REQUIRE(std::system(restart.c_str()) == 0);  // NOLINT(bugprone-command-processor)
    const int before = got;
    CHECK(eventually([&] { return got > before + 50; }, 30s));
  }
  stop = true;
  running.join();
  CHECK(odd == 0);
  CHECK(eventually([&] { return watched.status().in_use == 0; }));
}

TEST_CASE("a client gives up after its limit, says so, and works again later") {
  fixture base;
  base.client.create_or_open(base.id, 1);
  numpool::client_options options;
  const pauses quick(5ms, 200ms);
  options.reconnect_limit = 150ms;
  // Nobody may connect to this database while its limit is 0.
  session admin;
  const std::string name = "limited" + std::to_string(::getpid());
  admin.query("CREATE DATABASE " + name);
  admin.query("CREATE ROLE " + name + " LOGIN");
  options.conninfo = "dbname=" + name + " user=" + name;
  numpool::client other(options);
  admin.query("ALTER DATABASE " + name + " CONNECTION LIMIT 0");
  terminate(other);
  CHECK(eventually([&] { return !other.connected(); }));
  const auto start = std::chrono::steady_clock::now();
  CHECK(kind_of([&] { (void)other.list(); }) == error_kind::cannot_connect);
  CHECK(kind_of([&] { (void)other.list(); }) == error_kind::cannot_connect);
  CHECK(took_at_most(5s, start));
  admin.query("ALTER DATABASE " + name + " CONNECTION LIMIT -1");
  CHECK(kind_of([&] { (void)other.list(); }) == error_kind::not_installed);
  CHECK(other.connected());
  other.close();
  admin.query("DROP DATABASE " + name);
  admin.query("DROP ROLE " + name);
}

TEST_CASE("a release that crosses with the loss does not wait for the next connection") {
  session admin;
  const std::string name = "crossing" + std::to_string(::getpid());
  admin.query("CREATE DATABASE " + name);
  admin.query("CREATE ROLE " + name + " LOGIN");
  {
    numpool::client owner("dbname=" + name);
    owner.setup();
    owner.create("p", 200);
    numpool::client_options options;
    options.conninfo = "dbname=" + name + " user=" + name;
    for (int round = 0; round < 5; ++round) {
      numpool::client other(options);
      const numpool::pool pool = other.open("p");
      std::vector<numpool::lease> held;
      for (int i = 0; i < 200; ++i) held.push_back(pool.acquire());
      admin.query("ALTER DATABASE " + name + " CONNECTION LIMIT 0");
      const auto start = std::chrono::steady_clock::now();
      threads running;
      running.start(10, [&](int i) {
        for (int n = 0; n < 20; ++n) held[static_cast<std::size_t>(20 * i + n)].release();
      });
      terminate(other);
      running.join();
      CHECK(took_at_most(10s, start));  // the limit would be a minute
      admin.query("ALTER DATABASE " + name + " CONNECTION LIMIT -1");
    }
  }
  CHECK(eventually([&] { return admin.try_query("DROP DATABASE " + name).empty(); }));
  admin.query("DROP ROLE " + name);
}
