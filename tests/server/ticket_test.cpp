// Tickets: their place in the queue, their transactions, and who may see and cancel them.
#include <doctest/doctest.h>

#include <memory>

#include "server/calls.h"

using namespace numpool_test;

TEST_CASE("a ticket belongs to the session that enqueued") {
  Pool pool(1);
  Session holder, owner, stranger;
  holder.must(acquire(pool));
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  CHECK(poll_state(owner, ticket) == "waiting");
  CHECK(poll_state(stranger, ticket) == "gone");
  CHECK(stranger.value(cancel(ticket)) == "f");
  CHECK(pool.waiting() == 1);
  CHECK(stranger.number("SELECT numpool_release_all()") == 0);
  holder.must(release(pool, 0));
  CHECK(stranger.value(release(pool, 0)) == "f");
  CHECK(poll_state(owner, ticket) == "granted");
  CHECK(owner.value(release(pool, 0)) == "t");
}

TEST_CASE("tickets are never the same number, in one session or in several") {
  Pool pool(500);
  Session a, b;
  const std::string many =
      "SELECT count(DISTINCT t.ticket) FROM generate_series(1, 200) AS n, LATERAL "
      "(SELECT (numpool_enqueue(" +
      pool.q() + ")).ticket WHERE n > 0) AS t";
  CHECK(a.number(many) == 200);
  const auto last_of_a = enqueue_ticket(a, pool);
  CHECK(enqueue_ticket(b, pool) != last_of_a);
  CHECK(poll_state(a, last_of_a) == "granted");
}

TEST_CASE("the guessed ticket of an enqueue that failed names nothing") {
  Pool pool(1), other(4);
  Session session;
  session.must(acquire(pool));
  const std::int64_t last = enqueue_ticket(session, other);
  session.must("BEGIN");
  session.must(call("set_metadata", other, "'1'"));
  session.must("DO $$ BEGIN PERFORM numpool_enqueue(" + pool.q() +
               "); EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END $$");
  CHECK(poll_state(session, last + 1) == "gone");
  CHECK(session.value(cancel(last + 1)) == "f");
  CHECK(session.number(acquire(other)) == 1);
  session.must("ROLLBACK");
  CHECK(session.number("SELECT numpool_release_all()") == 2);
}

TEST_CASE("a cancelled ticket, waiting or granted, makes way at COMMIT") {
  Pool pool(1);
  Session holder, owner, next;
  holder.must(acquire(pool));
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  wait_in_queue(next, pool, 2);
  SUBCASE("waiting") {
    owner.must("BEGIN");
    CHECK(owner.value(cancel(ticket)) == "t");
    CHECK(pool.waiting() == 2);
    owner.must("COMMIT");
    CHECK(pool.waiting() == 1);
    CHECK(poll_state(owner, ticket) == "gone");
    holder.must(release(pool, 0));
  }
  SUBCASE("granted") {
    holder.must(release(pool, 0));
    CHECK_FALSE(next.done_within(50ms));
    CHECK(owner.value(cancel(ticket)) == "t");
    CHECK(poll_state(owner, ticket) == "gone");
  }
  SUBCASE("granted while its cancel is pending") {
    owner.must("BEGIN; " + cancel(ticket));
    holder.must(release(pool, 0));
    CHECK_FALSE(next.done_within(50ms));
    owner.must("COMMIT");
  }
  SUBCASE("granted while its cancel is pending, and rolled back: then it is kept") {
    owner.must("BEGIN; " + cancel(ticket));
    holder.must(release(pool, 0));
    owner.must("ROLLBACK");
    CHECK(poll_state(owner, ticket) == "granted");
    CHECK_FALSE(next.done_within(50ms));
    CHECK(owner.value(release(pool, 0)) == "t");
  }
  CHECK(next.finish().number() == 0);
  CHECK(owner.notifications(50ms).size() <= 1);
}

TEST_CASE("a ticket that waits and whose transaction rolls back makes way") {
  Pool pool(1);
  Session holder, owner, next;
  holder.must(acquire(pool));
  owner.must("BEGIN; SAVEPOINT s");
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  wait_in_queue(next, pool, 2);
  SUBCASE("waiting at the savepoint's rollback") {
    owner.must("ROLLBACK TO s");
    CHECK(pool.waiting() == 1);
    holder.must(release(pool, 0));
  }
  SUBCASE("granted at the savepoint's rollback") {
    holder.must(release(pool, 0));
    CHECK_FALSE(next.done_within(50ms));
    owner.must("ROLLBACK TO s");
  }
  SUBCASE("granted, in a transaction that fails") {
    holder.must(release(pool, 0));
    CHECK(owner.state("SELECT 1/0") == "22012");
  }
  CHECK(next.finish().number() == 0);
  owner.must("ROLLBACK");
  CHECK(poll_state(owner, ticket) == "gone");
  CHECK(owner.notifications(50ms).empty());
}

