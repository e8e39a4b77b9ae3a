// P5: a session that ends, in whatever way, leaves no lease and no waiter behind.
#include <doctest/doctest.h>

#include <signal.h>

#include <memory>

#include "server/calls.h"
#include "support/client_process.h"

using namespace numpool_test;

TEST_CASE("SIGKILL of a client that holds: its number goes to the next in line within a second") {
  Pool pool(1);
  ClientProcess holder({acquire(pool)});
  REQUIRE(eventually([&] { return pool.in_use() == 1; }));
  Session waiter;
  wait_in_queue(waiter, pool, 1);
  const auto start = Clock::now();
  holder.kill();
  CHECK(waiter.finish().number() == 0);
  CHECK(took_at_most(1s, start));
}

TEST_CASE("SIGKILL of a client that sleeps in the queue: gone within a second, and not served") {
  Pool pool(1);
  Session holder, next;
  holder.must(acquire(pool));
  ClientProcess sleeper({acquire(pool)});
  pool.wait_for_waiters(1);
  wait_in_queue(next, pool, 2);
  sleeper.kill();
  const auto start = Clock::now();
  CHECK(eventually([&] { return !backend_lives(sleeper.backend_pid()); }, 1s));
  CHECK(pool.queue() == std::vector<int>{next.pid()});
  CHECK(took_at_most(1s, start));
  holder.must(release(pool, 0));
  CHECK(next.finish().number() == 0);
}

TEST_CASE("SIGKILL of clients with everything at once") {
  Pool held(100, "held"), queue(1, "queue");
  Session holder, ticket;
  holder.must(acquire(queue));
  const std::string hundred = " FROM generate_series(1, 100)";
  ClientProcess client({"SELECT numpool_acquire(" + held.q() + ")" + hundred,
                        "SELECT numpool_enqueue(" + queue.q() + ")" + hundred,
                        "BEGIN; SAVEPOINT s; SELECT numpool_release(" + held.q() + ", 3)"});
  REQUIRE(eventually([&] { return held.in_use() == 100 && queue.waiting() == 100; }));
  const std::int64_t next = enqueue_ticket(ticket, queue);
  const std::int64_t served = enqueue_ticket(ticket, held);
  client.kill();
  CHECK(eventually([&] { return queue.waiting() == 1 && held.in_use() == 1; }, 1s));
  CHECK(poll_state(ticket, served) == "granted");
  CHECK(poll_state(ticket, next) == "waiting");
}

TEST_CASE("every way a session can end") {
  for (const std::string way : {"close", "sever", "terminate idle", "terminate in transaction",
                                "terminate in failed transaction", "terminate while waiting",
                                "terminate while busy", "idle_session_timeout", "FATAL"}) {
    CAPTURE(way);
    Pool pool(4);
    Session session, next;
    const std::string pid = std::to_string(session.pid());
    session.must(acquire(pool));
    next.must(acquire(pool));
    enqueue_ticket(session, pool);
    enqueue_ticket(session, pool);
    const std::int64_t ticket = enqueue_ticket(next, pool);  // waits for the session
    enqueue_ticket(session, pool);
    const std::string terminate = "SELECT pg_terminate_backend(" + pid + ")";
    if (way == "close") {
      session.close();
    } else if (way == "sever") {
      session.sever();
    } else if (way == "terminate idle") {
      observer().must(terminate);
    } else if (way == "terminate in transaction") {
      session.must("BEGIN; SELECT numpool_release_all()");
      observer().must(terminate);
    } else if (way == "terminate in failed transaction") {
      session.must("BEGIN; SAVEPOINT s; " + release(pool, 0));
      session.run("SELECT 1/0");
      observer().must(terminate);
    } else if (way == "terminate while waiting") {
      session.send(acquire(pool));
      pool.wait_for_waiters(3);
      observer().must(terminate);
    } else if (way == "terminate while busy") {
      session.send("SELECT pg_sleep(60)");
      observer().must(terminate);
    } else if (way == "idle_session_timeout") {
      session.must("SET idle_session_timeout = '20ms'");
    } else if (way == "FATAL") {
      session.send("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '20ms'; " +
                   release(pool, 0));
    }
    CHECK(eventually([&] { return pool.in_use() == 2 && pool.waiting() == 0; }));
    CHECK(poll_state(next, ticket) == "granted");
    next.close();
    CHECK(pool.idle_within());
  }
}

TEST_CASE("a vanished holder's pending release and take-back end as one lease") {
  Pool pool(1);
  auto holder = std::make_unique<Session>();
  Session waiter, second;
  holder->must(acquire(pool));
  holder->must("BEGIN; " + release(pool, 0) + "; SAVEPOINT s; " + acquire(pool));
  wait_in_queue(waiter, pool, 1);
  wait_in_queue(second, pool, 2);
  SUBCASE("taken back") {
    holder->sever();
  }
  SUBCASE("rolled back to the savepoint") {
    holder->must("ROLLBACK TO s");
    holder->sever();
  }
  CHECK(waiter.finish().number() == 0);
  CHECK_FALSE(second.done_within(100ms));
  waiter.must(release(pool, 0));
  CHECK(second.finish().number() == 0);
}

TEST_CASE("a stopped client keeps its place and its number") {
  Pool pool(1);
  ClientProcess holder({acquire(pool)});
  REQUIRE(eventually([&] { return pool.in_use() == 1; }));
  ClientProcess sleeper({acquire(pool)});
  pool.wait_for_waiters(1);
  holder.signal(SIGSTOP);
  sleeper.signal(SIGSTOP);
  Session last;
  wait_in_queue(last, pool, 2);
  CHECK_FALSE(last.done_within(100ms));
  holder.kill();
  CHECK_FALSE(last.done_within(100ms));  // the stopped one was served
  CHECK(pool.in_use() == 1);
  sleeper.kill();
  CHECK(last.finish().number() == 0);
}

TEST_CASE("many clients killed at once") {
  Pool pool(3);
  std::vector<std::unique_ptr<ClientProcess>> clients;
  for (int i = 0; i < 20; i++)
    clients.push_back(std::make_unique<ClientProcess>(std::vector<std::string>{acquire(pool)}));
  REQUIRE(pool.waiters_become(17));
  Session last;
  wait_in_queue(last, pool, 18);
  for (auto& client : clients) client->signal(SIGKILL);
  CHECK(last.finish().ok);
  last.must("SELECT numpool_release_all()");
  CHECK(pool.idle_within());
}
