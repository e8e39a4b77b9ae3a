// Where the server is, and what happens when it is not there.
#include <doctest/doctest.h>

#include <cstdlib>

#include "support/pool.h"
#include "program.h"

using namespace numpool_test;

namespace {

void unavailable(const Result& r) {
  CAPTURE(r.err);
  CHECK(r.status == 69);
  CHECK(r.out.empty());
  CHECK(lines(r.err) == 1);
  CHECK(r.err.find("numpool: ") == 0);
}

ProgramSetup with(const Variables& env) {
  return {env, "", -1};
}

}  // namespace

TEST_CASE("no server: one line and exit 69, whatever the subcommand") {
  const auto nowhere = with({{"PGHOST", "/nonexistent"}});
  const std::vector<Words> all{{"setup"},
                               {"create", "x", "1"},
                               {"drop", "x"},
                               {"resize", "x", "1"},
                               {"list"},
                               {"status"},
                               {"status", "x"},
                               {"wait", "x"},
                               {"metadata", "get", "x"},
                               {"metadata", "set", "x", "1"},
                               {"run", "x", "--", "echo", "not me"}};
  for (const auto& w : all) {
    CAPTURE(w.front());
    unavailable(run(w, nowhere));
  }
}

TEST_CASE("no database and no role: exit 69") {
  unavailable(run({"list"}, with({{"PGDATABASE", "none"}})));
  unavailable(run({"list"}, with({{"PGUSER", "nobody such"}})));
}

TEST_CASE("DATABASE_URL before PG*, --url before both") {
  const std::string url = std::string("postgresql://postgres@/postgres?host=") + getenv("PGHOST");
  CHECK(run({"list"}, with({{"DATABASE_URL", url}, {"PGHOST", "/nonexistent"}})).status == 0);
  CHECK(run({"--url", url, "list"}, with({{"DATABASE_URL", "host=/nonexistent"}})).status == 0);
  CHECK(run({"list", "--url", url}, with({{"PGHOST", "/nonexistent"}})).status == 0);
  unavailable(run({"list"}, with({{"DATABASE_URL", "host=/nonexistent"}})));
  CHECK(run({"list"}, with({{"DATABASE_URL", "no connection string"}})).status == 64);
}

TEST_CASE("PGUSER and PGDATABASE default to postgres") {
  CHECK(run({"list"}, with({{"PGUSER", ""}, {"PGDATABASE", ""}, {"PGPORT", ""}})).status == 0);
}

TEST_CASE("the server's views say who it is") {
  Pool pool(1);
  Numpool holding({"run", pool.name(), "--", "sleep", "60"});
  REQUIRE(pool.in_use_becomes(1, kSoon));
  CHECK(observer().text("SELECT application_name FROM numpool_leases WHERE pool = $1",
                        {pool.name()}) == "numpool run");
  holding.signal(15);
  CHECK(holding.wait() == 128 + 15);
}
