// What happens between the moment when a transaction's rows are visible and its COMMIT callback,
// which brings them to the live pools. tests/server/hold_commit_module.cpp holds a session there.
#include <doctest/doctest.h>

#include <memory>

#include "server/calls.h"
#include "server/hold.h"

using namespace numpool_test;

namespace {

const std::string kVisible = "'window' IN (SELECT numpool_list())";
const std::string kTry = "SELECT numpool_try_acquire('window')";

// A pool of one number, made and acquired by a session whose COMMIT is under way.
struct NewPool {
  NewPool() {
    hold = std::make_unique<Hold>(maker);
    maker.must("BEGIN; SELECT numpool_create('window', 1)");
    REQUIRE(maker.number("SELECT numpool_acquire('window')") == 0);
    commit_until(maker, *hold, kVisible);
  }
  ~NewPool() { observer().run("SELECT numpool_drop('window', true, true)"); }
  NewPool(const NewPool&) = delete;
  NewPool& operator=(const NewPool&) = delete;

  void let_go() {
    hold.reset();
    REQUIRE(maker.finish().ok);
  }

  Session maker;
  std::unique_ptr<Hold> hold;
};

}  // namespace

TEST_CASE("a pool whose creation is being committed is nobody else's to take back") {
  NewPool pool;
  Session other, third;
  other.must("BEGIN");
  SUBCASE("used") {
    CHECK_FALSE(other.number(kTry));
  }
  SUBCASE("used in a savepoint") {
    other.must("SAVEPOINT s");
    CHECK_FALSE(other.number(kTry));
    other.must("ROLLBACK TO s");
  }
  SUBCASE("resized") {
    CHECK(other.number("SELECT numpool_resize('window', 2)") == 1);
  }
  SUBCASE("described") {
    other.must("SELECT numpool_set_metadata('window', '1')");
    CHECK_FALSE(other.number(kTry));
  }
  SUBCASE("dropped") {
    other.must("SELECT numpool_drop('window', true)");
  }
  other.must("ROLLBACK");
  pool.let_go();
  CHECK_FALSE(third.number(kTry));
  CHECK(pool.maker.number("SELECT numpool_fence('window', 0)").has_value());
  CHECK(pool.maker.value("SELECT numpool_release('window', 0)") == "t");
  CHECK(third.number(kTry) == 0);
}

TEST_CASE("changes of a pool whose creation is being committed come after it") {
  NewPool pool;
  Session other, waiter;
  waiter.send("SELECT numpool_acquire('window')");
  CHECK_FALSE(waiter.done_within(20ms));
  SUBCASE("grown") {
    other.must("SELECT numpool_resize('window', 2)");
    CHECK(waiter.finish().number() == 1);
    pool.let_go();
    CHECK(observer().number("SELECT in_use FROM numpool_pools WHERE pool = 'window'") == 2);
  }
  SUBCASE("dropped by force") {
    other.must("SELECT numpool_drop('window', true)");
    CHECK(waiter.finish().sqlstate == "42704");
    pool.let_go();
    CHECK(pool.maker.state("SELECT numpool_release('window', 0)") == "42704");
    CHECK(other.state(kTry) == "42704");
  }
  SUBCASE("dropped without force: it is in use") {
    CHECK(other.state("SELECT numpool_drop('window')") == "55006");
    pool.let_go();
    pool.maker.must("SELECT numpool_release('window', 0)");
    CHECK(waiter.finish().number() == 0);
  }
}

TEST_CASE("the second of two resizes waits for the first one's callback") {
  Pool pool(5);
  Session first, second;
  second.must(acquire(pool));  // loads it
  auto hold = std::make_unique<Hold>(first);
  first.must("BEGIN; " + call("resize", pool, "10"));
  commit_until(first, *hold,
               "(SELECT size FROM numpool_definitions WHERE name = " + pool.q() + ") = 10");
  second.send(call("resize", pool, "20"));
  CHECK_FALSE(second.done_within(50ms));
  hold.reset();
  CHECK(first.finish().ok);
  CHECK(second.finish().number() == 10);
  CHECK(pool.free() == 19);
}

TEST_CASE("a drop whose callback is still to come keeps its name's next pool apart") {
  Pool pool(1);
  Session dropper, comer;
  comer.must(acquire(pool) + "; " + release(pool, 0));
  auto hold = std::make_unique<Hold>(dropper);
  dropper.must("BEGIN; " + call("drop", pool) + "; " + call("create", pool, "3"));
  commit_until(dropper, *hold,
               "(SELECT size FROM numpool_definitions WHERE name = " + pool.q() + ") = 3");
  comer.send(acquire(pool));
  CHECK_FALSE(comer.done_within(50ms));
  hold.reset();
  CHECK(dropper.finish().ok);
  CHECK(comer.finish().number() == 0);
  CHECK(pool.free() == 2);
}
