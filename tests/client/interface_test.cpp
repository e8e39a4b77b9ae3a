// The public interface itself: values that may be moved, errors that tell what to do, options that
// mean the same for every way of waiting.

#include <type_traits>

#include "error_kinds.hpp"
#include "fixture.hpp"

using numpool::error_kind;
using numpool::lease;
using clk = std::chrono::steady_clock;

static_assert(std::is_nothrow_move_constructible_v<lease>);
static_assert(std::is_nothrow_default_constructible_v<lease>);
static_assert(std::is_nothrow_swappable_v<lease>);
static_assert(!std::is_copy_constructible_v<lease>);
static_assert(!std::is_convertible_v<lease, bool>);
static_assert(std::is_nothrow_copy_constructible_v<numpool::pool>);
static_assert(!std::is_default_constructible_v<numpool::pool>);
static_assert(std::is_convertible_v<numpool::cancellation_token, numpool::wait_options>);
static_assert(std::is_convertible_v<std::chrono::hours, numpool::wait_options>);
// In an inline namespace that bears the version of the binary interface.
static_assert(std::is_same_v<lease, numpool::v1::lease>);

TEST_CASE_FIXTURE(fixture, "a pool that was moved from is the pool it was") {
  numpool::pool first = client.create_or_open(id, 2);
  numpool::pool second = std::move(first);
  CHECK(first.name() == id);  // NOLINT(bugprone-use-after-move)
  CHECK(first.status().size == 2);
  first = std::move(second);
  CHECK(second.acquire().index() == 0);  // NOLINT(bugprone-use-after-move)
  numpool::cancellation_source source;
  const numpool::cancellation_source moved = std::move(source);
  source.cancel();  // NOLINT(bugprone-use-after-move)
  CHECK(moved.cancelled());
}

TEST_CASE_FIXTURE(fixture, "a lease is a value: none, one, swapped, moved into") {
  numpool::pool pool = client.create_or_open(id, 2);
  lease none;
  CHECK_FALSE(none);
  CHECK(none.index() == -1);
  CHECK(none.fence() == 0);
  CHECK(none.pool_name().empty());
  CHECK_FALSE(none.held());
  CHECK_FALSE(none.lost());
  none.release();
  CHECK(kind_of([&] { none.on_lost([] {}); }) == error_kind::invalid_value);

  lease one = pool.acquire();
  CHECK(one);
  swap(one, none);
  CHECK_FALSE(one);
  CHECK(none.index() == 0);
  one.swap(none);
  CHECK(one.held());
  none = pool.acquire();
  CHECK(none.index() == 1);
  none = lease();
  CHECK(pool.status().in_use == 1);
  one.release();
  CHECK_FALSE(one);
}

TEST_CASE_FIXTURE(fixture, "timeouts and deadlines are the same for every way of waiting") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::optional<lease> held(pool.acquire());
  const auto start = clk::now();
  CHECK(kind_of([&] { (void)pool.acquire({50ms}); }) == error_kind::timed_out);
  CHECK(kind_of([&] { (void)pool.acquire({clk::now() + 50ms}); }) == error_kind::timed_out);
  CHECK(kind_of([&] { (void)pool.acquire_future({50ms}).get(); }) == error_kind::timed_out);
  CHECK(kind_of([&] {
          (void)pool.acquire_future({std::chrono::system_clock::now() + 50ms}).get();
        }) == error_kind::timed_out);
  std::promise<std::optional<error_kind>> told;
  pool.acquire_async(
      [&](numpool::acquire_result result) {
        CHECK_FALSE(result);
        told.set_value(kind_of([&] { (void)result.get(); }));
      },
      {50ms});
  CHECK(told.get_future().get() == error_kind::timed_out);
  CHECK_FALSE(pool.try_acquire({50ms}));
  CHECK_FALSE(pool.try_acquire({0ms}));
  CHECK(kind_of([&] { (void)pool.acquire_future({-1s}).get(); }) == error_kind::timed_out);
  CHECK(clk::now() - start >= 250ms);
  CHECK(took_at_most(10s, start));
  CHECK(eventually([&] { return pool.status().waiting == 0; }));

  // Both limits: the earlier one counts.
  numpool::wait_options both(1h);
  both.deadline = clk::now() + 50ms;
  CHECK_FALSE(pool.try_acquire(both));
  both.deadline = clk::now() + 1h;
  both.timeout = 50ms;
  CHECK_FALSE(pool.try_acquire(both));

  // A token ends a wait with a limit as it ends one without.
  numpool::cancellation_source source;
  auto waiting = pool.acquire_future({1h, source.token()});
  auto served = pool.acquire_future({1h});
  REQUIRE(eventually([&] { return pool.status().waiting == 2; }));
  source.cancel();
  CHECK(kind_of([&] { (void)waiting.get(); }) == error_kind::cancelled);
  held.reset();
  CHECK(served.get().index() == 0);
  CHECK(pool.acquire({std::chrono::hours::max()}).index() == 0);
  CHECK(pool.acquire({clk::time_point::max()}).index() == 0);
}

