// Batches: each element as its own call would, beside other sessions.
#include <doctest/doctest.h>

#include "server/calls.h"

using namespace numpool_test;

namespace {

std::string array_of(const std::vector<std::string>& elements, const std::string& type) {
  std::string list;
  for (const std::string& element : elements) list += (list.empty() ? "" : ", ") + element;
  return "ARRAY[" + list + "]::" + type + "[]";
}

// Three columns: ticket, index, sqlstate.
std::string enqueue_batch(const std::vector<std::string>& pools) {
  return "SELECT ticket, index, sqlstate FROM numpool_enqueue_batch(" + array_of(pools, "text") +
         ")";
}

std::string cancel_batch(const std::vector<std::string>& tickets) {
  return "SELECT cancelled FROM numpool_cancel_batch(" + array_of(tickets, "bigint") + ")";
}

// What this session holds of the pool, or its first `count` numbers.
std::string release_batch_of(Session& session, const Pool& pool, int count) {
  const std::string held = session.text(
      "SELECT format('ARRAY%s, ARRAY%s::bigint[]', array_to_json(array_agg(index)),"
      " array_to_json(array_agg(fence))) FROM (SELECT * FROM numpool_leases WHERE pool = " +
      pool.q() + " AND pid = pg_backend_pid() ORDER BY index LIMIT " + std::to_string(count) +
      ") AS l");
  return "SELECT count(*) FILTER (WHERE released) FROM numpool_release_batch(array_fill(" +
         pool.q() + "::text, '{" + std::to_string(count) + "}'), " + held + ")";
}

// Cancels the session's statement until it is over.
Outcome cancelled(Session& session) {
  Limit limit(kDeadline);
  while (!session.done_within(10ms) && !limit.over()) session.cancel();
  return session.finish();
}

}  // namespace

TEST_CASE("the tickets of a batch wait in the order of the array, behind who came before") {
  Pool pool(1);
  Session holder, first, batch, last;
  holder.must(acquire(pool));
  wait_in_queue(first, pool, 1);
  const Outcome tickets = batch.must(enqueue_batch({pool.q(), pool.q(), pool.q()}));
  REQUIRE(tickets.rows.size() == 3);
  wait_in_queue(last, pool, 5);
  holder.must(release(pool, 0));
  CHECK(first.finish().number() == 0);
  first.must(release(pool, 0));
  for (const auto& row : tickets.rows) {
    CHECK(poll_state(batch, std::stoll(*row[0])) == "granted");
    CHECK_FALSE(last.done_within(10ms));
    CHECK(batch.value(release(pool, 0)) == "t");
  }
  CHECK(last.finish().number() == 0);
}

TEST_CASE("a rollback of a batch undoes all of it, and its numbers go to the next") {
  Pool pool(2);
  Session batch, next;
  batch.must("BEGIN");
  const Outcome taken = batch.must(enqueue_batch({pool.q(), "'nowhere'", pool.q(), pool.q()}));
  REQUIRE(taken.rows.size() == 4);
  CHECK(taken.rows[1][2] == "42704");
  wait_in_queue(next, pool, 2);
  SUBCASE("a rollback") {
    batch.must("ROLLBACK");
  }
  SUBCASE("an error after it") {
    CHECK(batch.state("SELECT 1/0") == "22012");
    batch.must("ROLLBACK");
  }
  SUBCASE("the end of the session") {
    batch.close();
  }
  // What was done last is undone first.
  CHECK(next.finish().number() == 1);
  CHECK(pool.waiters_become(0));
  CHECK(pool.in_use() == 1);
}

TEST_CASE("a cancel of a batch is no element's result and leaves nothing") {
  Pool pool(1);
  Session batch, next;
  batch.send("SELECT count(*) FROM numpool_enqueue_batch(array_fill(" + pool.q() +
             "::text, '{2}') || array_fill('nowhere'::text, '{1000000}'))");
  pool.wait_for_waiters(1);
  wait_in_queue(next, pool, 2);
  CHECK(cancelled(batch).sqlstate == "57014");
  CHECK(next.finish().number() == 0);
  CHECK(pool.waiting() == 0);
}

