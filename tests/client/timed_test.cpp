// Leases by token: they outlive the connection, and are renewed by the client.

#include <array>

#include "wired.hpp"

using numpool::error_kind;
using numpool::timed_lease;
using numpool::timed_options;

namespace {

constexpr char kToken[] = "0d9f1c5a-7b1e-4a55-8f0e-00aa11bb22cc";

timed_options with_timeout(std::chrono::milliseconds timeout) {
  timed_options out = lasting(10s);
  out.timeout = timeout;
  return out;
}

void terminate(const numpool::client& victim) {
  session killer;
  killer.query("SELECT pg_terminate_backend(" + std::to_string(victim.backend_pid()) + ", 5000)");
}

}  // namespace

TEST_CASE_FIXTURE(fixture, "a timed lease is the token's, and goes back at the end of its scope") {
  numpool::pool pool = client.create_or_open(id, 1);
  {
    timed_options options = lasting(1h);
    options.holder = "jane";
    const auto before = numpool::boottime_clock::now();
    const timed_lease held = pool.acquire_timed(options);
    CHECK(held.index() == 0);
    CHECK(held.held());
    CHECK_FALSE(held.lost());
    CHECK(held.pool_name() == id);
    CHECK(held.valid_until() >= before + 59min);
    CHECK(held.valid_until() <= numpool::boottime_clock::now() + 1h);
    CHECK(client.lease_count() == 1);
    const auto seen = pool.leases();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].scope == "timed");
    CHECK(seen[0].state == "held");
    CHECK(seen[0].holder == "jane");
    CHECK(seen[0].token == held.token());
    CHECK(seen[0].fence == held.fence());
    CHECK_FALSE(pool.try_acquire());
  }
  CHECK(client.lease_count() == 0);
  CHECK(pool.leases().empty());
}

TEST_CASE_FIXTURE(fixture, "release, and what has no lease") {
  numpool::pool pool = client.create_or_open(id, 1);
  timed_lease held = pool.acquire_timed(lasting(1h));
  timed_lease moved = std::move(held);
  CHECK(held.index() == -1);
  CHECK(held.token().empty());
  CHECK_FALSE(held.renew());
  held.release();
  CHECK(moved.renew());
  moved.release();
  CHECK_FALSE(moved.held());
  CHECK_FALSE(moved.lost());
  CHECK(pool.leases().empty());
  CHECK(kind_of([&] { held.on_lost([] {}); }) == error_kind::invalid_value);
}

TEST_CASE_FIXTURE(fixture, "none free: every form of waiting") {
  numpool::pool pool = client.create_or_open(id, 1);
  timed_lease held = pool.acquire_timed(lasting(1h));
  CHECK_FALSE(pool.try_acquire_timed(lasting(1h)));
  CHECK_FALSE(pool.acquire_timed_for(50ms, lasting(1h)));
  CHECK_FALSE(pool.acquire_timed_until(std::chrono::steady_clock::now() + 50ms, lasting(1h)));
  CHECK(kind_of([&] { (void)pool.acquire_timed(with_timeout(50ms)); }) == error_kind::timed_out);
  CHECK(kind_of([&] { (void)pool.acquire_timed_future(with_timeout(50ms)).get(); }) ==
        error_kind::timed_out);
  check_cancelled_wait(pool);

  auto granted = pool.acquire_timed_future(lasting(1h));
  std::promise<int> index;
  pool.acquire_timed_async([&](numpool::timed_result r) { index.set_value(r.get().index()); },
                           lasting(1h));
  REQUIRE(eventually([&] { return pool.status().waiting == 2; }));
  held.release();
  granted.get().release();
  CHECK(index.get_future().get() == 0);
  CHECK(eventually([&] { return pool.status().in_use == 0; }));
}

TEST_CASE_FIXTURE(fixture, "it is renewed by itself") {
  numpool::pool pool = client.create_or_open(id, 1);
  const timed_lease held = pool.acquire_timed(lasting(300ms));
  const auto fence = held.fence();
  std::this_thread::sleep_for(1500ms);
  CHECK(held.held());
  CHECK(held.fence() == fence);
  CHECK(pool.leases().size() == 1);
  CHECK(pool.status().expired == 0);
}

TEST_CASE_FIXTURE(fixture, "it goes on over lost connections") {
  client.create_or_open(id, 1);
  pauses quick(5ms, 20ms);
  std::atomic<int> losses{0};
  numpool::client_options options;
  options.on_lost = [&](const numpool::lost_lease&) { ++losses; };
  numpool::client other(options);
  timed_lease held = other.open(id).acquire_timed(lasting(2s));
  const auto fence = held.fence();
  for (int i = 0; i < 3; ++i) {
    const auto valid_until = held.valid_until();
    terminate(other);
    REQUIRE(eventually([&] { return held.valid_until() > valid_until; }));
    CHECK(held.held());
  }
  CHECK(held.fence() == fence);
  CHECK(losses == 0);
  held.release();
  CHECK(client.open(id).leases().empty());
}

