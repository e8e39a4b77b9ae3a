// P15 to P18: timed leases among several sessions. What is over goes to the next in line; a token
// that one uses nobody else does; nothing waits between a grant and its row.
#include <doctest/doctest.h>

#include "server/database.h"
#include "server/tokens.h"

using namespace numpool_test;

namespace {

// Much longer than the clerk takes, much shorter than any other way to the number.
constexpr auto kSoon = 2s;

// A session with an open transaction that has a lock on the rows of timed leases.
struct Maintainer : Session {
  Maintainer() { must("BEGIN; LOCK TABLE numpool_timed IN ACCESS EXCLUSIVE MODE"); }
};

}  // namespace

TEST_CASE("a number whose time is over goes to the next: a sleeper, a ticket, a place") {
  Pool pool(1);
  const std::string token = new_token(), other = new_token();
  Session holder, next;
  const auto start = Clock::now();
  holder.must(lease(pool, token, "300 ms"));
  SUBCASE("sleeper") {
    wait_in_queue_for_now(next, pool);
    CHECK(next.finish().number() == 0);
  }
  SUBCASE("sleeper with a timeout of its own") {
    wait_in_queue_for_now(next, pool, acquire(pool, "1 min"));
    CHECK(next.finish().number() == 0);
  }
  SUBCASE("sleeper by token") {
    wait_in_queue_for_now(next, pool, lease(pool, other, "1 h", ""));
    CHECK(next.finish().number() == 0);
    CHECK(has(pool, other));
  }
  SUBCASE("sleeper for a lease with a token that is made") {
    wait_in_queue_for_now(next, pool, lease(pool, "", "1 h", ""));
    CHECK(next.finish().number() == 0);
  }
  SUBCASE("ticket") {
    const std::int64_t ticket = enqueue_ticket(next, pool);
    CHECK(next.own_notification().has_value());
    CHECK(poll_state(next, ticket) == "granted");
  }
  SUBCASE("place") {
    next.must(lease(pool, other));
    CHECK(eventually([&] { return has(pool, other); }));
    CHECK(next.number(lease(pool, other)) == 0);
  }
  CHECK(Clock::now() - start >= 290ms);
  CHECK(took_at_most(300ms + kSoon, start));
  CHECK(holder.value(renew(token)) == std::nullopt);
  CHECK(pool.in_use() == 1);
  next.run("SELECT numpool_release_all()");
}

TEST_CASE("it is renewed in time for as long as its holder likes, over any connection") {
  Pool pool(1);
  const std::string token = new_token();
  REQUIRE(Session().number(lease(pool, token, "2 s")) == 0);
  const auto start = Clock::now();
  while (Clock::now() - start < 4s) {
    CHECK(Session().value(renew(token)).has_value());
    nap(100ms);
  }
  CHECK(has(pool, token));
  CHECK(eventually([&] { return pool.in_use() == 0; }));
}

TEST_CASE("a token that an open transaction uses, or for which a call sleeps: 55006 for others") {
  Pool pool(1), second(1, "second");
  const std::string token = new_token();
  Session first, other;
  SUBCASE("taken") {
    first.must("BEGIN; " + lease(pool, token));
    CHECK(other.state(renew(token)) == "55006");
    CHECK(other.state(lease(pool, token)) == "55006");
    CHECK(other.state(release_token(token)) == "55006");
    CHECK(other.state(keep(pool, 0, token)) == "55006");
  }
  SUBCASE("kept") {
    first.must("SELECT numpool_try_acquire(" + pool.q() + "); BEGIN; " + keep(pool, 0, token));
    CHECK(other.state(renew(token)) == "55006");
    CHECK(other.state(lease(pool, token)) == "55006");
    CHECK(other.state(release_token(token)) == "55006");
  }
  SUBCASE("being released: it may still be renewed") {
    first.must(lease(pool, token));
    first.must("BEGIN; " + release_token(token));
    CHECK(other.state(lease(pool, token)) == "55006");
    CHECK(other.state(release_token(token)) == "55006");
    CHECK(other.state(keep(pool, 0, token)) == "55006");
    CHECK(other.value(renew(token)).has_value());
  }
  SUBCASE("picked up") {
    Session holder;
    holder.must(try_acquire(pool));
    first.must(lease(pool, token));
    holder.must(release(pool, 0));
    first.must("BEGIN; " + lease(pool, token));
    CHECK(other.state(renew(token)) == "55006");
    CHECK(other.state(lease(pool, token)) == "55006");
    CHECK(other.state(release_token(token)) == "55006");
  }
  SUBCASE("asleep on its place") {
    Session holder;
    holder.must(try_acquire(pool));
    wait_in_queue(first, pool, 1, lease(pool, token, "1 h", "1 min"));
    CHECK(other.state(lease(pool, token)) == "55006");
    CHECK(other.state(lease(pool, token, "1 h", "1 s")) == "55006");
    CHECK(other.state(release_token(token)) == "55006");
    CHECK(other.value("SELECT expires_at FROM numpool_renew(" + token + ")").has_value());
    holder.must(release(pool, 0));
    CHECK(first.finish().number() == 0);
    CHECK(other.number(lease(pool, token)) == 0);
    CHECK(other.value(release_token(token)) == "t");
    return;
  }
  first.must("ROLLBACK");
  other.run(release_token(token));
  first.must("SELECT numpool_release_all()");
}

