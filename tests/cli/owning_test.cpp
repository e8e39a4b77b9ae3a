// grant, revoke, owner and configure.
#include <doctest/doctest.h>

#include <algorithm>

#include "support/pool.h"
#include "output.h"
#include "program.h"

using namespace numpool_test;

namespace {

void refused(const Result& r, const std::string& part, int status = 1) {
  CAPTURE(r.err);
  CHECK(r.status == status);
  CHECK(r.out.empty());
  CHECK(lines(r.err) == 1);
  CHECK(contains(r.err, part));
}

void done(const Result& r, const std::string& out = "") {
  CAPTURE(r.err);
  CHECK(r.status == 0);
  CHECK(r.out == out);
  CHECK(r.err.empty());
}

std::string users(const Pool& pool) {
  return observer().text("SELECT users FROM numpool_pools WHERE pool = $1", {pool.name()});
}

// Roles with that start of a name, gone at the end.
class Roles {
 public:
  explicit Roles(Words names) : names_(std::move(names)) {
    for (const std::string& name : names_)
      observer().must("CREATE ROLE " + quoted(name) + " LOGIN");
  }
  ~Roles() {
    for (const std::string& name : names_) observer().must("DROP ROLE " + quoted(name));
  }

 private:
  static std::string quoted(const std::string& name) {
    return observer().text("SELECT quote_ident($1)", {name});
  }
  Words names_;
};

}  // namespace

TEST_CASE("grant and revoke: several roles of any name, all of them or none") {
  Pool pool(2);
  const std::string odd = "cli \\\"quo'ted\", {x}";
  const Roles roles({"cli_research", odd, "[a,b]"});
  done(run({"grant", pool.name(), "cli_research", odd, "[a,b]"}));
  CHECK(observer().text("SELECT to_jsonb(users) = jsonb_build_array('public', 'cli_research', "
                        "$2::text, '[a,b]') FROM numpool_pools WHERE pool = $1",
                        {pool.name(), odd}) == "t");
  const std::string json = run({"revoke", pool.name(), "public", "[a,b]", "--json"}).out;
  CHECK(at(json, "{pool}") == pool.name());
  CHECK(at(json, "{users,0}") == "cli_research");
  CHECK(at(json, "{users,1}") == odd);
  CHECK(observer().text("SELECT jsonb_array_length($1::jsonb -> 'users')", {json}) == "2");
  const ProgramSetup as_plain{{{"PGUSER", "[a,b]"}}, "", -1};
  refused(run({"run", pool.name(), "--", "true"}, as_plain), "[a,b]");
  done(run({"grant", pool.name(), "public"}));
  done(run({"run", pool.name(), "--", "true"}, as_plain));
  done(run({"revoke", pool.name(), "public", odd}));
  refused(run({"grant", pool.name(), "public", "no such role"}), "no such role");
  CHECK(users(pool) == "{cli_research}");
  done(run({"revoke", pool.name(), "cli_research"}));
  CHECK(users(pool) == "{}");
  refused(run({"grant", pool.name(), "cli_research"}, as_plain), "must be owner");
  refused(run({"grant", pool.name()}), "ROLE", 64);
  refused(run({"grant", pool.name(), ""}), "not empty", 64);
  refused(run({"revoke", pool.name(), std::string(64, 'x')}), "63 bytes", 64);
  refused(run({"grant", "no such pool", "public"}), "does not exist");
}

TEST_CASE("owner: shown, and given away") {
  Pool pool(2);
  const Roles roles({"cli_ops", "cli_other"});
  done(run({"owner", pool.name()}), "postgres\n");
  done(run({"owner", pool.name(), "cli_ops"}));
  done(run({"owner", pool.name()}), "cli_ops\n");
  CHECK(at(run({"owner", pool.name(), "--json"}).out, "{owner}") == "cli_ops");
  const ProgramSetup as_ops{{{"PGUSER", "cli_ops"}}, "", -1};
  const ProgramSetup as_other{{{"PGUSER", "cli_other"}}, "", -1};
  done(run({"resize", pool.name(), "3"}, as_ops));
  refused(run({"resize", pool.name(), "4"}, as_other), "must be owner");
  refused(run({"owner", pool.name(), "cli_other"}, as_ops), "SET ROLE");
  refused(run({"owner", pool.name(), "no such role"}), "no such role");
  refused(run({"owner", pool.name(), ""}), "not empty", 64);
  refused(run({"owner", "no such pool"}), "does not exist");
  const std::string json = run({"owner", pool.name(), "postgres", "--json"}).out;
  CHECK(at(json, "{pool}") == pool.name());
  CHECK(at(json, "{owner}") == "postgres");
}

TEST_CASE("configure: settings shown, changed and put back") {
  Pool pool(2);
  const Result shown = run({"configure", pool.name()});
  CHECK(shown.status == 0);
  CHECK(contains(shown.out, "SETTING         VALUE\n"));
  CHECK(contains(shown.out, "\nmax_hold        none\n"));
  CHECK(contains(shown.out, "\nmax_ttl         30 days\n"));
  done(run(
      {"configure", pool.name(), "cooldown", "5s", "policy", "longest_free", "max_count", "2"}));
  std::string json = run({"configure", pool.name(), "--json"}).out;
  CHECK(at(json, "{pool}") == pool.name());
  CHECK(at(json, "{settings,cooldown}") == "5s");
  CHECK(at(json, "{settings,max_count}") == "2");
  CHECK(at(json, "{settings,max_hold}") == "");
  json = run({"configure", pool.name(), "cooldown", "default", "death_delay", "7", "policy", "null",
              "ephemeral", "true", "--json"})
             .out;
  CHECK(at(json, "{settings,cooldown}") == "0");
  CHECK(at(json, "{settings,death_delay}") == "7");
  CHECK(at(json, "{settings,policy}") == "lowest");
  CHECK(at(json, "{settings,ephemeral}") == "true");
  CHECK(observer().text("SELECT settings FROM numpool_pools WHERE pool = $1", {pool.name()}) ==
        R"({"ephemeral": true, "max_count": 2, "death_delay": "7"})");
  done(run({"configure", pool.name(), "--", "priority_limit", "-1"}));
  refused(run({"configure", pool.name(), "colour", "red"}), "colour");
  refused(run({"configure", pool.name(), "cooldown", "soon"}), "soon");
  refused(run({"configure", pool.name(), "max_count", "many"}), "max_count");
  refused(run({"configure", pool.name(), "cooldown", ""}), "");
  refused(run({"configure", pool.name(), "cooldown"}), "has no value", 64);
  refused(run({"configure", pool.name(), "policy", "null", "policy", "lowest"}), "twice", 64);
  refused(run({"configure", "no such pool"}), "does not exist");
  refused(run({"configure", "no such pool", "cooldown", "1s"}), "does not exist");
  refused(run({"configure"}), "POOL", 64);
}