TEST_CASE_FIXTURE(fixture, "it is renewed at once over a new connection") {
  client.create_or_open(id, 1);
  pauses quick(5ms, 20ms);
  numpool::client other;
  const timed_lease held = other.open(id).acquire_timed(lasting(1h));
  const auto valid_until = held.valid_until();
  terminate(other);
  CHECK(eventually([&] { return held.valid_until() > valid_until; }));
  CHECK(held.held());
}

TEST_CASE_FIXTURE(fixture, "a wait goes on over a lost connection, and its grant is kept") {
  numpool::pool pool = client.create_or_open(id, 1);
  pauses quick(5ms, 20ms);
  numpool::client other;
  for (const bool own : {false, true}) {
    timed_lease held = pool.acquire_timed(lasting(1h));
    timed_options options = lasting(10s);
    if (own) options.token = kToken;
    auto waiting = other.open(id).acquire_timed_future(options);
    REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
    terminate(other);
    REQUIRE(eventually([&] { return other.connected() && pool.status().waiting == 1; }));
    held.release();
    CHECK(waiting.get().held());
  }
}

TEST_CASE_FIXTURE(fixture, "lost when the server says so") {
  numpool::pool pool = client.create_or_open(id, 1);
  timed_lease held = pool.acquire_timed(lasting(500ms));
  std::atomic<int> told{0};
  held.on_lost([&] { ++told; });
  session().query("SELECT numpool_release('" + held.token() + "')");
  CHECK(eventually([&] { return told == 1; }));
  CHECK(held.lost());
  CHECK_FALSE(held.renew());
  held.on_lost([&] { ++told; });
  CHECK(eventually([&] { return told == 2; }));
  held.release();
  CHECK(held.lost());
}

TEST_CASE_FIXTURE(fixture, "lost when no renewal comes through in time, at that moment") {
  client.create_or_open(id, 1);
  numpool::client_options options;
  std::promise<numpool::lost_lease> lost;
  options.on_lost = [&](const numpool::lost_lease& what) { lost.set_value(what); };
  numpool::client other(options);
  timed_lease held = other.open(id).acquire_timed(lasting(600ms));
  // Its statements wait behind one that waits for a lock.
  session blocker;
  blocker.query("BEGIN");
  blocker.query("SELECT numpool_xact_lock('" + id + "')");
  std::thread stuck([&] {
    try {
      other.drop(id);
    } catch (const numpool::error&) {  // whatever it is, the lease is not renewed meanwhile
    }
  });
  session locker;
  locker.query("BEGIN");
  locker.query("LOCK TABLE numpool_definitions IN ACCESS EXCLUSIVE MODE");
  std::thread also([&] { (void)kind_of([&] { (void)other.create(id + "2", 1); }); });
  auto told = lost.get_future();
  REQUIRE(comes(told, 20s));
  CHECK(numpool::boottime_clock::now() >= held.valid_until());
  CHECK(told.get().index == 0);
  CHECK(held.lost());
  locker.query("ROLLBACK");
  blocker.query("ROLLBACK");
  stuck.join();
  also.join();
  client.drop(id + "2");
}

TEST_CASE_FIXTURE(fixture, "a token of one's own: the same lease again, and the same place") {
  numpool::pool pool = client.create_or_open(id, 1);
  timed_options own = with_timeout(100ms);
  own.token = kToken;
  {
    const timed_lease other = pool.acquire_timed(lasting(1h));
    CHECK_FALSE(pool.try_acquire_timed(own));
    REQUIRE(pool.waiters().size() == 1);
    CHECK(pool.waiters()[0].kind == "place");
    CHECK_FALSE(pool.try_acquire_timed(own));
    CHECK(pool.waiters().size() == 1);
  }
  own.timeout = 10s;
  timed_lease held = pool.acquire_timed(own);
  CHECK(held.token() == kToken);
  numpool::client another;
  timed_lease same = another.open(id).acquire_timed(own);
  CHECK(same.fence() == held.fence());
  CHECK(pool.leases().size() == 1);
  same.release();
  CHECK(pool.leases().empty());
}

TEST_CASE_FIXTURE(fixture, "detached and adopted") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::string token;
  std::int64_t fence = 0;
  {
    numpool::client other;
    timed_lease held = other.open(id).acquire_timed(lasting(1h));
    fence = held.fence();
    token = held.detach();
    CHECK(held.index() == -1);
    CHECK(other.lease_count() == 0);
  }
  CHECK(pool.leases().size() == 1);
  auto adopted = client.adopt(token);
  REQUIRE(adopted);
  CHECK(adopted->index() == 0);
  CHECK(adopted->fence() == fence);
  CHECK(adopted->pool_name() == id);
  CHECK(adopted->held());
  adopted->release();
  CHECK_FALSE(client.adopt(token));
  CHECK(kind_of([&] { (void)client.adopt("me"); }) == error_kind::invalid_value);
}