TEST_CASE("the session that used the token ends: it is as before") {
  Pool pool(1);
  Session other;
  for (const bool held : {false, true})
    for (const bool severed : {false, true}) {
      CAPTURE(held);
      CAPTURE(severed);
      const std::string token = new_token();
      Session user;
      if (held) other.must(lease(pool, token));
      user.must("BEGIN; " + (held ? release_token(token) : lease(pool, token)));
      if (severed)
        user.sever();
      else
        observer().must("SELECT pg_terminate_backend(" + std::to_string(user.pid()) + ")");
      REQUIRE(eventually([&] { return !backend_lives(user.pid()); }));
      CHECK(pool.in_use() == (held ? 1 : 0));
      CHECK(other.value(renew(token)).has_value() == held);
      CHECK(other.number(lease(pool, token)) == 0);
      CHECK(rows_of(pool) == 1);
      other.must(release_token(token));
    }
}

TEST_CASE("the rows are locked: the number goes to the next, and the call is told to come again") {
  Pool pool(1);
  const std::string token = new_token(), other = new_token();
  Session caller, sleeper, holder;
  SUBCASE("a free number") {
    Maintainer maintainer;
    CHECK(caller.run(lease(pool, token)).sqlstate == "55P03");
    CHECK(caller.run(lease(pool, "", "1 h", "1 min")).sqlstate == "55P03");
    CHECK(pool.in_use() == 0);
    CHECK(caller.value(renew(token)) == std::nullopt);
  }
  SUBCASE("one that was handed over, with somebody behind") {
    holder.must(try_acquire(pool));
    wait_in_queue(caller, pool, 1, lease(pool, token, "1 h", "1 min"));
    wait_in_queue(sleeper, pool, 2);
    Maintainer maintainer;
    holder.must(release(pool, 0));
    CHECK(caller.finish().sqlstate == "55P03");
    CHECK(sleeper.finish().number() == 0);
    CHECK(caller.value(renew(token)) == std::nullopt);
  }
  SUBCASE("an offer") {
    holder.must(try_acquire(pool));
    caller.must(lease(pool, token));
    wait_in_queue(sleeper, pool, 2);
    holder.must(release(pool, 0));
    Maintainer maintainer;
    CHECK(caller.run(lease(pool, token)).sqlstate == "55P03");
    CHECK(sleeper.finish().number() == 0);
  }
  SUBCASE("keep: nothing changes") {
    holder.must(try_acquire(pool));
    Maintainer maintainer;
    CHECK(holder.run(keep(pool, 0, token)).sqlstate == "55P03");
    CHECK(owner_of(pool) == "session");
    CHECK(holder.value(renew(token)) == std::nullopt);
    maintainer.must("ROLLBACK");
    CHECK(holder.value(keep(pool, 0, token)).has_value());
    CHECK(holder.value(release_token(token)) == "t");
  }
  SUBCASE("release: its row is left, and deleted by who next writes") {
    holder.must(lease(pool, token));
    {
      Maintainer maintainer;
      CHECK(caller.run(release_token(token)).value() == "t");
      CHECK(pool.in_use() == 0);
      CHECK(caller.value(renew(token)) == std::nullopt);
    }
    CHECK(rows_of(pool) == 1);
    CHECK(caller.number(lease(pool, other)) == 0);
    CHECK(rows_of(pool) == 1);
    CHECK(caller.value(release_token(other)) == "t");
    CHECK(rows_of(pool) == 0);
  }
}

