// The client is told that its ticket's turn has come, once, whatever its session is doing.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <memory>

#include "server/calls.h"

using namespace numpool_test;

namespace {

// A pool of one number, held; a session with the first ticket in its queue.
struct Turn {
  Turn() : pool(1) {
    holder.must(acquire(pool));
    channel = *owner.value("SELECT numpool_channel()");
    ticket = enqueue_ticket(owner, pool);
  }
  void grant() { holder.must(release(pool, 0)); }
  // Exactly one notification, of this ticket.
  void expect_told() {
    const auto told = owner.await_notifications();
    REQUIRE(told.size() == 1);
    check(told.front());
    CHECK(owner.notifications(30ms).empty());
    CHECK(owner.value("SELECT numpool_fence(" + pool.q() + ", 0)").has_value());
  }
  void check(const Notification& one) {
    CHECK(one.channel == channel);
    CHECK(one.sender_pid == owner.pid());
    const auto fence = owner.number(call("fence", pool, "0"));
    REQUIRE(fence.has_value());
    const auto json = observer().must(
        "SELECT j ->> 'ticket', j ->> 'pool', j ->> 'index', j ->> 'fence' "
        "FROM (SELECT '" +
        one.payload + "'::jsonb AS j) AS p");
    CHECK(json.rows[0][0] == std::to_string(ticket));
    CHECK(json.rows[0][1] == pool.name());
    CHECK(json.rows[0][2] == "0");
    CHECK(json.rows[0][3] == std::to_string(*fence));
  }

  Pool pool;
  Session holder, owner;
  std::string channel;
  std::int64_t ticket;
};

}  // namespace

TEST_CASE("told while idle") {
  Turn turn;
  const auto start = Clock::now();
  turn.grant();
  turn.expect_told();
  CHECK(took_at_most(1s, start));
}

TEST_CASE("told while idle, whatever caused the grant") {
  Turn turn;
  SUBCASE("the holder's COMMIT") {
    turn.holder.must("BEGIN; " + release(turn.pool, 0) + "; COMMIT");
  }
  SUBCASE("the holder's end") {
    turn.holder.close();
  }
  SUBCASE("the holder's client's death") {
    turn.holder.sever();
  }
  SUBCASE("the holder's termination") {
    observer().must("SELECT pg_terminate_backend(" + std::to_string(turn.holder.pid()) + ")");
  }
  SUBCASE("DISCARD ALL") {
    turn.holder.must("DISCARD ALL");
  }
  SUBCASE("a rollback") {
    turn.holder.must(release(turn.pool, 0));
    turn.expect_told();
    Session other;
    turn.owner.must("SELECT numpool_release_all()");
    other.must("BEGIN; " + acquire(turn.pool));
    turn.ticket = enqueue_ticket(turn.owner, turn.pool);
    other.must("ROLLBACK");
  }
  SUBCASE("a savepoint's rollback") {
    turn.holder.must(release(turn.pool, 0));
    turn.expect_told();
    Session other;
    turn.owner.must("SELECT numpool_release_all()");
    other.must("BEGIN; SAVEPOINT s; " + acquire(turn.pool));
    turn.ticket = enqueue_ticket(turn.owner, turn.pool);
    other.must("ROLLBACK TO s");
    turn.expect_told();
    return;
  }
  turn.expect_told();
}

TEST_CASE("told after the cancel, the timeout or the death of the one before it") {
  Pool pool(1);
  Session holder, before, owner;
  holder.must(acquire(pool));
  wait_in_queue_for_now(before, pool, acquire(pool, stretched_interval(400ms)));
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  SUBCASE("cancel") {
    before.cancel();
  }
  SUBCASE("timeout") {
    before.finish();
  }
  SUBCASE("death") {
    before.sever();
  }
  REQUIRE(pool.waiters_become(1));
  holder.must(release(pool, 0));
  CHECK(owner.await_notifications().size() == 1);
  CHECK(poll_state(owner, ticket) == "granted");
}

TEST_CASE("told after a resize") {
  Turn turn;
  observer().must("SELECT numpool_resize(" + turn.pool.q() + ", 2)");
  const auto told = turn.owner.await_notifications();
  REQUIRE(told.size() == 1);
  CHECK(told.front().payload.find("\"index\"") != std::string::npos);
  CHECK(turn.owner.number(call("fence", turn.pool, "1")).has_value());
}