TEST_CASE_FIXTURE(fixture, "futures whose time is over race with grants and lose no number") {
  numpool::pool pool = client.create_or_open(id, 1);
  int got = 0, timed_out = 0;
  for (int round = 0; round < 200; ++round) {
    std::optional<lease> held(pool.acquire());
    auto waiting = pool.acquire_future({std::chrono::microseconds(round * 10)});
    std::this_thread::sleep_for(std::chrono::microseconds(1000));
    held.reset();
    try {
      (void)waiting.get();
      ++got;
    } catch (const numpool::error& why) {
      CHECK(why.kind() == error_kind::timed_out);
      ++timed_out;
    }
    REQUIRE(pool.acquire_for(10s));
  }
  MESSAGE("granted " << got << ", timed out " << timed_out);
  CHECK(pool.status().in_use == 0);
  CHECK(pool.status().waiting == 0);
}

TEST_CASE_FIXTURE(fixture, "a wait's time passes while there is no connection, too") {
  client.create_or_open(id, 1);
  numpool::client other;
  numpool::pool pool = other.open(id);
  numpool::lease held = client.open(id).acquire();
  const pauses long_ones(3000ms, 3000ms);
  numpool::client_options options;
  numpool::client away(options);
  numpool::pool there = away.open(id);
  auto waiting = there.acquire_future({300ms});
  session killer;
  for (int i = 0; i < 2; ++i) {  // the second end comes before the connection counts as stable
    REQUIRE(eventually([&] { return away.connected(); }));
    killer.query("SELECT pg_terminate_backend(" + std::to_string(away.backend_pid()) + ", 5000)");
  }
  CHECK(comes(waiting, 2s));
  CHECK(kind_of([&] { (void)waiting.get(); }) == error_kind::timed_out);
}

TEST_CASE_FIXTURE(fixture, "errors come as the type of their kind") {
  numpool::pool pool = client.create_or_open(id, 1);
  lease held = pool.acquire();
  numpool::cancellation_source source;
  source.cancel();
  CHECK_THROWS_AS((void)pool.acquire(source.token()), numpool::cancelled_error);
  CHECK_THROWS_AS((void)pool.acquire_future(source.token()).get(), numpool::cancelled_error);
  CHECK_THROWS_AS((void)client.open(id + "x"), numpool::no_such_pool_error);
  CHECK_THROWS_AS(numpool::client("host=/nonexistent"), numpool::connection_error);
  held.release();
  client.drop(id);
  CHECK_THROWS_AS((void)pool.acquire(), numpool::no_such_pool_error);
  CHECK_THROWS_AS(pool.with_lock([] {}), numpool::no_such_pool_error);
  CHECK_THROWS_AS((void)pool.status(), numpool::no_such_pool_error);
}

TEST_CASE("what may be tried again") {
  using numpool::error;
  CHECK(error(error_kind::connection_lost, "x").retryable());
  CHECK(error(error_kind::cannot_connect, "x").retryable());
  CHECK(error(error_kind::cannot_connect, "too many clients", "53300").retryable());
  CHECK(error(error_kind::cannot_connect, "starting up", "57P03").retryable());
  CHECK_FALSE(error(error_kind::cannot_connect, "wrong password", "28P01").retryable());
  CHECK_FALSE(error(error_kind::cannot_connect, "no such database", "3D000").retryable());
  CHECK(error(error_kind::server, "serialization", "40001").retryable());
  CHECK(error(error_kind::server, "memory", "53200").retryable());
  CHECK(error(error_kind::would_deadlock, "x").retryable());
  for (const auto kind : {error_kind::invalid_value, error_kind::no_such_pool,
                          error_kind::not_supported, error_kind::not_permitted,
                          error_kind::client_closed, error_kind::cancelled, error_kind::timed_out})
    CHECK_FALSE(error(kind, "x").retryable());
  CHECK(error(error_kind::not_supported, "x").sqlstate() == "0A000");
  CHECK(numpool::detail::kind_of("0A000") == error_kind::not_supported);
  CHECK(numpool::detail::kind_of("57014") == error_kind::cancelled);
  CHECK(numpool::detail::kind_of("12345") == error_kind::server);
}
