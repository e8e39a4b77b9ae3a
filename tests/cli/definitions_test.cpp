// setup, create, drop, resize, list, metadata.
#include <doctest/doctest.h>

#include "support/pool.h"
#include "program.h"

using namespace numpool_test;

namespace {

void refused(const Result& r, const std::string& part, int status = 1) {
  CAPTURE(r.err);
  CHECK(r.status == status);
  CHECK(r.out.empty());
  CHECK(lines(r.err) == 1);
  CHECK(r.err.find("numpool: ") == 0);
  CHECK(r.err.find(part) != std::string::npos);
}

void done(const Result& r, const std::string& out = "") {
  CAPTURE(r.err);
  CHECK(r.status == 0);
  CHECK(r.out == out);
  CHECK(r.err.empty());
}

}  // namespace

TEST_CASE("setup installs the extension, once and again") {
  Session sql;
  sql.text("CREATE DATABASE cli_setup");
  const ProgramSetup there{{{"PGDATABASE", "cli_setup"}}, "", -1};
  refused(run({"list"}, there), "numpool setup");
  done(run({"setup"}, there));
  done(run({"setup"}, there));
  done(run({"create", "gpu", "4"}, there));
  done(run({"list"}, there), "gpu\n");
  CHECK(eventually(
      [&] {
        return sql.number("SELECT count(*) FROM pg_stat_activity WHERE datname = 'cli_setup'") == 0;
      },
      kSoon));
  sql.text("DROP DATABASE cli_setup");
}

TEST_CASE("create") {
  Pool pool(0);
  done(run({"create", pool.name(), "4", "--metadata", "{\"a\": [1, 2]}"}));
  CHECK(observer().text("SELECT size || ' ' || metadata FROM numpool_pools WHERE pool = $1",
                        {pool.name()}) == "4 {\"a\": [1, 2]}");
  refused(run({"create", pool.name(), "4"}), "already exists");
  done(run({"create", pool.name(), "4", "--if-not-exists"}));
  refused(run({"create", pool.name(), "5", "--if-not-exists"}), "size");
  refused(run({"create", pool.name() + "x", "5", "--metadata", "{no json"}), "json");
}

TEST_CASE("a pool of any name") {
  Session sql;
  for (const std::string name :
       {"a b", "quo'te\"s", "%_", "back\\slash", "\xC3\xBC", "line\nbreak", "--help"}) {
    CAPTURE(name);
    done(run({"create", "--", name, "2"}));
    CHECK(sql.text("SELECT size FROM numpool_pools WHERE pool = $1", {name}) == "2");
    if (name.front() != '-') {
      done(run({"run", name, "--", "printenv", "NUMPOOL_POOL"}), name + "\n");
    }
    done(run({"drop", "--", name}));
  }
}

TEST_CASE("names too long and empty") {
  refused(run({"create", std::string(201, 'x'), "1"}), "200");
  refused(run({"create", "", "1"}), "not empty", 64);
  refused(run({"create", "\xff\xfe", "1"}), "UTF8");
}

TEST_CASE("resize") {
  Pool pool(4);
  done(run({"resize", pool.name(), "7"}));
  CHECK(observer().text("SELECT size FROM numpool_pools WHERE pool = $1", {pool.name()}) == "7");
  refused(run({"resize", "no such pool", "7"}), "\"no such pool\" does not exist");
  refused(run({"resize", pool.name(), "0"}), "1 to 65536", 64);
}

TEST_CASE("drop") {
  Pool pool(1);
  observer().text("SELECT numpool_acquire($1)", {pool.name()});
  refused(run({"drop", pool.name()}), "in use");
  done(run({"drop", pool.name(), "--force"}));
  refused(run({"drop", pool.name()}), "does not exist");
  refused(run({"drop", pool.name(), "--force"}), "does not exist");
  done(run({"drop", pool.name(), "--if-exists"}));
}

TEST_CASE("list") {
  Session sql;
  for (const char* name : {"l_b", "l_a", "l%c", "lxd", "l\ne"}) {
    sql.text("SELECT numpool_create($1, 1)", {name});
  }
  done(run({"list", "l_"}), "l_a\nl_b\n");
  done(run({"list", "l%"}), "l%c\n");
  done(run({"list", "l\n"}), "l\\ne\n");
  done(run({"list", "none such"}));
  CHECK(lines(run({"list"}).out) >= 5);
  const Result json = run({"list", "l", "--json"});
  CHECK(sql.text("SELECT count(*) FROM jsonb_array_elements_text($1::jsonb) AS n "
                 "WHERE n IN ('l_a', 'l_b', 'l%c', 'lxd', E'l\\ne')",
                 {json.out}) == "5");
  CHECK(sql.text("SELECT $1::jsonb", {run({"list", "none such", "--json"}).out}) == "[]");
  sql.text("SELECT numpool_drop(n) FROM numpool_list('l') AS n");
}

TEST_CASE("metadata get and set") {
  Pool pool(1);
  done(run({"metadata", "get", pool.name()}), "null\n");
  done(run({"metadata", "set", pool.name(), "{\"rack\": 7}"}));
  done(run({"metadata", "get", pool.name()}), "{\"rack\": 7}\n");
  done(run({"metadata", "set", pool.name(), "-"}, {{}, "[1,\n 2]\n", -1}));
  done(run({"metadata", "get", pool.name()}), "[1, 2]\n");
  refused(run({"metadata", "set", pool.name(), "{"}), "json");
  refused(run({"metadata", "set", pool.name(), "-"}, {{}, " \n", -1}), "empty", 64);
  done(run({"metadata", "get", pool.name()}), "[1, 2]\n");
  done(run({"metadata", "set", pool.name(), "--none"}));
  done(run({"metadata", "get", pool.name()}), "null\n");
  refused(run({"metadata", "get", "no such pool"}), "does not exist");
  refused(run({"metadata", "set", "no such pool", "1"}), "does not exist");
}

TEST_CASE("metadata set only if they are as expected") {
  Pool pool(1);
  const auto set = [&](const Words& rest) {
    Words all{"metadata", "set", pool.name()};
    all.insert(all.end(), rest.begin(), rest.end());
    return run(all);
  };
  done(set({"1", "--expect-none"}));
  refused(set({"2", "--expect-none"}), "not as expected");
  refused(set({"2", "--expect", "3"}), "not as expected");
  done(run({"metadata", "get", pool.name()}), "1\n");
  done(set({"2", "--expect", "1"}));
  done(set({"--none", "--expect", "2"}));
  done(run({"metadata", "get", pool.name()}), "null\n");
}
