// A client that shares sessions with others: it leaves nothing in one and relies on nothing there.
// Here the way is direct, so that a test can see and cut it; tests/poolers has the poolers.

#include <set>

#include "wired.hpp"

using numpool::error_kind;
using numpool::timed_lease;
using numpool::timed_options;
using clk = std::chrono::steady_clock;

namespace {

constexpr char kToken[] = "9a7c3e11-52d0-4b8e-8c55-3344556677aa";

/// Beside a client that has a session, one that has none. Its sessions are found by their name.
struct sharing : wired {
  numpool::client_options shared() const {
    numpool::client_options out = options();
    out.transaction_pooling = true;
    out.conninfo += " application_name='" + id + "'";
    return out;
  }

  std::string seen(const std::string& what, const std::string& where = "true") {
    return watch
        .query("SELECT " + what + " FROM pg_stat_activity WHERE application_name = '" + id +
               "' AND " + where)
        .value_or("");
  }
  void terminate() { seen("count(pg_terminate_backend(pid, 5000))"); }

  session watch;
};

}  // namespace

TEST_CASE_FIXTURE(sharing, "transaction pooling: what needs a session is refused before it asks") {
  client.create_or_open(id, 1);
  numpool::client other(shared());
  numpool::pool pool = other.open(id);
  numpool::cancellation_source source;
  source.cancel();
  const auto refused = [](const std::function<void()>& call) {
    return kind_of(call) == error_kind::not_supported;
  };
  CHECK(refused([&] { (void)pool.acquire(); }));
  CHECK(refused([&] { (void)pool.acquire({0ms}); }));
  CHECK(refused([&] { (void)pool.acquire(source.token()); }));
  CHECK(refused([&] { (void)pool.try_acquire(); }));
  CHECK(refused([&] { (void)pool.acquire_for(1s); }));
  CHECK(refused([&] { (void)pool.acquire_until(clk::now() + 1s); }));
  CHECK(refused([&] { pool.acquire_async([](numpool::acquire_result) {}); }));
  CHECK(refused([&] { (void)pool.acquire_future(); }));
  bool entered = false;
  CHECK(refused([&] { pool.with_lock([&] { entered = true; }); }));
  CHECK_FALSE(entered);
  CHECK(pool.status().grants == 0);
  CHECK(pool.status().cancels == 0);
  CHECK(sqlstate_of([&] { (void)pool.try_acquire(); }) == "0A000");
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: every form of a timed lease") {
  client.create_or_open(id, 1);
  numpool::client other(shared());
  CHECK(other.connected());
  CHECK(other.backend_pid() == 0);
  numpool::pool pool = other.open(id);
  timed_options options = lasting(1h);
  options.holder = "jane";
  timed_lease held = pool.acquire_timed(options);
  CHECK(held.index() == 0);
  CHECK(other.lease_count() == 1);
  CHECK(pool.leases().at(0).holder == "jane");
  CHECK(held.renew());
  CHECK_FALSE(pool.try_acquire_timed(lasting(1h)));
  CHECK_FALSE(pool.acquire_timed_for(120ms, lasting(1h)));
  CHECK_FALSE(pool.acquire_timed_until(clk::now() + 120ms, lasting(1h)));
  options.timeout = 120ms;
  CHECK(kind_of([&] { (void)pool.acquire_timed(options); }) == error_kind::timed_out);
  CHECK(kind_of([&] { (void)pool.acquire_timed_future(options).get(); }) == error_kind::timed_out);
  // Nothing stays in line of who gave up.
  CHECK(eventually([&] { return pool.status().waiting == 0; }));

  check_cancelled_wait(pool);

  auto first = pool.acquire_timed_future(lasting(1h));
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  std::promise<int> index;
  pool.acquire_timed_async([&](numpool::timed_result r) { index.set_value(r.get().index()); },
                           lasting(1h));
  REQUIRE(eventually([&] { return pool.status().waiting == 2; }));
  for (const auto& waiter : pool.waiters()) {
    CHECK(waiter.kind == "place");
    CHECK(waiter.pid == 0);  // no call sleeps for it
  }
  held.release();
  first.get().release();
  CHECK(index.get_future().get() == 0);
  CHECK(eventually([&] { return pool.status().in_use == 0; }));

  const std::string token = pool.acquire_timed(lasting(1h)).detach();
  auto adopted = other.adopt(token);
  REQUIRE(adopted);
  CHECK(adopted->held());
  adopted->release();
  CHECK_FALSE(other.adopt(token));
  CHECK(kind_of([&] { (void)other.open(id + "x"); }) == error_kind::no_such_pool);
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: a wait keeps its place, and asks less and less") {
  numpool::pool direct = client.create_or_open(id, 1);
  timed_lease held = direct.acquire_timed(lasting(1h));
  numpool::client other(shared());
  auto waiting = other.open(id).acquire_timed_future(lasting(900ms));
  REQUIRE(eventually([&] { return direct.status().waiting == 1; }));
  const auto since = direct.waiters().at(0).since;
  std::this_thread::sleep_for(3s);  // a place of 900 ms would be over
  REQUIRE(direct.waiters().size() == 1);
  CHECK(direct.waiters()[0].since == since);
  // An ask every third of its time at least, and not many more.
  std::set<std::string> asks;
  for (const auto end = clk::now() + 2s; clk::now() < end;) {
    asks.insert(seen("query_start", "query LIKE '%numpool_lease%'"));
    std::this_thread::sleep_for(10ms);
  }
  CHECK(asks.size() >= 3);
  CHECK(asks.size() <= 15);
  held.release();
  CHECK(waiting.get().held());
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: it goes on over lost connections") {
  numpool::pool direct = client.create_or_open(id, 1);
  std::atomic<int> losses{0};
  numpool::client_options options = shared();
  options.on_lost = [&](const numpool::lost_lease&) { ++losses; };
  numpool::client other(options);
  timed_lease held = other.open(id).acquire_timed(lasting(2s));
  auto waiting = other.open(id).acquire_timed_future(lasting(2s));
  REQUIRE(eventually([&] { return direct.status().waiting == 1; }));
  const auto since = direct.waiters().at(0).since;
  for (int i = 0; i < 3; ++i) {
    const auto valid_until = held.valid_until();
    terminate();
    REQUIRE(eventually([&] { return held.valid_until() > valid_until; }));
    CHECK(held.held());
  }
  CHECK(direct.waiters().at(0).since == since);
  CHECK(losses == 0);
  held.release();
  timed_lease next = waiting.get();
  CHECK(next.held());
  next.release();
  CHECK(direct.leases().empty());
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: an answer that was lost is asked for again") {
  numpool::pool direct = client.create_or_open(id, 3);
  for (const bool own : {false, true}) {
    for (const bool waits : {false, true}) {
      CAPTURE(own);
      CAPTURE(waits);
      numpool::client other(shared());
      numpool::pool pool = other.open(id);
      timed_options options = lasting(1h);
      if (own) options.token = kToken;
      if (waits) options.timeout = 10s;
      wire.swallow_answers();
      threads asking;
      std::optional<timed_lease> held;
      asking.start([&] { held = pool.try_acquire_timed(options); });
      REQUIRE(eventually([&] { return direct.status().in_use == 1; }));
      terminate();  // the way keeps the client's end until the server closes its own
      asking.join();
      REQUIRE(held);
      CHECK(direct.status().in_use == 1);
      CHECK(direct.leases().at(0).token == held->token());
      held->release();
      CHECK(direct.status().in_use == 0);
    }
  }
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: lost when no renewal comes through in time") {
  client.create_or_open(id, 1);
  numpool::client_options options = shared();
  std::promise<numpool::lost_lease> told;
  options.on_lost = [&](const numpool::lost_lease& what) { told.set_value(what); };
  numpool::client other(options);
  timed_lease held = other.open(id).acquire_timed(lasting(700ms));
  wire.go_silent();
  auto lost = told.get_future();
  REQUIRE(comes(lost, 20s));
  CHECK(numpool::boottime_clock::now() >= held.valid_until());
  CHECK(held.lost());
}

