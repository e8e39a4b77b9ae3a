// wait: until a number is free.
#include <doctest/doctest.h>

#include <csignal>

#include "database.hpp"
#include "program.hpp"

using namespace cli_test;

TEST_CASE("a free number: at once, and it stays free") {
  test_pool pool(1);
  const result r = run({"wait", pool.name()});
  CHECK(r.status == 0);
  CHECK(r.out.empty());
  CHECK(r.err.empty());
  CHECK(pool.in_use() == 0);
  CHECK(run({"wait", pool.name(), "--timeout", "0"}).status == 0);
}

TEST_CASE("none free: until one is, passing it on to the next") {
  test_pool pool(1);
  session holder;
  holder.query("SELECT numpool_acquire($1)", {pool.name()});
  program first({"wait", pool.name()});
  REQUIRE(pool.has_waiting(1));
  program second({"wait", pool.name()});
  REQUIRE(pool.has_waiting(2));
  CHECK(first.running());
  holder.query("SELECT numpool_release_all()");
  CHECK(first.wait() == 0);
  CHECK(second.wait() == 0);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("timeout: 75") {
  test_pool pool(1);
  session holder;
  holder.query("SELECT numpool_acquire($1)", {pool.name()});
  for (const char* timeout : {"0", "150ms"}) {
    const result r = run({"wait", pool.name(), "--timeout", timeout});
    CHECK(r.status == 75);
    CHECK(lines(r.err) == 1);
  }
  CHECK(pool.waiting() == 0);
}

TEST_CASE("a signal ends the waiting") {
  test_pool pool(1);
  session holder;
  holder.query("SELECT numpool_acquire($1)", {pool.name()});
  program waiting({"wait", pool.name()});
  REQUIRE(pool.has_waiting(1));
  waiting.signal(SIGINT);
  CHECK(waiting.wait() == 1000 + SIGINT);
  CHECK(pool.has_waiting(0));
}

TEST_CASE("no such pool") {
  const result r = run({"wait", "no such pool"});
  CHECK(r.status == 1);
  CHECK(lines(r.err) == 1);
}
