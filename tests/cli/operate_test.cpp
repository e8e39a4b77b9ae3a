// end-lease, service and drain, and what status says of them.
#include <doctest/doctest.h>

#include "support/pool.h"
#include "output.h"
#include "program.h"

using namespace numpool_test;

namespace {

// The pid of the command that is being answered, if there is one.
std::string backend_of(const std::string& function) {
  return observer().text(
      "SELECT pid FROM pg_stat_activity WHERE query LIKE '%' || $1 || '(%' AND state = 'active'"
      " AND pid <> pg_backend_pid() AND wait_event_type IS NOT NULL",
      {function});
}

void terminate(const std::string& pid) {
  observer().text("SELECT pg_terminate_backend($1::integer, 10000)", {pid});
}

}  // namespace

TEST_CASE("end-lease: the lease, and the one with that fence only") {
  Pool pool(2);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  const std::string fence = holder.text("SELECT numpool_fence($1, 0)", {pool.name()});
  Result other = run({"end-lease", pool.name(), "0", "--fence", "17"});
  CHECK(other.status == 1);
  CHECK(contains(other.err, "has no such lease"));
  CHECK(pool.in_use() == 1);
  CHECK(run({"end-lease", pool.name(), "0", "--fence", fence}).status == 0);
  CHECK(pool.in_use() == 0);
  Result none = run({"end-lease", pool.name(), "0", "--json"});
  CHECK(none.status == 1);
  CHECK(at(none.out, "{ended}") == "false");
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Result ended = run({"end-lease", pool.name(), "0", "--json"});
  CHECK(ended.status == 0);
  CHECK(at(ended.out, "{ended}") == "true");
  CHECK(run({"end-lease", pool.name(), "7"}).status == 1);
  CHECK(run({"end-lease", pool.name(), "x"}).status == 64);
}

TEST_CASE("service: out and in, with a reason, and status shows it") {
  Pool pool(3);
  Result out = run({"service", pool.name(), "1", "--out", "--reason", "fan broken", "--json"});
  CHECK(out.status == 0);
  CHECK(at(out.out, "{changed}") == "true");
  CHECK(at(out.out, "{in_service}") == "false");
  CHECK(observer().text("SELECT out_of_service ->> '1' FROM numpool_definitions WHERE name = $1",
                        {pool.name()}) == "fan broken");
  CHECK(contains(run({"status", pool.name()}).out,
                 "2 free, 0 waiting, 1 out of service\n[\u00B7\u00D7\u00B7]\n"));
  CHECK(contains(run({"status"}).out, "[\u00B7\u00D7\u00B7]  1 out of service\n"));
  CHECK(contains(run({"status", pool.name()}).out,
                 "\nINDEX  NOT GIVEN       TIME LEFT  REASON\n"
                 "    1  out of service             fan broken\n"));
  const std::string json = run({"status", pool.name(), "--json"}).out;
  CHECK(at(json, "{out_of_service}") == "1");
  CHECK(at(json, "{kept_back,0,index}") == "1");
  CHECK(at(json, "{kept_back,0,reason}") == "fan broken");
  CHECK(at(json, "{drained}") == "false");
  CHECK(run({"service", pool.name(), "1", "--in"}).status == 0);
  CHECK(pool.free() == 3);
  CHECK(run({"service", pool.name(), "1"}).status == 64);
  CHECK(run({"service", pool.name(), "1", "--in", "--out"}).status == 64);
  CHECK(run({"service", pool.name(), "3", "--out"}).status == 1);
}

TEST_CASE("status: what rests, until when, and who owns the pool") {
  Pool pool(2);
  observer().must("SELECT numpool_configure(" + pool.q() + R"(, '{"cooldown": "1 h"}'))");
  observer().must("SELECT numpool_acquire(" + pool.q() + ")");
  observer().must("SELECT numpool_release(" + pool.q() + ", 0)");
  const std::string shown = run({"status", pool.name()}).out;
  CHECK(contains(shown, "1 free, 0 waiting, 1 at rest\n"));
  CHECK(contains(shown, "\nowner: postgres; users: public\n"));
  CHECK(contains(shown, "\nINDEX  NOT GIVEN  TIME LEFT  REASON\n    0  at rest"));
  const std::string all = run({"status"}).out;
  CHECK(contains(all, "OWNER"));
  CHECK(contains(all, "  1 at rest\n"));
  const std::string json = run({"status", pool.name(), "--json"}).out;
  CHECK(at(json, "{resting}") == "1");
  CHECK(at(json, "{owner}") == "postgres");
  CHECK(at(json, "{users,0}") == "public");
  CHECK(at(json, "{kept_back,0,state}") == "resting");
  CHECK(std::stoll(at(json, "{kept_back,0,time_left_us}")) > 3000000000);
  observer().must("SELECT numpool_drain(" + pool.q() + ", true, 'maintenance')");
  CHECK(contains(run({"status", pool.name()}).out,
                 "0 free, 0 waiting, 1 at rest, drained\n[\u00D7\u00D7]\n"));
}

