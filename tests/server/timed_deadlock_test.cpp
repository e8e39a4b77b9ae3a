// P14 where numbers are a token's: who takes or releases it has it in his hands, and who sleeps on
// its place waits as any sleeper does.
#include <doctest/doctest.h>

#include "server/database.h"
#include "server/tokens.h"

using namespace numpool_test;

namespace {

constexpr auto kSoon = 10s;

struct Party : Session {
  Party() { must("SET deadlock_timeout = '100ms'"); }
};

// A row that one session has updated and another waits for.
struct Row {
  Row() {
    observer().must("DROP TABLE IF EXISTS timed_row; CREATE TABLE timed_row AS SELECT 0 AS n");
  }
  ~Row() { observer().run("DROP TABLE timed_row"); }
  static constexpr const char* kUpdate = "UPDATE timed_row SET n = n + 1";
};

std::string blockers_of(const Session& session) {
  return observer().text("SELECT numpool_blocking(" + std::to_string(session.pid()) + ")");
}

std::string pid_list(const Session& session) {
  return "{" + std::to_string(session.pid()) + "}";
}

void ends_in_deadlock(Session& victim) {
  REQUIRE(victim.done_within(kSoon));
  CHECK(victim.finish().sqlstate == "40P01");
}

}  // namespace

TEST_CASE("a circle through a number that is being taken for, kept for or released by a token") {
  Row row;
  Pool pool(1);
  const std::string token = new_token();
  Party user, waiter;
  SUBCASE("taken") {
    user.must("BEGIN; " + lease(pool, token));
  }
  SUBCASE("kept") {
    user.must(try_acquire(pool));
    user.must("BEGIN; " + keep(pool, 0, token));
  }
  SUBCASE("released") {
    user.must(lease(pool, token));
    user.must("BEGIN; " + release_token(token));
  }
  waiter.must(std::string("BEGIN; ") + Row::kUpdate);
  waiter.send(acquire(pool));
  pool.wait_for_waiters(1);
  CHECK(blockers_of(waiter) == pid_list(user));
  user.send(Row::kUpdate);
  ends_in_deadlock(waiter);
  waiter.must("ROLLBACK");
  CHECK(user.finish().ok);
  user.must("ROLLBACK; SELECT numpool_release_all()");
  user.run(release_token(token));
}

TEST_CASE("who waits for a number that a token holds waits for nobody's session") {
  Row row;
  Pool pool(1);
  const std::string token = new_token();
  Party holder, waiter;
  holder.must(lease(pool, token));
  waiter.must(std::string("BEGIN; ") + Row::kUpdate);
  waiter.send(acquire(pool));
  pool.wait_for_waiters(1);
  holder.send(Row::kUpdate);
  CHECK_FALSE(waiter.done_within(700ms));
  CHECK(blockers_of(waiter) == "{}");
  // Anybody can release it.
  observer().must(release_token(token));
  CHECK(waiter.finish().number() == 0);
  waiter.must("ROLLBACK");
  CHECK(holder.finish().ok);
}

TEST_CASE("a circle of sessions that sleep for leases by token") {
  Pool a(1, "a"), b(1, "b");
  const std::string token = new_token();
  Party one, two;
  // Long enough for a look at the circle before it is found.
  for (Party* party : {&one, &two})
    party->must("SET deadlock_timeout = '" + stretched_interval(300ms) + "'");
  one.must(acquire(a));
  two.must(acquire(b));
  one.send(acquire(b));
  b.wait_for_waiters(1);
  SUBCASE("by a token that is made") {
    wait_in_queue_for_now(two, a, lease(a, "", "1 h", ""));
    CHECK(blockers_of(two) == pid_list(one));
    ends_in_deadlock(two);
  }
  SUBCASE("on the place of a token, which is kept") {
    two.send(lease(a, token, "1 h", ""));
    a.wait_for_waiters(1);
    CHECK(blockers_of(two) == pid_list(one));
    ends_in_deadlock(two);
    CHECK(two.value("SELECT kind FROM numpool_waiters WHERE pool = " + a.q()) == "place");
  }
  SUBCASE("on a place that was there before") {
    CHECK(two.value(lease(a, token)) == std::nullopt);
    two.send(lease(a, token, "1 h", ""));
    ends_in_deadlock(two);
  }
  SUBCASE("the other is the younger") {
    two.send(lease(a, token, "1 h", "20 ms"));
    two.finish();
    one.cancel();
    one.finish();
    two.send(lease(a, token, "1 h", ""));
    nap(50ms);
    one.send(acquire(b));
    ends_in_deadlock(one);
    one.must(release(a, 0));
    CHECK(two.finish().number() == 0);
    two.must(release_token(token));
    two.must(release(b, 0));
    return;
  }
  SUBCASE("who has a timeout of his own is in none") {
    two.send(lease(a, token, "1 h", "1 s"));
    CHECK(two.finish().rows.at(0)[0] == std::nullopt);
    CHECK_FALSE(one.done());
  }
  two.run(release_token(token));
  two.must(release(b, 0));
  CHECK(one.finish().number() == 0);
}

TEST_CASE("a session that holds every number and sleeps on a place waits for itself") {
  Pool pool(1);
  const std::string token = new_token();
  Party session;
  session.must(acquire(pool));
  CHECK(session.run(lease(pool, token, "1 h", "")).sqlstate == "40P01");
  session.must(call("resize", pool, "2"));
  Party other;
  other.must(acquire(pool));
  session.send(lease(pool, token, "1 h", ""));
  pool.wait_for_waiters(1);
  other.must(call("resize", pool, "1"));
  // It is told when it is woken next; a shrink leaves it all the numbers there are.
  other.must(release(pool, 1));
  CHECK(session.done_within(kSoon));
  session.cancel();
  CHECK(session.finish().sqlstate == "40P01");
  session.run(release_token(token));
}
