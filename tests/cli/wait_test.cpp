// wait: until a number is free.
#include <doctest/doctest.h>

#include <csignal>

#include "support/pool.h"
#include "program.h"

using namespace numpool_test;

TEST_CASE("a free number: at once, and it stays free") {
  Pool pool(1);
  const Result r = run({"wait", pool.name()});
  CHECK(r.status == 0);
  CHECK(r.out.empty());
  CHECK(r.err.empty());
  CHECK(pool.in_use() == 0);
  CHECK(run({"wait", pool.name(), "--timeout", "0"}).status == 0);
}

TEST_CASE("none free: until one is, passing it on to the next") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Numpool first({"wait", pool.name()});
  REQUIRE(pool.waiters_become(1, kSoon));
  Numpool second({"wait", pool.name()});
  REQUIRE(pool.waiters_become(2, kSoon));
  CHECK(first.running());
  holder.text("SELECT numpool_release_all()");
  CHECK(first.wait() == 0);
  CHECK(second.wait() == 0);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("timeout: 75") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  for (const char* timeout : {"0", "150ms"}) {
    const Result r = run({"wait", pool.name(), "--timeout", timeout});
    CHECK(r.status == 75);
    CHECK(lines(r.err) == 1);
  }
  CHECK(pool.waiting() == 0);
}

TEST_CASE("a signal ends the waiting") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Numpool waiting({"wait", pool.name()});
  REQUIRE(pool.waiters_become(1, kSoon));
  waiting.signal(SIGINT);
  CHECK(waiting.wait() == 1000 + SIGINT);
  CHECK(pool.waiters_become(0, kSoon));
}

TEST_CASE("no such pool") {
  const Result r = run({"wait", "no such pool"});
  CHECK(r.status == 1);
  CHECK(lines(r.err) == 1);
}
