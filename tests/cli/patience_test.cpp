// A server that is not there yet, any more, or for somebody else: waited for, within the time.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "support/pool.h"
#include "outage.h"
#include "program.h"

using namespace numpool_test;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool still_running(Numpool& one) {
  return !eventually([&] { return !one.running(); }, milliseconds(300));
}

ProgramSetup as(const char* role) {
  return {{{"PGUSER", role}}, "", -1};
}

/// A role of the test's own, without a right to make pools.
class plain_role {
 public:
  plain_role() { sql_.text("CREATE ROLE plain LOGIN"); }
  ~plain_role() { sql_.text("DROP ROLE plain"); }
  Session& sql() { return sql_; }

 private:
  Session sql_;
};

}  // namespace

TEST_CASE("run, wait and every other subcommand wait for a server that is down") {
  std::string name;
  {
    Session sql;
    sql.text("SELECT numpool_create('patient', 1)");
    sql.text("SELECT numpool_create('victim', 1)");
  }
  outage down;
  std::vector<Numpool> all;
  for (const Words& w : std::vector<Words>{{"run", "patient", "--timeout", "5m", "--", "true"},
                                           {"run", "patient", "--create", "1", "--", "true"},
                                           {"wait", "patient"},
                                           {"setup"},
                                           {"create", "patient", "1", "--if-not-exists"},
                                           {"create", "patient too", "1"},
                                           {"drop", "victim"},
                                           {"resize", "patient", "1"},
                                           {"list"},
                                           {"status"},
                                           {"status", "patient"},
                                           {"metadata", "get", "patient"},
                                           {"metadata", "set", "patient", "1"}}) {
    all.emplace_back(w);
  }
  for (Numpool& one : all) CHECK(still_running(one));
  down.end();
  for (Numpool& one : all) {
    CHECK(one.wait() == 0);
    CHECK(one.err().empty());
  }
  Session sql;
  sql.text("SELECT numpool_drop('patient', true)");
  sql.text("SELECT numpool_drop('patient too')");
}

TEST_CASE("no server within the time: 75 after --timeout, 69 after --connect-timeout") {
  Session installs_the_extension;
  outage down;
  const auto start = std::chrono::steady_clock::now();
  for (const char* verb : {"run", "wait"}) {
    Words w{verb, "any", "--timeout", "500ms"};
    if (std::string(verb) == "run") w.insert(w.end(), {"--", "echo", "not me"});
    const Result r = run(w);
    CHECK(r.status == 75);
    CHECK(r.out.empty());
    CHECK(lines(r.err) == 1);
    CHECK(r.err.find("numpool: timed out waiting for the server: ") == 0);
  }
  CHECK(std::chrono::steady_clock::now() - start >= seconds(1));
  for (const Words& w : std::vector<Words>{
           {"run", "any", "--connect-timeout", "300ms", "--", "echo", "not me"},
           {"run", "any", "--connect-timeout", "300ms", "--timeout", "1h", "--", "id"},
           {"run", "any", "--timeout", "0", "--", "echo", "not me"},
           {"wait", "any", "--connect-timeout", "0"},
           {"list", "--connect-timeout", "300ms"},
           {"status", "any", "--connect-timeout", "0"}}) {
    const Result r = run(w);
    CHECK(r.status == 69);
    CHECK(r.out.empty());
    CHECK(lines(r.err) == 1);
  }
  CHECK(took_at_most(seconds(15), start));
}

TEST_CASE("no connection slot left: waited for") {
  Pool pool(1);
  const int most = std::stoi(observer().text("SHOW max_connections"));
  std::vector<std::unique_ptr<PGconn, decltype(&PQfinish)>> crowd;
  for (int i = 0; i < most; ++i) {
    crowd.emplace_back(PQconnectdb(""), &PQfinish);
    if (PQstatus(crowd.back().get()) != CONNECTION_OK) break;
  }
  REQUIRE(PQstatus(crowd.back().get()) != CONNECTION_OK);
  Numpool waiting({"run", pool.name(), "--timeout", "5m", "--", "echo", "in"});
  Numpool listing({"list"});
  CHECK(still_running(waiting));
  CHECK(still_running(listing));
  crowd.clear();
  CHECK(waiting.wait() == 0);
  CHECK(waiting.out() == "in\n");
  CHECK(listing.wait() == 0);
}