TEST_CASE_FIXTURE(sharing,
                  "transaction pooling: a statement at work is no silence, a lost one is") {
  client.create_or_open(id, 1);
  numpool::client_options options = shared();
  options.heartbeat_interval = 500ms;
  options.heartbeat_limit = 1500ms;
  numpool::client other(options);
  session blocker;
  for (const bool is_lost : {false, true}) {
    CAPTURE(is_lost);
    blocker.query("BEGIN");
    blocker.query("SELECT numpool_set_metadata('" + id + "', '1')");
    std::optional<error_kind> outcome;
    threads running;
    running.start([&] { outcome = kind_of([&] { other.open(id).set_metadata("2"); }); });
    REQUIRE(eventually([&] { return seen("count(*)", "wait_event_type = 'Lock'") == "1"; }));
    if (is_lost) wire.swallow_answers();
    if (!is_lost) std::this_thread::sleep_for(5s);  // longer than interval and limit together
    CHECK_FALSE(outcome);
    blocker.query("COMMIT");
    const auto start = clk::now();
    running.join();
    CHECK(took_at_most(15s, start));
    CHECK(outcome == (is_lost ? std::optional(error_kind::connection_lost) : std::nullopt));
  }
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: nothing is sent before the last answer came") {
  client.create_or_open(id, 1);
  numpool::client other(shared());
  numpool::pool pool = other.open(id);
  session blocker;
  blocker.query("BEGIN");
  blocker.query("SELECT numpool_set_metadata('" + id + "', '1')");
  std::optional<error_kind> first, second;
  int size = 0;
  threads running;
  running.start([&] { first = kind_of([&] { pool.set_metadata("2"); }); });
  REQUIRE(eventually([&] { return seen("count(*)", "wait_event_type = 'Lock'") == "1"; }));
  running.start([&] { second = kind_of([&] { size = pool.status().size; }); });
  std::this_thread::sleep_for(100ms);
  terminate();
  running.join();
  CHECK(first == error_kind::connection_lost);
  CHECK_FALSE(second);  // it was not sent, so it is known not to have been done
  CHECK(size == 1);
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: idle, it is heard of, and a dead way is noticed") {
  client.create_or_open(id, 1);
  numpool::client_options options = shared();
  options.heartbeat_interval = 300ms;
  options.heartbeat_limit = 1000ms;
  numpool::client other(options);
  std::this_thread::sleep_for(1s);
  CHECK(other.connected());
  CHECK(seen("count(*)", "query LIKE '/* numpool%SELECT 1'") == "1");
  wire.go_silent();
  CHECK(eventually([&] { return !other.connected(); }));
  CHECK(eventually([&] { return other.connected(); }));
  CHECK(other.open(id).acquire_timed(lasting(1h)).held());
}

