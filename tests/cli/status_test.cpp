// status: as text and as JSON, which the server parses.
#include <doctest/doctest.h>

#include <csignal>

#include "support/pool.h"
#include "output.h"
#include "program.h"

using namespace numpool_test;

TEST_CASE("one pool: bar, holders, queue with waiting times") {
  Pool pool(3);
  Session holder;
  holder.text("SET application_name = 'holder'");
  holder.text("SELECT numpool_acquire($1), numpool_acquire($1), numpool_acquire($1)",
              {pool.name()});
  holder.text("SELECT numpool_release($1, 1)", {pool.name()});
  const ProgramSetup ascii{{{"LC_ALL", "C"}}, "", -1};
  Result shown = run({"status", pool.name()}, ascii);
  CHECK(shown.status == 0);
  CHECK(contains(shown.out, pool.name() + ": 3 numbers, 2 in use, 1 free, 0 waiting\n[#.#]\n"));
  CHECK(contains(shown.out, "holder"));
  CHECK(!contains(shown.out, "QUEUE"));

  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Numpool waiting({"run", pool.name(), "--", "true"});
  REQUIRE(pool.waiters_become(1, kSoon));
  shown = run({"status", pool.name()}, ascii);
  CHECK(contains(shown.out, "3 in use, 0 free, 1 waiting\n[###]\n"));
  CHECK(contains(shown.out, "QUEUE  WAITING FOR"));
  CHECK(contains(shown.out, "ticket"));
  CHECK(contains(run({"status", pool.name()}, {{{"LC_ALL", "C.UTF-8"}}, "", -1}).out,
                 "[\u2588\u2588\u2588]"));
  const Result overview = run({"status"}, ascii);
  CHECK(contains(overview.out, "[###]"));
  CHECK(contains(overview.out, "NUMBERS"));

  const std::string json = run({"status", pool.name(), "--json"}).out;
  Session& sql = observer();
  CHECK(at(json, "{pool}") == pool.name());
  CHECK(at(json, "{in_use}") == "3");
  CHECK(at(json, "{leases,2,index}") == "2");
  CHECK(at(json, "{leases,0,application}") == "holder");
  CHECK(at(json, "{waiters,0,position}") == "1");
  CHECK(at(json, "{waiters,0,kind}") == "ticket");
  CHECK(at(json, "{waiters,0,application}") == "numpool run");
  CHECK(std::stoll(at(json, "{waiters,0,waited_for_us}")) > 0);
  CHECK(sql.text("SELECT now() - ($1::jsonb #>> '{leases,0,acquired_at}')::timestamptz "
                 "BETWEEN '-1 s' AND '1 min'",
                 {json}) == "t");
}

TEST_CASE("no such pool") {
  for (const Words& w :
       {Words{"status", "no such pool"}, Words{"status", "no such pool", "--json"}}) {
    const Result r = run(w);
    CHECK(r.status == 1);
    CHECK(r.out.empty());
    CHECK(r.err == "numpool: pool \"no such pool\" does not exist\n");
  }
}

TEST_CASE("all pools as JSON, whatever their names and metadata") {
  Session sql;
  const std::string names = "'s \"q\"', E's \\n\\t\\x01\\\\', 's \u00fc', 's %'";
  sql.text("SELECT numpool_create(n, 2, jsonb_build_object('n', n)) FROM unnest(ARRAY[" + names +
           "]) AS n");
  const std::string json = run({"status", "--json"}).out;
  CHECK(sql.text("SELECT count(*) FROM jsonb_array_elements($1::jsonb) AS p WHERE p->>'pool' IN (" +
                     names + ") AND p->>'pool' = p->'metadata'->>'n' AND p->>'size' = '2'",
                 {json}) == "4");
  const std::string text = run({"status"}).out;
  CHECK(contains(text, "s \\n\\t\\x01\\\\"));
  sql.text("SELECT numpool_drop(n) FROM numpool_list('s ') AS n");
}

TEST_CASE("the largest pool, nearly full") {
  Pool pool(65536);
  Session holder;
  holder.text("SELECT count(numpool_acquire($1)) FROM generate_series(1, 65535)", {pool.name()});
  const Result shown = run({"status", pool.name()}, {{{"LC_ALL", "C"}}, "", -1});
  CHECK(contains(shown.out, "65535 in use, 1 free"));
  CHECK(contains(shown.out, "#+]  a cell is 1024 numbers\n"));
  CHECK(observer().text("SELECT jsonb_array_length($1::jsonb->'leases')",
                        {run({"status", pool.name(), "--json"}).out}) == "65535");
}