TEST_CASE("the pool is being dropped: the call waits for that as at a closing pool") {
  Pool pool(1);
  const std::string token = new_token();
  Session dropper, caller;
  dropper.must("BEGIN; " + call("drop", pool));
  CHECK(caller.run(lease(pool, token)).rows.at(0)[0] == std::nullopt);
  SUBCASE("rolled back") {
    caller.send(lease(pool, token, "1 h", "1 min"));
    REQUIRE(waits_for_lock(caller));
    dropper.must("ROLLBACK");
    CHECK(caller.finish().number() == 0);
    CHECK(caller.value(release_token(token)) == "t");
  }
  SUBCASE("committed") {
    caller.send(lease(pool, token, "1 h", ""));
    REQUIRE(waits_for_lock(caller));
    dropper.must("COMMIT");
    CHECK(caller.finish().sqlstate == "42704");
  }
  SUBCASE("timeout") {
    CHECK(caller.run(lease(pool, token, "1 h", "200 ms")).rows.at(0)[0] == std::nullopt);
    dropper.must("ROLLBACK");
  }
}

TEST_CASE("a drop by force waits for who has written a row, and for nobody else") {
  Pool pool(2), other(1, "other");
  const std::string token = new_token(), second = new_token();
  Session writer, dropper, unconcerned;
  writer.must("BEGIN; " + lease(pool, token));
  dropper.send(call("drop", pool, "true"));
  REQUIRE(waits_for_lock(dropper));
  CHECK(unconcerned.number(lease(other, second)) == 0);
  CHECK(unconcerned.value(release_token(second)) == "t");
  CHECK(unconcerned.run(lease(pool, second)).rows.at(0)[0] == std::nullopt);
  SUBCASE("committed") {
    writer.must("COMMIT");
  }
  SUBCASE("rolled back") {
    writer.must("ROLLBACK");
  }
  CHECK(dropper.finish().value() == "t");
  CHECK(writer.value(renew(token)) == std::nullopt);
  CHECK(observer().number("SELECT count(*) FROM numpool_timed WHERE token = " + token) == 0);
}

TEST_CASE("a drop by force ends timed leases, offers, places and those who sleep on places") {
  Pool pool(2);
  std::string tokens[5];
  for (std::string& token : tokens) token = new_token();
  Session session, sleeper, holder;
  session.must(lease(pool, tokens[0]));
  holder.must(try_acquire(pool));
  session.must(lease(pool, tokens[1]));
  session.must(lease(pool, tokens[2]));
  wait_in_queue(sleeper, pool, 3, lease(pool, tokens[3], "1 h", "1 min"));
  holder.must(release(pool, 1));  // offered to the first place
  session.must("BEGIN; " + release_token(tokens[0]));
  Session dropper;
  SUBCASE("a release is pending") {
    dropper.send(call("drop", pool, "true"));
    REQUIRE(waits_for_lock(dropper));
    CHECK_FALSE(sleeper.done());
    session.must("COMMIT");
    CHECK(dropper.finish().value() == "t");
  }
  SUBCASE("it is not") {
    session.must("ROLLBACK");
    dropper.must(call("drop", pool, "true"));
  }
  CHECK(sleeper.finish().sqlstate == "42704");
  for (const std::string& token : tokens) CHECK(session.value(renew(token)) == std::nullopt);
  CHECK(observer().number("SELECT count(*) FROM numpool_timed") == 0);
  // The tokens are free for others.
  Pool next(4, "next");
  for (int i = 0; i < 4; ++i) CHECK(session.number(lease(next, tokens[i])) == i);
  for (int i = 0; i < 4; ++i) CHECK(session.value(release_token(tokens[i])) == "t");
}

