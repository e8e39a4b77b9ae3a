// P9: whatever ends a wait at the very moment of its grant, no number is lost and nobody is
// forgotten. Each round has a holder, a victim at the head of the queue and a bystander behind it.
#include <doctest/doctest.h>

#include <random>
#include <thread>

#include "server/calls.h"

using namespace numpool_test;

namespace {

std::mt19937 random_numbers(20240607);

void pause_up_to(int microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(random_numbers() % (microseconds + 1)));
}

// Blocks until both are in the queue, the victim first.
void line_up(const Pool& pool, Session& victim, const std::string& wait, Session& bystander) {
  wait_in_queue(victim, pool, 1, wait);
  wait_in_queue(bystander, pool, 2);
}

// If the victim got the number, it gives it back; then the bystander gets it, and then nobody has
// it.
void settle(const Pool& pool, Session* victim, const Outcome& outcome, Session& bystander) {
  if (outcome.number()) {
    REQUIRE(victim != nullptr);
    REQUIRE(victim->value(release(pool, *outcome.number())) == "t");
  }
  REQUIRE(bystander.finish().number() == 0);
  REQUIRE(bystander.value(release(pool, 0)) == "t");
}

}  // namespace

TEST_CASE("cancel racing with the grant") {
  Pool pool(1);
  Session holder, victim, bystander, canceller;
  int granted = 0, cancelled = 0;
  for (int round = 0; round < 400; round++) {
    CAPTURE(round);
    holder.must(acquire(pool));
    line_up(pool, victim, acquire(pool), bystander);
    const std::string strike = "SELECT pg_cancel_backend(" + std::to_string(victim.pid()) + ")";
    // The two are sent in turns, one first and then the other, so that the order of arrival changes
    // too.
    if (round % 2 == 0) {
      canceller.send(strike);
      pause_up_to(300);
      holder.must(release(pool, 0));
    } else {
      holder.send(release(pool, 0));
      pause_up_to(300);
      canceller.must(strike);
      holder.finish();
    }
    if (round % 2 == 0) canceller.finish();
    const Outcome outcome = victim.finish();
    REQUIRE((outcome.ok || outcome.sqlstate == "57014"));
    (outcome.ok ? granted : cancelled) += 1;
    // A cancel that came too late for the wait may still be under way.
    victim.run("SELECT 1");
    settle(pool, &victim, outcome, bystander);
  }
  CHECK(pool.idle_within());
  MESSAGE(granted, " granted, ", cancelled, " cancelled");
}

TEST_CASE("pg_terminate_backend racing with the grant") {
  Pool pool(1);
  Session holder, bystander, killer;
  int served_then_gone = 0;
  for (int round = 0; round < 200; round++) {
    CAPTURE(round);
    Session victim;
    holder.must(acquire(pool));
    line_up(pool, victim, acquire(pool), bystander);
    killer.send("SELECT pg_terminate_backend(" + std::to_string(victim.pid()) + ")");
    pause_up_to(300);
    holder.must(release(pool, 0));
    killer.finish();
    const Outcome outcome = victim.finish();
    if (outcome.ok) served_then_gone++;
    // Whether it was served or not, its session is over, so the number moves on by itself.
    settle(pool, nullptr, Outcome{}, bystander);
  }
  CHECK(pool.idle_within());
  MESSAGE(served_then_gone, " of 200 were served first");
}

TEST_CASE("the client's death racing with the grant") {
  Pool pool(1);
  Session holder, bystander;
  for (int round = 0; round < 200; round++) {
    CAPTURE(round);
    Session victim;
    holder.must(acquire(pool));
    line_up(pool, victim, acquire(pool), bystander);
    holder.send(release(pool, 0));
    pause_up_to(300);
    victim.sever();
    holder.finish();
    settle(pool, nullptr, Outcome{}, bystander);
  }
  CHECK(pool.idle_within());
}

TEST_CASE("timeouts of all three kinds racing with the grant") {
  for (const char* kind : {"own", "statement_timeout", "lock_timeout"}) {
    CAPTURE(kind);
    Pool pool(1);
    Session holder, victim, bystander;
    const bool own = std::string(kind) == "own";
    int granted = 0;
    for (int round = 0; round < 120; round++) {
      CAPTURE(round);
      holder.must(acquire(pool));
      if (!own) victim.must("SET " + std::string(kind) + " = '15ms'");
      victim.send(acquire(pool, own ? "15 ms" : ""));
      const auto start = Clock::now();
      std::this_thread::sleep_for(1ms);
      bystander.send(acquire(pool));
      std::this_thread::sleep_until(start + 13500us);
      pause_up_to(3000);
      holder.must(release(pool, 0));
      const Outcome outcome = victim.finish();
      if (!outcome.ok) {
        REQUIRE_FALSE(own);
        REQUIRE(outcome.sqlstate == (kind[0] == 's' ? "57014" : "55P03"));
      }
      if (outcome.number()) granted++;
      // A slow machine may need more than the limit for this, too.
      if (!own) REQUIRE(eventually([&] { return victim.run("RESET " + std::string(kind)).ok; }));
      settle(pool, &victim, outcome, bystander);
    }
    CHECK(pool.idle_within());
    MESSAGE(std::string(kind), ": ", granted, " of 120 granted");
  }
}

TEST_CASE("a ticket's cancel, its session's end and a rollback racing with the grant") {
  Pool pool(1);
  Session holder, bystander;
  for (int round = 0; round < 300; round++) {
    CAPTURE(round);
    Session victim;
    holder.must(acquire(pool));
    if (round % 3 == 2) victim.must("BEGIN");
    const std::int64_t ticket = enqueue_ticket(victim, pool);
    wait_in_queue(bystander, pool, 2);
    holder.send(release(pool, 0));
    pause_up_to(300);
    switch (round % 3) {
      case 0:
        REQUIRE(victim.value(cancel(ticket)) == "t");
        break;
      case 1:
        victim.close();
        break;
      case 2:
        victim.must("ROLLBACK");
        break;
    }
    holder.finish();
    settle(pool, nullptr, Outcome{}, bystander);
  }
  CHECK(pool.idle_within());
}

TEST_CASE("a waiter in a savepoint, cancelled at its grant, keeps the transaction's other leases") {
  Pool pool(1), kept(1, "kept");
  Session holder, victim, bystander, canceller;
  for (int round = 0; round < 150; round++) {
    CAPTURE(round);
    holder.must(acquire(pool));
    victim.must("BEGIN; " + acquire(kept) + "; SAVEPOINT s");
    line_up(pool, victim, acquire(pool), bystander);
    canceller.send("SELECT pg_cancel_backend(" + std::to_string(victim.pid()) + ")");
    pause_up_to(300);
    holder.must(release(pool, 0));
    canceller.finish();
    const Outcome outcome = victim.finish();
    victim.run("SELECT 1");  // takes a cancel that came late; fails if the transaction has
    victim.must("ROLLBACK TO s");
    REQUIRE(bystander.finish().number() == 0);
    bystander.must(release(pool, 0));
    REQUIRE(victim.number(call("fence", kept, "0")).has_value());
    victim.must("ROLLBACK");
    REQUIRE((outcome.ok || outcome.sqlstate == "57014"));
  }
  CHECK(pool.idle_within());
  CHECK(kept.idle_within());
}
