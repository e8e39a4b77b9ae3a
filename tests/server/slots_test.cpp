// numpool_slots: each number, who has it or had it last.
#include <doctest/doctest.h>

#include "server/tokens.h"

using namespace numpool_test;

namespace {

// One column of one number.
std::string slot(const Pool& pool, int index, const std::string& column) {
  return observer().text("SELECT " + column + " FROM numpool_slots(" + pool.q() +
                         ") WHERE index = " + std::to_string(index));
}

std::string last_end(const Pool& pool) {
  return slot(pool, 0, "state || ' ' || coalesce(last_end, '-') || ' ' || coalesce(pid, 0)");
}

}  // namespace

TEST_CASE("slots: how the last lease ended, each way") {
  Pool pool(1);
  CHECK(last_end(pool) == "free - 0");
  CHECK(slot(pool, 0, "since") == "");
  Session op;
  for (const char* how : {"released", "transaction", "rollback", "session", "ended"}) {
    CAPTURE(how);
    Session holder;
    const std::string way = how;
    const std::string pid = std::to_string(holder.pid());
    holder.must("BEGIN; " + (way == "transaction" ? acquire_xact(pool) : acquire(pool)));
    CHECK(last_end(pool) == "leased - " + pid);
    CHECK(slot(pool, 0, "fence > 0") == "t");
    CHECK(slot(pool, 0, "usename = session_user AND since <= clock_timestamp()") == "t");
    if (way == "rollback") holder.must("ROLLBACK");
    if (way != "rollback") holder.must("COMMIT");
    if (way == "released") holder.must(release(pool, 0));
    if (way == "session") holder.close();
    if (way == "ended") op.must(end_lease(pool));
    CHECK(eventually([&] { return last_end(pool) == "free " + way + " " + pid; }));
    CHECK(slot(pool, 0, "fence") == "");
    CHECK(slot(pool, 0, "usename = session_user AND since > now() - interval '1 hour'") == "t");
  }
}

TEST_CASE("slots: a number that rests, until when, and who had it last") {
  Pool pool(1);
  Session holder;
  holder.must("SELECT numpool_configure(" + pool.q() + R"(, '{"cooldown": "1 hour"}'))");
  holder.must(acquire(pool));
  holder.must(release(pool, 0));
  const std::string pid = std::to_string(holder.pid());
  CHECK(last_end(pool) == "resting released " + pid);
  CHECK(slot(pool, 0,
             "until BETWEEN now() + interval '59 min' AND now() + interval '61 min' AND "
             "until - since BETWEEN interval '59 min' AND interval '61 min'") == "t");
  holder.must(set_service(pool, 0, false));
  CHECK(slot(pool, 0, "state") == "out of service");
  holder.must(set_service(pool, 0, true));
  CHECK(last_end(pool) == "resting released " + pid);
  holder.must("SELECT numpool_configure(" + pool.q() + R"(, '{"cooldown": null}'))");
  CHECK(last_end(pool) == "free released " + pid);
}

TEST_CASE("slots: tokens, by time and by release") {
  Pool pool(1);
  Session op;
  const std::string token = new_token();
  op.must(lease(pool, token));
  CHECK(slot(pool, 0, "state || (until > now()) || (usename = session_user) || (pid IS NULL)") ==
        "leasedtruetruetrue");
  op.must(release_token(token));
  CHECK(last_end(pool) == "free released 0");
  op.must(lease(pool, new_token(), "100 ms"));
  CHECK(eventually([&] { return last_end(pool) == "free expired 0"; }));
  op.must(lease(pool, new_token()));
  op.must(end_lease(pool));
  CHECK(last_end(pool) == "free ended 0");
  CHECK(op.text("SELECT expired || ' ' || ended FROM numpool_show_counters() "
                "WHERE pool = " +
                pool.q()) == "1 1");
}

TEST_CASE(
    "slots: out of service, with the reason, and numbers above the size while they are held") {
  Pool pool(3);
  Session holder;
  holder.must("SELECT numpool_set_service(" + pool.q() + ", 1, false, 'fan broken')");
  CHECK(slot(pool, 1, "state || ': ' || reason") == "out of service: fan broken");
  CHECK(slot(pool, 0, "state || coalesce(reason, '-')") == "free-");
  holder.must("SELECT numpool_drain(" + pool.q() + ", true, 'move')");
  CHECK(slot(pool, 0, "state || ': ' || reason") == "out of service: move");
  CHECK(slot(pool, 1, "state || ': ' || reason") == "out of service: fan broken");
  holder.must(drain(pool, false));
  holder.must(acquire(pool) + "; " + acquire(pool));
  holder.must(set_service(pool, 2, false));
  CHECK(slot(pool, 2, "state || coalesce(reason, '-')") == "leased-");
  holder.must("SELECT numpool_resize(" + pool.q() + ", 1)");
  CHECK(
      observer().text("SELECT string_agg(index || state, ',' ORDER BY index) FROM numpool_slots(" +
                      pool.q() + ")") == "0leased,2leased");
  holder.must(release(pool, 2));
  CHECK(holder.state("SELECT numpool_set_service(" + pool.q() + ", 2, false)") == "22023");
  CHECK(holder.value("SELECT numpool_set_service(" + pool.q() + ", 2, true)") == "t");
  CHECK(holder.state("SELECT numpool_set_service(" + pool.q() + ", 2, true)") == "22023");
  CHECK(observer().text("SELECT count(*) FROM numpool_slots(" + pool.q() + ")") == "1");
  CHECK(holder.state("SELECT * FROM numpool_slots('no such pool')") == "42704");
  CHECK(holder.state("SELECT * FROM numpool_slots(NULL)") == "22004");
}

TEST_CASE("slots: a large pool, and one that is not live") {
  Pool pool(3000);
  CHECK(observer().text("SELECT count(*) || min(state) || max(index) FROM numpool_slots(" +
                        pool.q() + ")") == "3000free2999");
  Session holder;
  holder.must("SELECT count(numpool_acquire(" + pool.q() + ")) FROM generate_series(1, 3000)");
  CHECK(observer().text("SELECT count(*) || min(state) || max(pid) FROM numpool_slots(" + pool.q() +
                        ")") == "3000leased" + std::to_string(holder.pid()));
}
