// Owners and users of pools, while others change them: who is judged, on which version of the row,
// and what a right that is taken away leaves alone.
#include <doctest/doctest.h>

#include "server/calls.h"
#include "server/database.h"
#include "server/role.h"
#include "server/tokens.h"

using namespace numpool_test;

namespace {

std::string in_row(const Pool& pool, const std::string& column) {
  return observer().text("SELECT " + column + " FROM numpool_definitions WHERE name = " + pool.q());
}

}  // namespace

TEST_CASE("who may change a pool is judged on the row that was locked") {
  Pool pool(3);
  Role former, next;
  observer().must(call("set_owner", pool, former.q()));
  Session other, owner;
  former.take(owner);
  owner.must(try_acquire(pool) + "; SELECT numpool_release_all()");  // knows the pool
  std::string statement;
  SUBCASE("drop") {
    statement = call("drop", pool);
  }
  SUBCASE("drop by force") {
    statement = call("drop", pool, "true, true");
  }
  SUBCASE("resize") {
    statement = call("resize", pool, "5");
  }
  SUBCASE("set_metadata") {
    statement = call("set_metadata", pool, "'5'");
  }
  SUBCASE("replace_metadata") {
    statement = call("replace_metadata", pool, "NULL, '5'");
  }
  SUBCASE("grant") {
    statement = call("grant", pool, former.q());
  }
  SUBCASE("revoke") {
    statement = call("revoke", pool, "'public'");
  }
  SUBCASE("set_owner") {
    statement = call("set_owner", pool, former.q());
  }
  CAPTURE(statement);

  for (const bool anew : {true, false}) {
    CAPTURE(anew);
    // Another's pool comes under the name, or the pool becomes another's.
    const std::string change = anew ? call("drop", pool) + "; SET LOCAL ROLE " + next.name() +
                                          "; " + call("create", pool, "3") + "; RESET ROLE"
                                    : call("set_owner", pool, next.q());
    other.must("BEGIN; " + change);
    owner.send(statement);
    REQUIRE(waits_for_lock(owner));
    other.must("COMMIT");
    CHECK(owner.finish().sqlstate == "42501");
    CHECK(in_row(pool, "owner") == next.name());
    CHECK(in_row(pool, "concat_ws(' ', size, metadata, users)") == "3 {public}");
    CHECK(observer().number("SELECT count(*) FROM pg_locks WHERE pid = " +
                            std::to_string(owner.pid())) == 0);
    observer().must(call("set_owner", pool, former.q()));
  }
  // What is rolled back took nothing away.
  other.must("BEGIN; " + call("set_owner", pool, next.q()));
  owner.send(statement);
  REQUIRE(waits_for_lock(owner));
  other.must("ROLLBACK");
  CHECK(owner.finish().ok);
}

TEST_CASE("who becomes the owner while the call waits may change the pool") {
  Pool pool(3);
  Role former, next;
  observer().must(call("set_owner", pool, former.q()));
  Session other, waiting;
  next.take(waiting);
  other.must("BEGIN; " + call("set_owner", pool, next.q()));
  waiting.send(call("resize", pool, "4"));
  REQUIRE(waits_for_lock(waiting));
  other.must("COMMIT");
  CHECK(waiting.finish().number() == 3);
}

TEST_CASE("who may not change a pool leaves nothing behind in his transaction") {
  Pool pool(1);
  Role stranger;
  Session session, owner;
  stranger.take(session);
  session.must("BEGIN; SAVEPOINT s");
  CHECK(session.state(call("resize", pool, "2")) == "42501");
  session.must("ROLLBACK TO s");
  CHECK(owner.run("SET lock_timeout = 1000; " + call("resize", pool, "2")).ok);
  // It may wait in a queue, as it has changed nothing.
  owner.must("SELECT numpool_resize(" + pool.q() + ", 1); " + acquire(pool));
  wait_in_queue(session, pool, 1);
  owner.must("SELECT numpool_release_all()");
  CHECK(session.finish().number() == 0);
}