TEST_CASE_FIXTURE(fixture, "what is detached is renewed no more, and what is adopted is") {
  numpool::pool pool = client.create_or_open(id, 1);
  const std::string token = pool.acquire_timed(lasting(600ms)).detach();
  {
    const auto adopted = client.adopt(token);
    REQUIRE(adopted);
    std::this_thread::sleep_for(1500ms);
    CHECK(adopted->held());
  }
  (void)pool.acquire_timed(lasting(200ms)).detach();
  CHECK(eventually([&] { return pool.status().expired == 1; }));
  CHECK(pool.leases().empty());
}

TEST_CASE_FIXTURE(fixture, "close gives it back") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::client other;
  timed_lease held = other.open(id).acquire_timed(lasting(1h));
  auto waiting = other.open(id).acquire_timed_future(lasting(1h));
  other.close();
  CHECK_FALSE(held.held());
  CHECK_FALSE(held.lost());
  CHECK(kind_of([&] { (void)waiting.get(); }) == error_kind::client_closed);
  CHECK(eventually([&] { return pool.leases().empty(); }));
  CHECK(kind_of([&] { (void)held.renew(); }) == std::nullopt);
}

TEST_CASE_FIXTURE(wired,
                  "a number that is being kept for a token goes back, though nobody hears of it") {
  // Both sessions see the pool; only the answers to one of them are held up.
  numpool::pool direct = client.create_or_open(id, 1);
  numpool::client other(options());
  std::optional<numpool::lease> held(direct.acquire());
  numpool::cancellation_source source;
  timed_options what = lasting(1h);
  what.cancellation = source.token();
  auto waits = other.open(id).acquire_timed_future(what);
  REQUIRE(eventually([&] { return direct.status().waiting == 1; }));
  // An answer to something later: so the client has heard, too, that it has a ticket.
  CHECK(other.open(id).status().waiting == 1);
  wire.keep_ready();
  held.reset();
  // The server has kept it, and the client waits for the answer.
  REQUIRE(eventually([&] { return direct.status().timed == 1; }));
  SUBCASE("closed") {
    other.close();
    CHECK(kind_of([&] { (void)waits.get(); }) == error_kind::client_closed);
  }
  SUBCASE("given up, and then the connection goes") {
    source.cancel();
    CHECK(kind_of([&] { (void)waits.get(); }) == error_kind::cancelled);
    terminate(other);
  }
  CHECK(eventually([&] { return direct.leases().empty(); }));
}

TEST_CASE_FIXTURE(fixture, "refused") {
  numpool::pool pool = client.create_or_open(id, 1);
  CHECK(kind_of([&] { (void)pool.acquire_timed(lasting(1ms)); }) == error_kind::invalid_value);
  timed_options odd = lasting(1h);
  odd.token = "me";
  CHECK(kind_of([&] { (void)pool.acquire_timed(odd); }) == error_kind::invalid_value);
  odd = lasting(1h);
  odd.holder = std::string(65, 'x');
  CHECK(kind_of([&] { (void)pool.acquire_timed(odd); }) == error_kind::invalid_value);
  CHECK(pool.status().in_use == 0);
  client.drop(id);
  CHECK(kind_of([&] { (void)pool.acquire_timed(lasting(1h)); }) == error_kind::no_such_pool);
  CHECK(kind_of([&] { (void)pool.try_acquire_timed(lasting(1h)); }) == error_kind::no_such_pool);
}

TEST_CASE_FIXTURE(fixture, "many threads, short times, and connections that go") {
  numpool::pool pool = client.create_or_open(id, 3);
  pauses quick(5ms, 20ms);
  numpool::client other;
  const numpool::pool shared = other.open(id);
  std::atomic<bool> over{false};
  std::array<std::atomic<int>, 3> inside{};
  std::atomic<int> collisions{0};
  std::atomic<int> rounds{0};
  threads all;
  all.start(6, [&](int who) {
    while (!over) {
      timed_options options = lasting(5s);
      options.timeout = std::chrono::milliseconds(who % 2 == 0 ? 200 : 20);
      try {
        auto held = shared.try_acquire_timed(options);
        if (!held) continue;
        auto& here = inside[static_cast<std::size_t>(held->index())];
        if (here.fetch_add(1) != 0) ++collisions;
        std::this_thread::yield();
        here.fetch_sub(1);
        ++rounds;
        if (who % 3 == 0) held->release();
      } catch (const numpool::error& why) {
        if (why.kind() != error_kind::connection_lost) throw;
      }
    }
  });
  for (int i = 0; i < 4; ++i) {
    std::this_thread::sleep_for(150ms);
    if (other.backend_pid() != 0) terminate(other);
  }
  over = true;
  all.join();
  CHECK(collisions == 0);
  CHECK(rounds > 0);
  other.close();
  CHECK(eventually([&] { return pool.status().in_use == 0 && pool.status().waiting == 0; }));
}