TEST_CASE("told at the end of its transaction") {
  Turn turn;
  turn.owner.must("BEGIN");
  SUBCASE("COMMIT") {
    turn.grant();
    CHECK(turn.owner.notifications(100ms).empty());
    turn.owner.must("SELECT 1");
    CHECK(turn.owner.notifications(50ms).empty());
    turn.owner.must("COMMIT");
  }
  SUBCASE("ROLLBACK") {
    turn.grant();
    turn.owner.must("ROLLBACK");
  }
  SUBCASE("of a transaction with an xid") {
    turn.owner.must("CREATE TEMP TABLE t (i int)");
    turn.grant();
    turn.owner.must("COMMIT");
  }
  SUBCASE("in a failed transaction") {
    turn.owner.run("SELECT 1/0");
    turn.grant();
    CHECK(turn.owner.notifications(100ms).empty());
    turn.owner.must("ROLLBACK");
  }
  SUBCASE("failing after the grant") {
    turn.grant();
    turn.owner.run("SELECT 1/0");
    turn.owner.must("ROLLBACK");
  }
  turn.expect_told();
}

TEST_CASE("told of a ticket taken and granted in one open transaction, at its COMMIT") {
  Pool pool(1);
  Session holder, owner;
  holder.must(acquire(pool));
  owner.must("BEGIN");
  const std::int64_t ticket = enqueue_ticket(owner, pool);
  holder.must(release(pool, 0));
  CHECK(owner.notifications(100ms).empty());
  owner.must("COMMIT");
  const auto told = owner.await_notifications();
  REQUIRE(told.size() == 1);
  CHECK(told.front().sender_pid == owner.pid());
  CHECK(poll_state(owner, ticket) == "granted");
}

TEST_CASE("told after a long statement") {
  Turn turn;
  turn.owner.send("SELECT pg_sleep(0.3)");
  turn.grant();
  CHECK(turn.owner.finish().ok);
  turn.expect_told();
}

TEST_CASE("told after a statement that fails") {
  Turn turn;
  turn.owner.send("SELECT pg_sleep(0.2), 1 / (random() * 0)");
  turn.grant();
  CHECK(turn.owner.finish().sqlstate == "22012");
  turn.expect_told();
}

TEST_CASE("told after COPY, in either direction") {
  Turn turn;
  turn.owner.must("CREATE TEMP TABLE copied (i int)");
  PGconn* connection = turn.owner.handle();
  SUBCASE("in") {
    turn.owner.must("COPY copied FROM STDIN");
    CHECK(PQputCopyData(connection, "1\n", 2) == 1);
    turn.grant();
    CHECK(turn.owner.notifications(100ms).empty());
    CHECK(PQputCopyData(connection, "2\n", 2) == 1);
    CHECK(PQputCopyEnd(connection, nullptr) == 1);
  }
  SUBCASE("out") {
    turn.owner.must("COPY (SELECT pg_sleep(0.1) FROM generate_series(1, 3)) TO STDOUT");
    turn.grant();
    char* row = nullptr;
    while (PQgetCopyData(connection, &row, 0) > 0) PQfreemem(row);
  }
  CHECK(turn.owner.finish().ok);
  turn.expect_told();
}

TEST_CASE("told in the middle of a pipeline that never pauses for long") {
  Turn turn;
  PGconn* connection = turn.owner.handle();
  REQUIRE(PQenterPipelineMode(connection) == 1);
  const auto send = [&](const char* sql) {
    REQUIRE(PQsendQueryParams(connection, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1);
  };
  send("SELECT 1");
  send("SELECT pg_sleep(0.2)");
  REQUIRE(PQpipelineSync(connection) == 1);
  send("SELECT 2");
  REQUIRE(PQpipelineSync(connection) == 1);
  turn.grant();
  int syncs = 0;
  std::vector<Notification> told;
  while (syncs < 2) {
    PGresult* result = PQgetResult(connection);
    if (result == nullptr) continue;
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) syncs++;
    PQclear(result);
    for (auto& one : turn.owner.notifications()) told.push_back(one);
  }
  REQUIRE(PQexitPipelineMode(connection) == 1);
  if (told.empty()) told = turn.owner.await_notifications();
  CHECK(turn.owner.notifications(50ms).empty());
  REQUIRE(told.size() == 1);
  turn.check(told.front());
}

