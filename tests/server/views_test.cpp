// The views of live state: what others see of a session, counters, and that looking disturbs
// nobody.
#include <doctest/doctest.h>

#include "server/calls.h"

using namespace numpool_test;

namespace {

struct PlainRole {
  PlainRole() {
    observer().must(
        "CREATE ROLE numpool_plain_role LOGIN; CREATE ROLE numpool_reader LOGIN IN ROLE "
        "pg_read_all_stats");
  }
  ~PlainRole() { observer().run("DROP ROLE numpool_plain_role, numpool_reader"); }
};

Field what_is_shown(Session& to, const Session& of) {
  return to.value("SELECT application_name FROM pg_stat_activity WHERE pid = " +
                  std::to_string(of.pid()));
}

}  // namespace

TEST_CASE("a plain role sees that others hold and wait, not who they are") {
  PlainRole role;
  Pool pool(1);
  Session holder("application_name=secret"), waiter("application_name=secret");
  holder.must(acquire(pool));
  wait_in_queue(waiter, pool, 1);
  const std::string details =
      "SELECT l.application_name, l.client_addr, l.pid, l.usename FROM numpool_leases l WHERE pool "
      "= ";
  const std::string of_waiter = "SELECT application_name FROM numpool_waiters WHERE pool = ";
  {
    Session plain("user=numpool_plain_role");
    const Outcome leases = plain.must(details + pool.q());
    REQUIRE(leases.rows.size() == 1);
    // As pg_stat_activity does.
    CHECK(leases.rows[0][0] == what_is_shown(plain, holder));
    CHECK(leases.rows[0][2] == std::to_string(holder.pid()));
    const Outcome waiters = plain.must(of_waiter + pool.q());
    REQUIRE(waiters.rows.size() == 1);
    CHECK(waiters.rows[0][0] == what_is_shown(plain, waiter));
    // It sees its own.
    plain.must("SET application_name = 'mine'");
    Pool own(1);
    plain.must(acquire(own));
    CHECK(plain.value(details + own.q()) == "mine");
    CHECK(plain.number("SELECT in_use FROM numpool_pools WHERE pool = " + pool.q()) == 1);
  }
  Session reader("user=numpool_reader");
  CHECK(reader.value(details + pool.q()) == "secret");
  CHECK(reader.value(of_waiter + pool.q()) == "secret");
}

TEST_CASE("a plain role's first use of a pool that only the owner has defined") {
  PlainRole role;
  Pool pool(2);
  {
    Session plain("user=numpool_plain_role"), other("user=numpool_plain_role");
    CHECK(plain.number(acquire(pool)) == 0);
    CHECK(other.number(acquire(pool)) == 1);
    enqueue_ticket(plain, pool);
    other.close();
    CHECK(plain.await_notifications().size() == 1);
    CHECK(plain.state("SELECT numpool_resize(" + pool.q() + ", 5)") == "42501");
  }
  CHECK(pool.idle_within());
}

TEST_CASE("counters tell grants, hand-offs, timeouts, cancels and waiting times") {
  Pool pool(1);
  Session holder, waiter;
  holder.must(acquire(pool));
  waiter.must(acquire(pool, "20 ms"));  // a timeout
  wait_in_queue(waiter, pool, 1);
  waiter.cancel();
  waiter.finish();  // a cancel
  wait_in_queue(waiter, pool, 1);
  observer().must("SELECT pg_sleep(0.1)");
  holder.must(release(pool, 0));  // a hand-off
  CHECK(waiter.finish().number() == 0);
  const Outcome row = observer().must(
      "SELECT grants, handoffs, timeouts, cancels FROM numpool_pools WHERE pool = " + pool.q());
  CHECK(row.rows[0][0] == "2");
  CHECK(row.rows[0][1] == "1");
  CHECK(row.rows[0][2] == "1");
  CHECK(row.rows[0][3] == "1");
}

TEST_CASE("position, kind, ticket and time of waiters of both kinds") {
  Pool pool(1);
  Session holder, blocking, ticket_owner;
  holder.must(acquire(pool));
  wait_in_queue(blocking, pool, 1);
  const auto ticket = enqueue_ticket(ticket_owner, pool);
  const Outcome rows = observer().must(
      "SELECT position, ticket, pid, kind, since < clock_timestamp() FROM numpool_waiters WHERE "
      "pool = " +
      pool.q() + " ORDER BY position");
  REQUIRE(rows.rows.size() == 2);
  CHECK(rows.rows[0][0] == "1");
  CHECK_FALSE(rows.rows[0][1].has_value());
  CHECK(rows.rows[0][2] == std::to_string(blocking.pid()));
  CHECK(rows.rows[0][3] == "blocking");
  CHECK(rows.rows[1][0] == "2");
  CHECK(rows.rows[1][1] == std::to_string(ticket));
  CHECK(rows.rows[1][3] == "ticket");
  CHECK(rows.rows[0][4] == "t");
}

TEST_CASE(
    "a look at a queue of 10,000 tickets, while it moves, shows each at most once and in order") {
  Pool pool(1);
  Session holder, crowd;
  holder.must(acquire(pool));
  crowd.must("SELECT count(*) FROM generate_series(1, 10000), LATERAL (SELECT numpool_enqueue(" +
             pool.q() + ") OFFSET 0) AS t WHERE random() >= 0");
  const int waiting = pool.waiting();
  Session reader;
  reader.send(
      "SELECT count(*), count(DISTINCT ticket), bool_and(position = n) FROM (SELECT ticket, "
      "position, "
      "row_number() OVER (ORDER BY ticket) AS n FROM numpool_waiters WHERE pool = " +
      pool.q() + ") AS w");
  for (int i = 0; i < 20; i++) {
    holder.must("SELECT numpool_release_all()");
    crowd.must(release(pool, 0));
    holder.must(try_acquire(pool));
  }
  const Outcome seen = reader.finish();
  CHECK(seen.rows.at(0)[0] == seen.rows.at(0)[1]);
  CHECK(std::stoi(*seen.rows.at(0)[0]) <= waiting);
  CHECK(std::stoi(*seen.rows.at(0)[0]) >= waiting - 25);
}

TEST_CASE("a sleeping waiter shows in pg_stat_activity as active and waiting, and costs no CPU") {
  Pool pool(1);
  Session holder, waiter;
  holder.must(acquire(pool));
  wait_in_queue(waiter, pool, 1);
  CHECK(eventually([&] {
    return observer().value(
               "SELECT state = 'active' AND wait_event_type IS NOT NULL FROM "
               "pg_stat_activity WHERE pid = " +
               std::to_string(waiter.pid())) == "t";
  }));
  // P8: a waiter does not wake while nothing happens. The kernel counts its voluntary context
  // switches.
  const auto switches = [&] {
    return observer().number("SELECT substring(pg_read_file('/proc/" +
                             std::to_string(waiter.pid()) +
                             "/status', 0, 100000) from 'voluntary_ctxt_switches:\\s+(\\d+)')");
  };
  const auto before = switches();
  observer().must("SELECT pg_sleep(1.2)");
  CHECK(*switches() - *before <= 1);
}