TEST_CASE("a server without the library, as another node may be: waited for") {
  Pool pool(1);
  const std::string broken =
      "UPDATE pg_proc SET probin = '$libdir/none such' WHERE probin = '$libdir/numpool'";
  const std::string mended =
      "UPDATE pg_proc SET probin = '$libdir/numpool' WHERE probin = '$libdir/none such'";
  observer().text(broken);
  Numpool waiting({"run", pool.name(), "--", "echo", "in"});
  Numpool once({"run", pool.name(), "--connect-timeout", "0", "--", "echo", "not me"});
  CHECK(once.wait() == 69);
  CHECK(once.err().find("none such") != std::string::npos);
  CHECK(still_running(waiting));
  observer().text(mended);
  CHECK(waiting.wait() == 0);
  CHECK(waiting.out() == "in\n");
}

TEST_CASE("a server that is read-only, as a standby is: waited for") {
  Pool pool(1);
  Session sql;
  sql.text("CREATE ROLE reader LOGIN SUPERUSER");
  sql.text("ALTER ROLE reader SET default_transaction_read_only = on");
  Numpool resizing({"resize", pool.name(), "3"}, as("reader"));
  CHECK(run({"resize", pool.name(), "3", "--connect-timeout", "0"}, as("reader")).status == 69);
  CHECK(still_running(resizing));
  sql.text("ALTER ROLE reader RESET default_transaction_read_only");
  CHECK(resizing.wait() == 0);
  sql.text("DROP ROLE reader");
}

TEST_CASE("what does not pass is told at once") {
  Pool pool(1);
  const auto start = std::chrono::steady_clock::now();
  CHECK(run({"list"}, {{{"PGDATABASE", "none"}}, "", -1}).status == 69);
  CHECK(run({"list"}, {{{"PGUSER", "nobody such"}}, "", -1}).status == 69);
  CHECK(run({"list"}, {{{"PGHOST", "/none such"}}, "", -1}).status == 69);
  CHECK(run({"list"}, {{{"PGHOST", "no.such.host.invalid"}}, "", -1}).status == 69);
  CHECK(took_at_most(seconds(15), start));
}

TEST_CASE("a signal ends the waiting for the server") {
  Session installs_the_extension;
  outage down;
  Numpool waiting({"run", "any", "--", "echo", "not me"});
  CHECK(still_running(waiting));
  waiting.signal(SIGTERM);
  CHECK(waiting.wait() == 128 + SIGTERM);
  Numpool listing({"list"});
  CHECK(still_running(listing));
  listing.signal(SIGINT);
  CHECK(listing.wait() == 1000 + SIGINT);
}

TEST_CASE("a pool that is there needs no right to create it") {
  Pool pool(2);
  plain_role role;
  const auto plain = as("plain");
  CHECK(run({"run", pool.name(), "--create", "2", "--", "true"}, plain).status == 0);
  CHECK(run({"create", pool.name(), "2", "--if-not-exists"}, plain).status == 0);
  CHECK(run({"setup"}, plain).status == 0);
  const Result other_size = run({"create", pool.name(), "3", "--if-not-exists"}, plain);
  CHECK(other_size.status == 1);
  CHECK(other_size.err.find("size") != std::string::npos);
  const Result none = run({"run", pool.name() + " too", "--create", "2", "--", "true"}, plain);
  CHECK(none.status == 1);
  CHECK(none.err.find("permission denied") != std::string::npos);
}

TEST_CASE("ten at once set up one database") {
  Session sql;
  sql.text("CREATE DATABASE ten");
  {
    std::vector<Numpool> all;
    for (int i = 0; i < 10; ++i)
      all.push_back(Numpool({"setup"}, {{{"PGDATABASE", "ten"}}, "", -1}));
    for (Numpool& one : all) CHECK(one.wait() == 0);
  }
  // They took turns: none met another's extension halfway.
  const std::string log = content(value_of("NUMPOOL_SERVER_LOG"));
  CHECK(log.find("duplicate key value violates unique constraint \"pg_extension_name_index\"") ==
        std::string::npos);
  CHECK(eventually(
      [&] {
        return *sql.number("SELECT count(*) FROM pg_stat_activity WHERE datname = 'ten'") == 0;
      },
      kSoon));
  sql.text("DROP DATABASE ten");
}