TEST_CASE("what a poll has shown is announced all the same if its statement fails") {
  Pool pool(1);
  Session holder, owner;
  holder.must(acquire(pool));
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  owner.must("BEGIN; SAVEPOINT s");
  holder.must(release(pool, 0));
  const std::string poll = "SELECT state FROM numpool_poll(" + std::to_string(ticket) + ")";
  std::size_t told = 1;
  SUBCASE("in the statement") {
    CHECK(owner.state("SELECT 1 / (index - index) FROM numpool_poll(" + std::to_string(ticket) +
                      ")") == "22012");
    owner.must("ROLLBACK");
  }
  SUBCASE("in the transaction") {
    owner.must(poll + "; ROLLBACK");
  }
  SUBCASE("in the savepoint") {
    owner.must(poll + "; ROLLBACK TO s; COMMIT");
  }
  SUBCASE("not if it commits") {
    owner.must(poll + "; COMMIT");
    told = 0;
  }
  SUBCASE("nor if a poll before the savepoint does") {
    owner.must("ROLLBACK TO s; " + poll + "; SAVEPOINT t; " + poll + "; ROLLBACK TO t; COMMIT");
    told = 0;
  }
  CHECK(owner.notifications(100ms).size() == told);
  owner.must("SELECT 1");
  CHECK(owner.notifications(50ms).empty());
  CHECK(poll_state(owner, ticket) == "granted");
}

TEST_CASE("a ticket cancelled and taken back is not announced") {
  Pool pool(1);
  Session holder, owner;
  holder.must(acquire(pool));
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  owner.must("BEGIN");
  holder.must(release(pool, 0));
  CHECK(owner.value(cancel(ticket)) == "t");
  std::size_t told = 0;
  SUBCASE("by enqueue, which says so") {
    CHECK(owner.must(enqueue(pool)).rows[0][1] == "0");
    owner.must("COMMIT");
  }
  SUBCASE("by acquire") {
    CHECK(owner.number(acquire(pool)) == 0);
    owner.must("COMMIT");
  }
  SUBCASE("but is if that is rolled back") {
    owner.must(enqueue(pool) + "; ROLLBACK");
    told = 1;
  }
  CHECK(owner.notifications(100ms).size() == told);
  CHECK(pool.in_use() == 1);
}

TEST_CASE(
    "a listening holder is told of a forced drop whatever its transaction does to the lease") {
  Pool pool(2), other(1);
  Session owner;
  owner.must(enqueue(other));
  owner.must(acquire(pool));
  std::size_t told = 1;
  SUBCASE("a release rolled back") {
    owner.must("BEGIN; " + release(pool, 0));
    observer().must(call("drop", pool, "true"));
    owner.must("ROLLBACK");
  }
  SUBCASE("a take-back rolled back") {
    owner.must("BEGIN; " + release(pool, 0) + "; SAVEPOINT s; " + acquire(pool));
    observer().must(call("drop", pool, "true"));
    owner.must("ROLLBACK");
  }
  SUBCASE("a release committed: there is nothing to tell") {
    owner.must("BEGIN; " + release(pool, 0));
    observer().must(call("drop", pool, "true"));
    owner.must("COMMIT");
    told = 0;
  }
  SUBCASE("a lease of the transaction: nothing either") {
    owner.must(release(pool, 0));
    owner.must("BEGIN; " + acquire_xact(pool));
    observer().must(call("drop", pool, "true"));
    owner.must("COMMIT");
    told = 0;
  }
  CHECK(owner.notifications(100ms).size() == told);
  owner.must("SELECT 1");
  CHECK(owner.notifications(50ms).empty());
  observer().must(call("create", pool, "2"));
}