TEST_CASE("drain: until --end, and waits until nobody uses the pool") {
  Pool pool(2);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Result late = run({"drain", pool.name(), "--wait", "--timeout", "50ms", "--json"});
  CHECK(late.status == 75);
  CHECK(at(late.out, "{drained}") == "true");
  CHECK(at(late.out, "{idle}") == "false");
  CHECK(pool.free() == 0);
  CHECK(contains(run({"status", pool.name()}).out, "0 waiting, drained\n"));
  Numpool waiting({"drain", pool.name(), "--wait"});
  CHECK(eventually(
      [&] {
        return observer().text(
                   "SELECT count(*) FROM pg_stat_activity WHERE query LIKE "
                   "'%numpool_wait_idle%' AND wait_event_type = 'Extension'") == "1";
      },
      kSoon));
  holder.text("SELECT numpool_release($1, 0)", {pool.name()});
  CHECK(waiting.wait() == 0);
  CHECK(run({"drain", pool.name(), "--end"}).status == 0);
  CHECK(pool.free() == 2);
  CHECK(run({"drain", pool.name(), "--end", "--wait"}).status == 64);
  CHECK(run({"drain", pool.name(), "--timeout", "1s"}).status == 64);
}

TEST_CASE("drain: what has been waited before the connection was lost counts") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  const auto start = Clock::now();
  Numpool waiting({"drain", pool.name(), "--wait", "--timeout", "5s"});
  std::string pid;
  REQUIRE(eventually([&] { return (pid = backend_of("numpool_wait_idle")) != ""; }, kSoon));
  nap(3s);
  terminate(pid);
  CHECK(waiting.wait() == 75);
  CHECK(took_at_most(7500ms, start));
}

TEST_CASE("end-lease and release: an answer that is lost is told of, and no other") {
  Pool pool(1);
  Session holder, locker;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  const std::string fence = holder.text("SELECT numpool_fence($1, 0)", {pool.name()});
  const Words end_it{"end-lease", pool.name(), "0", "--fence", fence, "--json"};
  const auto lose_the_answer = [&](Numpool& asking) {
    REQUIRE(eventually([] { return backend_of("numpool_end_lease") != ""; }, kSoon));
    terminate(backend_of("numpool_end_lease"));
    return asking.wait();
  };
  const auto lock = [&] { locker.must("BEGIN; LOCK TABLE numpool_definitions"); };
  SUBCASE("by the last try") {
    lock();
    Words once = end_it;
    once.insert(once.end(), {"--connect-timeout", "0"});
    Numpool asking(once);
    CHECK(lose_the_answer(asking) == 69);
    CHECK(contains(asking.err(), "; it may be done all the same\n"));
  }
  SUBCASE("and the lease is over when it is asked for again") {
    lock();
    Numpool asking(end_it);
    REQUIRE(eventually([] { return backend_of("numpool_end_lease") != ""; }, kSoon));
    holder.must("SELECT numpool_release(" + pool.q() + ", 0)");
    const std::string first = backend_of("numpool_end_lease");
    terminate(first);
    locker.must("COMMIT");
    CHECK(asking.wait() == 0);
    CHECK(at(asking.out(), "{ended}") == "");
    CHECK(contains(asking.err(), "whether this has ended it is not known"));
  }
  SUBCASE("but a try that was refused has not done it") {
    Session sql;
    sql.must("CREATE ROLE reader LOGIN SUPERUSER");
    sql.must("ALTER ROLE reader SET default_transaction_read_only = on");
    holder.must("SELECT numpool_release(" + pool.q() + ", 0)");
    Numpool asking(end_it, {{{"PGUSER", "reader"}}, "", -1});
    nap(500ms);
    CHECK(asking.running());
    sql.must("ALTER ROLE reader RESET default_transaction_read_only");
    CHECK(asking.wait() == 1);
    CHECK(at(asking.out(), "{ended}") == "false");
    sql.must("DROP ROLE reader");
  }
}

TEST_CASE("slots: each number, as text and as JSON") {
  Pool pool(3);
  Session holder;
  holder.text("SELECT numpool_acquire($1), numpool_acquire($1)", {pool.name()});
  holder.text("SELECT numpool_release($1, 0), numpool_set_service($1, 2, false, 'fan broken')",
              {pool.name()});
  const std::string json = run({"slots", pool.name(), "--json"}).out;
  CHECK(at(json, "{0,state}") == "free");
  CHECK(at(json, "{0,last_end}") == "released");
  CHECK(at(json, "{0,pid}") == std::to_string(holder.pid()));
  CHECK(at(json, "{1,state}") == "leased");
  CHECK(at(json, "{2,reason}") == "fan broken");
  Result shown = run({"slots", pool.name()});
  CHECK(shown.status == 0);
  CHECK(contains(shown.out, "out of service"));
  CHECK(contains(shown.out, "fan broken\n"));
  CHECK(run({"slots", "no such pool"}).status == 1);
}
