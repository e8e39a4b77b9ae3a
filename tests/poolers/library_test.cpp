// The C++ library behind PgBouncer: in session mode as on a direct connection, else refused before
// it takes or frees anything there, unless it was told to share sessions (timed_test.cpp).
#include <doctest/doctest.h>

#include <future>

#include <numpool/numpool.hpp>

#include "client.hpp"

using namespace numpool_test;
using namespace poolers_test;
using namespace std::chrono_literals;
using numpool::error_kind;

namespace {

std::optional<error_kind> refusal(const std::string& conninfo) {
  try {
    numpool::client none(conninfo);
  } catch (const numpool::error& why) {
    return why.kind();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("session pooling: the library works as on a direct connection") {
  Pool named(1);
  pooler bouncer({"session", 10, {}});
  numpool::client first(bouncer.conninfo()), second(bouncer.conninfo());
  numpool::pool pool = first.open(named.name());
  for (int round = 0; round < 20; ++round) {
    numpool::lease held = pool.acquire();
    auto waiting = second.open(named.name()).acquire_future();
    REQUIRE(named.waiters_become(1));
    CHECK(pool.leases().at(0).pid == first.backend_pid());
    held.release();
    CHECK(waiting.get().index() == 0);  // told of it, though the pooler invents process ids
  }
  CHECK(pool.with_lock([] { return 7; }) == 7);
  numpool::lease held = pool.acquire();
  std::promise<void> lost;
  held.on_lost([&] { lost.set_value(); });
  first.drop(named.name(), numpool::drop_mode::force);
  CHECK(lost.get_future().wait_for(10s) == std::future_status::ready);
}

TEST_CASE("session pooling: a pooler without a session to spare is no reason to refuse") {
  Pool named(1);
  pooler bouncer({"session", 1, {}});
  numpool::client only(bouncer.conninfo());
  CHECK(only.open(named.name()).acquire().index() == 0);
}

TEST_CASE("transaction and statement pooling: refused, and nothing is left but the mark") {
  for (const char* mode : {"transaction", "statement"}) {
    for (const int size : {1, 5}) {
      CAPTURE(mode);
      CAPTURE(size);
      Pool named(2);
      pooler bouncer({mode, size, {}});
      client stranger(bouncer);
      CHECK(stranger.query("SELECT numpool_acquire('" + named.name() + "')") == "0");
      for (int round = 0; round < 3; ++round)
        CHECK(refusal(bouncer.conninfo()) == error_kind::not_supported);
      CHECK(named.in_use() == 1);  // no farewell in the stranger's session
      CHECK(stranger.query("SELECT count(*) FROM pg_prepared_statements") == "0");
      CHECK(stranger.query("SELECT count(*) FROM pg_listening_channels()") == "0");
    }
  }
}

TEST_CASE("transaction pooling: refused by every one of many clients that come at once") {
  Pool named(2);
  pooler bouncer({"transaction", 4, {}});
  std::vector<std::future<std::optional<error_kind>>> all;
  for (int i = 0; i < 16; ++i)
    all.push_back(std::async(std::launch::async, [&] { return refusal(bouncer.conninfo()); }));
  for (auto& one : all) CHECK(one.get() == error_kind::not_supported);
  CHECK(named.in_use() == 0);
}