TEST_CASE("a right that is taken away ends no wait that has begun") {
  Pool pool(1);
  Role user;
  observer().must(call("grant", pool, user.q()) + "; " + call("revoke", pool, "'public'"));
  Session holder, session;
  holder.must(acquire(pool));
  user.take(session);
  SUBCASE("of a session that sleeps") {
    wait_in_queue(session, pool, 1);
    observer().must(call("revoke", pool, user.q()));
    holder.must("SELECT numpool_release_all()");
    CHECK(session.finish().number() == 0);
    CHECK(session.state(try_acquire(pool)) == "42501");
    CHECK(session.value(release(pool, 0)) == "t");
  }
  SUBCASE("of a ticket") {
    const std::int64_t ticket = enqueue_ticket(session, pool);
    observer().must(call("revoke", pool, user.q()));
    CHECK(session.state(enqueue(pool)) == "42501");
    holder.must("SELECT numpool_release_all()");
    CHECK(poll_state(session, ticket) == "granted");
  }
  SUBCASE("of a token, which asks again and again") {
    const std::string token = new_token();
    session.must(lease(pool, token));
    observer().must(call("revoke", pool, user.q()));
    CHECK(session.must(lease(pool, token)).rows[0][2] == "t");
    holder.must("SELECT numpool_release_all()");
    CHECK(session.must(lease(pool, token)).number() == 0);
    CHECK(session.must(lease(pool, token)).number() == 0);
    CHECK(session.value(release_token(token)) == "t");
    CHECK(session.state(lease(pool, token)) == "42501");
  }
  SUBCASE("but a lease of the session is not kept for a token then") {
    holder.must("SELECT numpool_release_all()");
    session.must(acquire(pool));
    observer().must(call("revoke", pool, user.q()));
    CHECK(session.state(keep(pool, 0, new_token())) == "42501");
    CHECK(session.value(release(pool, 0)) == "t");
  }
}

TEST_CASE("a right counts from the COMMIT that gives or takes it, whatever a session remembers") {
  Pool pool(2);
  Role role, user;
  Session session;
  user.take(session);
  session.must(acquire_xact(pool));
  observer().must(call("revoke", pool, "'public'"));
  CHECK(session.state(acquire_xact(pool)) == "42501");
  CHECK(session.state("SELECT numpool_xact_lock(" + pool.q() + ")") == "42501");
  observer().must(call("grant", pool, role.q()));
  CHECK(session.state(acquire_xact(pool)) == "42501");
  // by a role that it becomes a member of, and no more
  observer().must("GRANT " + role.name() + " TO " + user.name());
  CHECK(session.state(acquire_xact(pool)) == "");
  observer().must("REVOKE " + role.name() + " FROM " + user.name());
  CHECK(session.state(acquire_xact(pool)) == "42501");
  // a snapshot that is older than the REVOKE gives no right
  observer().must(call("grant", pool, user.q()));
  session.must("BEGIN ISOLATION LEVEL REPEATABLE READ; " + acquire_xact(pool));
  observer().must(call("revoke", pool, user.q()));
  CHECK(session.state(acquire_xact(pool)) == "42501");
  session.must("ROLLBACK");
  // a number that is free at once, of a pool made anew by somebody else, in whose name it was known
  observer().must(call("grant", pool, "'public'"));
  session.must(acquire_xact(pool));
  observer().must("BEGIN; " + call("drop", pool) + "; " + call("create", pool, "1") + "; " +
                  call("revoke", pool, "'public'") + "; COMMIT");
  CHECK(session.state(acquire_xact(pool)) == "42501");
}

TEST_CASE("a session that waits for a pool to be dropped is judged by the next one of the name") {
  Pool pool(1);
  Role user;
  Session dropper, session;
  user.take(session);
  session.must(acquire_xact(pool));
  dropper.must("BEGIN; " + call("drop", pool) + "; " + call("create", pool, "1") + "; " +
               call("revoke", pool, "'public'"));
  session.send(acquire(pool));
  REQUIRE(waits_for_lock(session));
  dropper.must("COMMIT");
  CHECK(session.finish().sqlstate == "42501");
}

TEST_CASE("a session that has outlived its role has none of its rights") {
  Pool pool(1);
  Session session;
  {
    Role role;
    observer().must(call("grant", pool, role.q()) + "; " + call("revoke", pool, "'public'") + "; " +
                    call("set_owner", pool, role.q()));
    role.take(session);
    session.must(acquire_xact(pool) + "; " + call("resize", pool, "2"));
  }
  CHECK(session.state(acquire_xact(pool)) == "42501");
  CHECK(session.state(call("resize", pool, "2")) == "42501");
  CHECK(session.state(call("metadata", pool)) == "42501");
  CHECK(observer().number("SELECT count(*) FROM numpool_pools WHERE owner = current_user AND "
                          "pool = " +
                          pool.q()) == 1);
}

TEST_CASE("two grants at once are both there") {
  Pool pool(1);
  Role one, two;
  Session first, second;
  first.must("BEGIN; " + call("grant", pool, one.q()));
  second.send(call("grant", pool, two.q()));
  REQUIRE(waits_for_lock(second));
  first.must("COMMIT");
  CHECK(second.finish().ok);
  CHECK(in_row(pool, "users") == "{public," + one.name() + "," + two.name() + "}");
}