TEST_CASE("what poll shows as granted is not announced again; what was announced polls the same") {
  Turn turn;
  SUBCASE("polled in the open transaction") {
    turn.owner.must("BEGIN");
    turn.grant();
    CHECK(poll_state(turn.owner, turn.ticket) == "granted");
    turn.owner.must("COMMIT");
    CHECK(turn.owner.notifications(200ms).empty());
  }
  SUBCASE("announced first") {
    turn.grant();
    turn.expect_told();
  }
  CHECK(poll_state(turn.owner, turn.ticket) == "granted");
  turn.owner.must("SELECT 1");
  CHECK(turn.owner.notifications(50ms).empty());
}

TEST_CASE("granted at once, nothing is announced") {
  Pool pool(1);
  Session owner;
  CHECK(owner.number("SELECT index FROM numpool_enqueue(" + pool.q() + ")") == 0);
  owner.must("SELECT 1");
  CHECK(owner.notifications(100ms).empty());
}

TEST_CASE("after the user's own UNLISTEN * the client is told at the next command") {
  Turn turn;
  turn.owner.must("UNLISTEN *");
  turn.grant();
  turn.owner.must("SELECT 1");
  turn.expect_told();
}

TEST_CASE("a forged NOTIFY is told apart by its sender") {
  Turn turn;
  Session forger;
  forger.must("SELECT pg_notify('" + turn.channel + "', '{\"ticket\":" +
              std::to_string(turn.ticket) + ",\"pool\":\"x\",\"index\":0,\"fence\":1}')");
  const auto forged = turn.owner.await_notifications();
  REQUIRE(forged.size() == 1);
  CHECK(forged.front().sender_pid == forger.pid());
  CHECK(forged.front().sender_pid != turn.owner.pid());
  CHECK(poll_state(turn.owner, turn.ticket) == "waiting");
  turn.grant();
  turn.expect_told();
}

TEST_CASE("nobody can guess a channel: it has 128 random bits") {
  Session a, b;
  const std::string prefix = "numpool_";
  const std::string one = *a.value("SELECT numpool_channel()");
  REQUIRE(one.size() == prefix.size() + 32);
  CHECK(one.rfind(prefix, 0) == 0);
  CHECK(one.find_first_not_of("0123456789abcdef", prefix.size()) == std::string::npos);
  CHECK(a.value("SELECT numpool_channel()") == one);
  const std::string other = *b.value("SELECT numpool_channel()");
  int equal = 0;
  for (std::size_t i = prefix.size(); i < one.size(); ++i) equal += one[i] == other[i] ? 1 : 0;
  CHECK(equal < 16);
  // Whoever gets the connection from a pooler gets another one.
  a.must("DISCARD ALL");
  CHECK(a.value("SELECT numpool_channel()") != one);
}

TEST_CASE("a COMMIT holds no lock while a client does not read what it is to be told") {
  observer().must("CREATE TABLE IF NOT EXISTS unread (i int)");
  // Payloads of some kilobytes, more together than any socket buffer takes.
  const std::string name = "repeat(U&'\\+01F3B1', 190) || 'unread'";
  Session holder, owner;
  holder.must("SELECT numpool_create(" + name + ", 2000)");
  holder.must("SELECT count(numpool_acquire(" + name + ")) FROM generate_series(1, 2000)");
  owner.must("SELECT count((numpool_enqueue(" + name + ")).ticket) FROM generate_series(1, 2000)");
  owner.must("BEGIN READ ONLY; LOCK TABLE unread IN SHARE MODE");
  holder.must("SELECT numpool_release_all()");
  REQUIRE(PQsendQuery(owner.handle(), "COMMIT") == 1);
  CHECK(eventually([&] {
    return observer().number("SELECT count(*) FROM pg_locks WHERE relation = 'unread'::regclass") ==
           0;
  }));
  owner.close();
  holder.must("SELECT numpool_drop(" + name + ", true)");
  observer().must("DROP TABLE unread");
}

TEST_CASE("channels differ between sessions, and one fits every name") {
  Session a, b;
  CHECK(a.value("SELECT numpool_channel()") != b.value("SELECT numpool_channel()"));
  CHECK(a.value("SELECT numpool_channel()")->size() < 64);
}