TEST_CASE("releases in a transaction of their own serve the queue before the enqueues after them") {
  Pool pool(2);
  Session batch, waiting;
  batch.must(enqueue_batch({pool.q(), pool.q()}));
  wait_in_queue(waiting, pool, 1);
  const std::string give_back = release_batch_of(batch, pool, 2);
  SUBCASE("then who waits is served first") {
    CHECK(batch.number(give_back) == 2);
    CHECK(waiting.finish().number() == 0);
    const Outcome again = batch.must(enqueue_batch({pool.q(), pool.q()}));
    CHECK(again.rows[0][1] == "1");
    CHECK_FALSE(again.rows[1][1].has_value());
  }
  SUBCASE("in one transaction the enqueues take the numbers back") {
    batch.must("BEGIN");
    CHECK(batch.number(give_back) == 2);
    const Outcome again = batch.must(enqueue_batch({pool.q(), pool.q()}));
    CHECK(again.rows[0][1] == "0");
    CHECK(again.rows[1][1] == "1");
    batch.must("COMMIT");
    CHECK_FALSE(waiting.done_within(20ms));
    waiting.cancel();
    CHECK(waiting.finish().sqlstate == "57014");
  }
}

TEST_CASE("an element whose pool is being dropped fails alone; the others go on") {
  Pool pool(1), other(1);
  Session batch, dropper;
  const std::string both = enqueue_batch({other.q(), pool.q(), other.q()});
  SUBCASE("that this session has met") {
    batch.must("BEGIN; " + both + "; ROLLBACK");
  }
  SUBCASE("that is new to it") {}
  dropper.must("BEGIN; " + call("drop", pool));
  Outcome rows = batch.must(both);
  CHECK(rows.rows[0][1] == "0");
  CHECK(rows.rows[1][2] == "55P03");
  CHECK(rows.rows[2][0].has_value());
  dropper.must("COMMIT");
  rows = batch.must(both);
  CHECK(rows.rows[1][2] == "42704");
  CHECK(other.waiting() == 3);
  CHECK(other.in_use() == 1);
}

TEST_CASE("where the definitions are locked, an element of a pool that is known is served") {
  Pool known(1), unknown(1);
  Session batch, locker;
  batch.must("BEGIN; " + acquire(known) + "; ROLLBACK");
  locker.must("BEGIN; LOCK TABLE numpool_definitions");
  const Outcome rows = batch.must(enqueue_batch({unknown.q(), known.q(), unknown.q()}));
  CHECK(rows.rows[0][2] == "55P03");
  CHECK(rows.rows[1][1] == "0");
  CHECK(rows.rows[2][2] == "55P03");
  locker.must("ROLLBACK");
}

TEST_CASE("a batch releases nothing that another session holds, or that has been leased again") {
  Pool pool(1);
  Session first, second;
  first.must(acquire(pool));
  const std::string give_back = release_batch_of(first, pool, 1);
  CHECK(second.number(give_back) == 0);
  CHECK(first.number(give_back) == 1);
  CHECK(first.number(acquire(pool)) == 0);
  CHECK(first.number(give_back) == 0);
  CHECK(pool.holder() == first.pid());
}

TEST_CASE("a batch of cancels ends waiting and granted tickets, and knows no others") {
  Pool pool(1);
  Session holder, owner, next;
  holder.must(acquire(pool));
  const Outcome tickets = owner.must(enqueue_batch({pool.q(), pool.q()}));
  const std::string granted = *tickets.rows[0][0], waiting = *tickets.rows[1][0];
  wait_in_queue(next, pool, 3);
  holder.must(release(pool, 0));
  CHECK(holder.must(cancel_batch({granted, waiting})).rows[0][0] == "f");
  const Outcome ended = owner.must(cancel_batch({waiting, granted, "NULL", waiting}));
  CHECK(ended.rows[0][0] == "t");
  CHECK(ended.rows[1][0] == "t");
  CHECK_FALSE(ended.rows[2][0].has_value());
  CHECK(ended.rows[3][0] == "f");
  CHECK(next.finish().number() == 0);
}