TEST_CASE_FIXTURE(sharing, "closing gives back leases, places, and what was about to go back") {
  numpool::pool direct = client.create_or_open(id, 2);
  for (const bool is_shared : {true, false}) {
    CAPTURE(is_shared);
    numpool::client_options how = is_shared ? shared() : options();
    numpool::client other(how);
    numpool::pool pool = other.open(id);
    const timed_lease held = pool.acquire_timed(lasting(1h));
    for (int round = 0; round < 10; ++round) (void)pool.acquire_timed(lasting(1h));
    std::optional<timed_lease> second(pool.acquire_timed(lasting(1h)));
    auto waiting = pool.acquire_timed_future(lasting(1h));
    REQUIRE(eventually([&] { return direct.status().waiting == 1; }));
    second.reset();
    other.close();
    CHECK_FALSE(held.held());
    try {
      (void)waiting.get();
    } catch (const numpool::error& why) {
      CHECK(why.kind() == error_kind::client_closed);
    }
    CHECK(eventually([&] { return direct.leases().empty() && direct.waiters().empty(); }, 3s));
  }
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: pools are made, changed and dropped") {
  numpool::client other(shared());
  other.setup();
  numpool::pool pool = other.create_or_open(id, 2, "{\"a\": 1}");
  CHECK(pool.resize(3) == 2);
  CHECK(pool.metadata() == "{\"a\": 1}");
  pool.set_metadata("2");
  CHECK(pool.replace_metadata("2", "3"));
  CHECK(other.list(id) == std::vector<std::string>{id});
  CHECK(other.pool_statuses(id).at(0).size == 3);
  CHECK_FALSE(other.is_standby());
  CHECK(other.drop(id));
  CHECK(kind_of([&] { (void)pool.acquire_timed(lasting(1h)); }) == error_kind::no_such_pool);
}

TEST_CASE_FIXTURE(sharing, "transaction pooling: many threads, short times, lost connections") {
  numpool::pool direct = client.create_or_open(id, 3);
  std::atomic<bool> over{false};
  std::atomic<int> inside[3] = {};
  std::atomic<int> collisions{0}, rounds{0};
  {
    numpool::client other(shared());
    const numpool::pool pool = other.open(id);
    threads all;
    all.start(6, [&](int who) {
      while (!over) {
        timed_options options = lasting(5s);
        options.timeout = std::chrono::milliseconds(who % 2 == 0 ? 200 : 0);
        auto held = pool.try_acquire_timed(options);
        if (!held) continue;
        auto& here = inside[held->index()];
        if (here.fetch_add(1) != 0) ++collisions;
        std::this_thread::yield();
        here.fetch_sub(1);
        ++rounds;
        if (who % 3 == 0) held->release();
      }
    });
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(150ms);
      terminate();
    }
    over = true;
    all.join();
  }
  CHECK(collisions == 0);
  CHECK(rounds > 0);
  CHECK(eventually([&] { return direct.status().in_use == 0 && direct.status().waiting == 0; }));
}