TEST_CASE("a forced drop tells tickets and the holders that listen") {
  Pool pool(3);
  Session listening_holder, silent_holder, asking_holder, ticket_owner;
  const auto held = listening_holder.must(enqueue(pool)).rows.front();  // granted at once
  silent_holder.must(acquire(pool));
  const auto channel = asking_holder.value("SELECT numpool_channel()");
  asking_holder.must(call("try_acquire", pool));
  const std::int64_t ticket = enqueue_ticket(ticket_owner, pool);
  observer().must("SELECT numpool_drop(" + pool.q() + ", true)");

  const auto lost = listening_holder.await_notifications();
  REQUIRE(lost.size() == 1);
  const auto json = observer().must(
      "SELECT j ->> 'pool', j ->> 'index', j ->> 'fence', j ->> 'error', j ->> 'ticket' FROM "
      "(SELECT '" +
      lost.front().payload + "'::jsonb AS j) AS p");
  CHECK(json.rows[0][0] == pool.name());
  CHECK(json.rows[0][1] == "0");
  CHECK(json.rows[0][2] == held[2]);
  CHECK(json.rows[0][3] == "dropped");
  CHECK(json.rows[0][4] == held[0]);
  CHECK(lost.front().sender_pid == listening_holder.pid());

  const auto told = ticket_owner.await_notifications();
  REQUIRE(told.size() == 1);
  CHECK(told.front().payload.find("\"ticket\":" + std::to_string(ticket)) != std::string::npos);
  CHECK(told.front().payload.find("\"error\":\"dropped\"") != std::string::npos);
  CHECK(told.front().payload.find("\"index\"") == std::string::npos);
  const auto asked = asking_holder.await_notifications();
  REQUIRE(asked.size() == 1);
  CHECK(asked.front().channel == channel);
  CHECK(asked.front().payload.find("\"index\":2,") != std::string::npos);
  CHECK(asked.front().payload.find("\"ticket\"") == std::string::npos);
  CHECK(asked.front().payload.find("\"error\":\"dropped\"") != std::string::npos);
  silent_holder.must("SELECT 1");
  CHECK(silent_holder.notifications(50ms).empty());
  CHECK(ticket_owner.notifications(50ms).empty());
}

TEST_CASE(
    "the payload is ASCII and JSON for every name, and arrives in a client of another encoding") {
  Session owner("client_encoding=SQL_ASCII"), holder;
  const std::string names[] = {"U&'\\00E9\\+01F3B1'", "'quote \" and \\ back'", "E'tab\\t\\x01\\n'",
                               "repeat(U&'\\+01F3B1', 200)"};
  for (const std::string& name : names) {
    CAPTURE(name);
    holder.must("SELECT numpool_create(" + name + ", 1), numpool_acquire(" + name + ")");
    owner.must("SELECT numpool_enqueue(" + name + ")");
    holder.must("SELECT numpool_release_all()");
    const auto told = owner.await_notifications();
    REQUIRE(told.size() == 1);
    for (const char byte : told.front().payload) CHECK((byte >= 32 && byte < 127));
    char* literal =
        PQescapeLiteral(holder.handle(), told.front().payload.c_str(), told.front().payload.size());
    CHECK(holder.value("SELECT " + std::string(literal) + "::jsonb ->> 'pool' = " + name) == "t");
    PQfreemem(literal);
    owner.must("SELECT numpool_release_all()");
    holder.must("SELECT numpool_drop(" + name + ")");
  }
}

TEST_CASE("who asked for the channel is told of what is left of his acquires after a ROLLBACK") {
  Pool pool(2);
  Session holder;
  holder.value("SELECT numpool_channel()");
  holder.must("BEGIN");
  SUBCASE("of the transaction that acquired first") {
    holder.must(call("try_acquire", pool));
    holder.must("ROLLBACK");
    holder.must(call("try_acquire", pool));
  }
  SUBCASE("to a savepoint before the first") {
    holder.must("SAVEPOINT s");
    holder.must(call("try_acquire", pool));
    holder.must("ROLLBACK TO s");
    holder.must(call("try_acquire", pool));
    holder.must("COMMIT");
  }
  observer().must("SELECT numpool_drop(" + pool.q() + ", true)");
  const auto told = holder.await_notifications();
  REQUIRE(told.size() == 1);
  CHECK(told.front().payload.find("\"error\":\"dropped\"") != std::string::npos);
}