TEST_CASE("a rename that was rolled back is in no notification") {
  Pool pool(1);
  Session holder, owner;
  holder.must(acquire(pool));
  enqueue_ticket(owner, pool);
  owner.must("BEGIN; SAVEPOINT s; UPDATE numpool_definitions SET name = 'renamed' WHERE name = " +
             pool.q() + "; SELECT numpool_try_acquire('renamed')");
  SUBCASE("whole") {
    owner.must("ROLLBACK");
  }
  SUBCASE("to a savepoint") {
    owner.must("ROLLBACK TO s; COMMIT");
  }
  holder.must(release(pool, 0));
  const auto told = owner.await_notifications();
  REQUIRE(told.size() == 1);
  CHECK(told[0].payload.find("\"" + pool.name() + "\"") != std::string::npos);
}

TEST_CASE("DISCARD ALL leaves nothing to tell to whoever has the session next") {
  Pool pool(1);
  Session holder, owner;
  holder.must(acquire(pool));
  enqueue_ticket(owner, pool);
  owner.must("BEGIN; CREATE TEMP TABLE t (i int)");
  holder.must("SELECT numpool_drop(" + pool.q() + ", true)");
  // A COMMIT with an xid notifies nobody by itself; the next one must not either.
  owner.must("SELECT numpool_release_all(); COMMIT");
  owner.must("DISCARD ALL");
  owner.must("SELECT 1");
  CHECK(owner.notifications(50ms).empty());
  observer().must("SELECT numpool_create(" + pool.q() + ", 1)");
}

TEST_CASE("blocking behind one's own tickets") {
  Pool pool(2);
  Session holder, owner;
  holder.must("SELECT numpool_acquire(" + pool.q() + "), numpool_acquire(" + pool.q() + ")");
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  wait_in_queue(owner, pool, 2);
  holder.must(release(pool, 0));
  CHECK_FALSE(owner.done_within(50ms));
  holder.must(release(pool, 1));
  CHECK(owner.finish().number() == 1);
  CHECK(poll_state(owner, ticket) == "granted");
}

TEST_CASE("a sleeper whose own ticket is granted the last number waits for itself: 40P01") {
  Pool pool(1);
  Session holder, owner;
  holder.must(acquire(pool));
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  wait_in_queue(owner, pool, 2);
  holder.must(release(pool, 0));
  CHECK(owner.finish().sqlstate == "40P01");
  CHECK(poll_state(owner, ticket) == "granted");
  CHECK(pool.waiting() == 0);
}

TEST_CASE("a thousand waiters, tickets and sleepers, served in order, gone with their sessions") {
  constexpr std::size_t kSessions = 40, kTickets = 24;
  Pool pool(1);
  Session holder;
  holder.must(acquire(pool));
  std::vector<std::unique_ptr<Session>> sessions;  // by turns with tickets and asleep
  int queued = 0;
  for (std::size_t i = 0; i < 2 * kSessions; i++) {
    sessions.push_back(std::make_unique<Session>());
    Session& session = *sessions.back();
    if (i % 2 == 0) {
      for (std::size_t n = 0; n < kTickets; n++) enqueue_ticket(session, pool);
      queued += static_cast<int>(kTickets);
    } else {
      wait_in_queue(session, pool, ++queued);
    }
  }
  REQUIRE(queued == 1000);
  holder.must(release(pool, 0));
  for (std::size_t i = 0; i < sessions.size(); i++) {
    CAPTURE(i);
    REQUIRE(pool.in_use() == 1);
    REQUIRE(observer().number("SELECT pid FROM numpool_leases WHERE pool = " + pool.q()) ==
            sessions[i]->pid());
    queued -= i % 2 == 0 ? static_cast<int>(kTickets) : 1;
    sessions[i]->sever();
    // The next session has been granted the first place that it had in the queue.
    REQUIRE(pool.waiters_become(queued > 0 ? queued - 1 : 0));
  }
  CHECK(pool.idle_within());
}

TEST_CASE("what a session gives up at once does not go through its own tickets") {
  Pool pool(1);
  Session session;
  std::string way;
  SUBCASE("at its end") {
    way = "end";
  }
  SUBCASE("by numpool_release_all") {
    way = "SELECT numpool_release_all()";
  }
  SUBCASE("by a rollback") {
    way = "ROLLBACK";
    session.must("BEGIN");
  }
  session.must(acquire(pool));
  enqueue_ticket(session, pool);
  enqueue_ticket(session, pool);
  if (way == "end")
    session.close();
  else
    session.must(way);
  CHECK(pool.idle_within());
  CHECK(observer().number("SELECT grants FROM numpool_pools WHERE pool = " + pool.q()) == 1);
}
