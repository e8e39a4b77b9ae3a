// status: as text and as JSON, which the server parses.
#include <doctest/doctest.h>

#include <csignal>

#include "database.hpp"
#include "program.hpp"

using namespace cli_test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Of a JSON document, what a path such as '{leases,0,index}' leads to.
std::string at(session& sql, const std::string& json, const std::string& path) {
  return sql.query("SELECT $1::jsonb #>> $2::text[]", {json, path});
}

}  // namespace

TEST_CASE("one pool: bar, holders, queue with waiting times") {
  test_pool pool(3);
  session holder;
  holder.query("SET application_name = 'holder'");
  holder.query("SELECT numpool_acquire($1), numpool_acquire($1), numpool_acquire($1)",
               {pool.name()});
  holder.query("SELECT numpool_release($1, 1)", {pool.name()});
  const program::setup ascii{{{"LC_ALL", "C"}}, "", -1};
  result shown = run({"status", pool.name()}, ascii);
  CHECK(shown.status == 0);
  CHECK(contains(shown.out, pool.name() + ": 3 numbers, 2 in use, 1 free, 0 waiting\n[#.#]\n"));
  CHECK(contains(shown.out, "holder"));
  CHECK(!contains(shown.out, "QUEUE"));

  holder.query("SELECT numpool_acquire($1)", {pool.name()});
  program waiting({"run", pool.name(), "--", "true"});
  REQUIRE(pool.has_waiting(1));
  shown = run({"status", pool.name()}, ascii);
  CHECK(contains(shown.out, "3 in use, 0 free, 1 waiting\n[###]\n"));
  CHECK(contains(shown.out, "QUEUE  WAITING FOR"));
  CHECK(contains(shown.out, "ticket"));
  CHECK(contains(run({"status", pool.name()}, {{{"LC_ALL", "C.UTF-8"}}, "", -1}).out,
                 "[\u2588\u2588\u2588]"));
  const result overview = run({"status"}, ascii);
  CHECK(contains(overview.out, "[###]"));
  CHECK(contains(overview.out, "NUMBERS"));

  const std::string json = run({"status", pool.name(), "--json"}).out;
  session& sql = pool.sql();
  CHECK(at(sql, json, "{pool}") == pool.name());
  CHECK(at(sql, json, "{in_use}") == "3");
  CHECK(at(sql, json, "{leases,2,index}") == "2");
  CHECK(at(sql, json, "{leases,0,application}") == "holder");
  CHECK(at(sql, json, "{waiters,0,position}") == "1");
  CHECK(at(sql, json, "{waiters,0,kind}") == "ticket");
  CHECK(at(sql, json, "{waiters,0,application}") == "numpool run");
  CHECK(std::stoll(at(sql, json, "{waiters,0,waited_for_us}")) > 0);
  CHECK(sql.query("SELECT now() - ($1::jsonb #>> '{leases,0,acquired_at}')::timestamptz "
                  "BETWEEN '-1 s' AND '1 min'",
                  {json}) == "t");
}

TEST_CASE("no such pool") {
  for (const words& w :
       {words{"status", "no such pool"}, words{"status", "no such pool", "--json"}}) {
    const result r = run(w);
    CHECK(r.status == 1);
    CHECK(r.out.empty());
    CHECK(r.err == "numpool: pool \"no such pool\" does not exist\n");
  }
}

TEST_CASE("all pools as JSON, whatever their names and metadata") {
  session sql;
  const std::string names = "'s \"q\"', E's \\n\\t\\x01\\\\', 's \u00fc', 's %'";
  sql.query("SELECT numpool_create(n, 2, jsonb_build_object('n', n)) FROM unnest(ARRAY[" + names +
            "]) AS n");
  const std::string json = run({"status", "--json"}).out;
  CHECK(
      sql.query("SELECT count(*) FROM jsonb_array_elements($1::jsonb) AS p WHERE p->>'pool' IN (" +
                    names + ") AND p->>'pool' = p->'metadata'->>'n' AND p->>'size' = '2'",
                {json}) == "4");
  const std::string text = run({"status"}).out;
  CHECK(contains(text, "s \\n\\t\\x01\\\\"));
  sql.query("SELECT numpool_drop(n) FROM numpool_list('s ') AS n");
}

TEST_CASE("the largest pool, nearly full") {
  test_pool pool(65536);
  session holder;
  holder.query("SELECT count(numpool_acquire($1)) FROM generate_series(1, 65535)", {pool.name()});
  const result shown = run({"status", pool.name()}, {{{"LC_ALL", "C"}}, "", -1});
  CHECK(contains(shown.out, "65535 in use, 1 free"));
  CHECK(contains(shown.out, "#+]  a cell is 1024 numbers\n"));
  CHECK(pool.sql().query("SELECT jsonb_array_length($1::jsonb->'leases')",
                         {run({"status", pool.name(), "--json"}).out}) == "65535");
}