TEST_CASE("shrink below a timed lease: it lives on, and its number is given to nobody after it") {
  Pool pool(2);
  const std::string token = new_token(), second = new_token();
  Session session, sleeper;
  session.must(lease(pool, second, "1 h"));
  session.must(lease(pool, token, stretched_interval(1s)));
  session.must(call("resize", pool, "1"));
  CHECK(session.value(renew(token)).has_value());
  wait_in_queue(sleeper, pool, 1);
  CHECK(eventually([&] { return pool.in_use() == 1; }));
  CHECK_FALSE(sleeper.done());
  CHECK(session.value(release_token(second)) == "t");
  CHECK(sleeper.finish().number() == 0);
}

TEST_CASE("disjoint leases of SERIALIZABLE and REPEATABLE READ users do not fail each other") {
  Pool pool(10);
  for (const std::string level : {"SERIALIZABLE", "REPEATABLE READ"}) {
    CAPTURE(level);
    const std::string begin = "BEGIN ISOLATION LEVEL " + level + "; ";
    std::string tokens[4];
    for (std::string& token : tokens) token = new_token();
    Session sessions[4];
    for (int round = 0; round < 5; ++round) {
      for (Session& session : sessions) session.must(begin + "SELECT count(*) FROM numpool_leases");
      for (int i = 0; i < 4; ++i) sessions[i].must(lease(pool, tokens[i]));
      for (Session& session : sessions) CHECK(session.state("COMMIT") == "");
      for (Session& session : sessions) session.must(begin + "SELECT count(*) FROM numpool_leases");
      for (int i = 0; i < 4; ++i) CHECK(sessions[i].state(release_token(tokens[i])) == "");
      for (Session& session : sessions) CHECK(session.state("COMMIT") == "");
    }
    // One that began before the lease was there, or went.
    sessions[0].must(begin + "SELECT 1 FROM numpool_definitions LIMIT 1");
    sessions[1].must(lease(pool, tokens[1]));
    CHECK(sessions[0].value(release_token(tokens[1])) == "t");
    CHECK(sessions[0].state("COMMIT") == "");
  }
  CHECK(pool.in_use() == 0);
  CHECK(rows_of(pool) == 0);
}

TEST_CASE("what leases have left when they were over is deleted by who next writes") {
  Pool pool(40);
  const std::string token = new_token();
  Session session, second;
  session.must("SELECT count(*) FROM generate_series(1, 40) AS i, LATERAL numpool_lease(" +
               pool.q() + ", '100 ms' + i * interval '0 s')");
  REQUIRE(eventually([&] { return pool.in_use() == 0; }));
  CHECK(rows_of(pool) == 40);
  SUBCASE("sixteen at a time") {
    session.must(lease(pool, token));
    CHECK(rows_of(pool) == 25);
    session.must(release_token(token));
    CHECK(rows_of(pool) == 8);
    session.must(lease(pool, token));
    CHECK(rows_of(pool) == 1);
    session.must(release_token(token));
  }
  SUBCASE("two at once do not wait for each other, and a rollback leaves them for others") {
    session.must("BEGIN; " + lease(pool, token));
    second.must("BEGIN; " + lease(pool, new_token()));
    session.must("ROLLBACK");
    second.must("COMMIT");
    CHECK(rows_of(pool) == 25);
    session.must("BEGIN; SAVEPOINT s; " + lease(pool, token) + "; ROLLBACK TO s; " +
                 lease(pool, token) + "; COMMIT");
    CHECK(rows_of(pool) == 10);
    session.must(release_token(token));
    CHECK(rows_of(pool) == 1);
    CHECK(session.value("SELECT numpool_release(token) FROM numpool_leases WHERE pool = " +
                        pool.q()) == "t");
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("lease and release under a snapshot that is held stay as fast") {
  Pool pool(1);
  Session keeper, session;
  keeper.must("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM numpool_timed");
  const std::string token = new_token();
  session.must("SET synchronous_commit = off");
  const auto batch = [&] {
    const auto start = Clock::now();
    for (int i = 0; i < 1000; ++i) {
      session.must(lease(pool, token));
      session.must(release_token(token));
    }
    return Clock::now() - start;
  };
  const auto before = batch();
  for (int i = 0; i < 3; ++i) batch();
  const auto after = batch();
  // What crawls is ten times slower by then.
  CHECK(after < 3 * before);
  keeper.must("ROLLBACK");
}
