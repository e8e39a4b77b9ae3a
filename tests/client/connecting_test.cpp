// What a client asks of its connection.

#include "pg_conninfo.hpp"

#include <unistd.h>

#include <cstdlib>
#include <map>

#include "fixture.hpp"

using numpool::detail::connection_parameters;

namespace {

std::map<std::string, std::string> parameters(const std::string& conninfo) {
  const connection_parameters from(conninfo);
  std::map<std::string, std::string> out;
  for (int i = 0; from.keywords()[i] != nullptr; ++i) out[from.keywords()[i]] = from.values()[i];
  return out;
}

std::string setting(const numpool::client& of, const std::string& column) {
  session watch;
  return watch
      .query("SELECT " + column +
             " FROM pg_stat_activity WHERE pid = " + std::to_string(of.backend_pid()))
      .value_or("");
}

}  // namespace

TEST_CASE("keepalives are set unless the user sets them") {
  auto plain = parameters("host=a,b port=1,2 dbname=x target_session_attrs=primary");
  CHECK(plain["keepalives"] == "1");
  CHECK(plain["keepalives_idle"] == "5");
  CHECK(plain["keepalives_interval"] == "2");
  CHECK(plain["keepalives_count"] == "4");
  CHECK(plain["tcp_user_timeout"] == "12000");
  CHECK(plain["host"] == "a,b");
  CHECK(plain["target_session_attrs"] == "primary");
  auto own = parameters("postgresql://h/db?keepalives_idle=77&tcp_user_timeout=1");
  CHECK(own["keepalives_idle"] == "77");
  CHECK(own["tcp_user_timeout"] == "1");
  CHECK(own["keepalives_count"] == "4");
  CHECK(kind_of([] { parameters("nonsense"); }) == numpool::error_kind::invalid_value);
}

TEST_CASE("of several hosts a primary is asked for, unless the user asks for something else") {
  CHECK(parameters("host=a,b")["target_session_attrs"] == "primary");
  CHECK(parameters("host=a,b target_session_attrs=any")["target_session_attrs"] == "any");
  CHECK(parameters("host=a").count("target_session_attrs") == 0);
  CHECK(connection_parameters("host=a,b").wants_primary());
  CHECK(connection_parameters("host=a,b target_session_attrs=any").wants_primary());
  CHECK_FALSE(connection_parameters("host=a,b target_session_attrs=standby").wants_primary());
  CHECK_FALSE(connection_parameters("host=a").wants_primary());
}

TEST_CASE("the hosts after a lost one come first") {
  connection_parameters some("host=a,b,c port=1,2,3 hostaddr=127.0.0.1,127.0.0.2,127.0.0.3");
  const auto value = [&](const std::string& keyword) {
    for (int i = 0; some.keywords()[i] != nullptr; ++i)
      if (some.keywords()[i] == keyword) return std::string(some.values()[i]);
    return std::string();
  };
  some.begin_after_host("b", "2");
  CHECK(value("host") == "c,a,b");
  CHECK(value("port") == "3,1,2");
  CHECK(value("hostaddr") == "127.0.0.3,127.0.0.1,127.0.0.2");
  some.begin_after_host("z", "9");
  CHECK(value("host") == "c,a,b");
  some.keep_host("a", "1");
  CHECK(value("host") == "a");
  CHECK(value("port") == "1");
}

TEST_CASE("connect_timeout is libpq's, and at least two seconds") {
  CHECK(connection_parameters("connect_timeout=7").connect_timeout() == 7s);
  CHECK(connection_parameters("connect_timeout=1").connect_timeout() == 2s);
  CHECK_FALSE(connection_parameters("connect_timeout=0").connect_timeout());
  CHECK_FALSE(connection_parameters("").connect_timeout());
  ::setenv("PGCONNECT_TIMEOUT", "9", 1);
  CHECK(connection_parameters("").connect_timeout() == 9s);
  ::unsetenv("PGCONNECT_TIMEOUT");
}

TEST_CASE("application_name is numpool unless the user sets one") {
  CHECK(setting(numpool::client(), "application_name") == "numpool");
  CHECK(setting(numpool::client("application_name=mine"), "application_name") == "mine");
}

TEST_CASE("the server's end sets keepalives, too, but none that the user set") {
  // pg_settings shows 0 for a Unix socket, so what counts is which statements would run.
  session plain;
  CHECK(plain.query("SELECT count(*) FROM (" + std::string(numpool::detail::kServerKeepalives) +
                    ") AS x") == "4");
  ::setenv("PGOPTIONS", "-c tcp_keepalives_idle=9 -c tcp_keepalives_count=3", 1);
  session own;
  ::unsetenv("PGOPTIONS");
  CHECK(own.query("SELECT count(*) FROM (" + std::string(numpool::detail::kServerKeepalives) +
                  ") AS x") == "2");
}

TEST_CASE("DATABASE_URL is the default") {
  CHECK(numpool::default_conninfo().empty());
  const std::string url = "dbname=postgres application_name=by_url";
  ::setenv("DATABASE_URL", url.c_str(), 1);
  CHECK(numpool::default_conninfo() == url);
  {
    numpool::client client;
    CHECK(setting(client, "application_name") == "by_url");
  }
  ::unsetenv("DATABASE_URL");
}

TEST_CASE("several hosts: the first that answers is taken") {
  const std::string host = std::getenv("PGHOST");
  numpool::client client("host=/nonexistent," + host);
  CHECK(client.connected());
}

TEST_CASE("the extension is set up and cleaned up, in any schema, while clients stay connected") {
  session admin;
  const std::string name = "setup" + std::to_string(::getpid());
  admin.query("CREATE DATABASE " + name);
  {
    numpool::client client("dbname=" + name);
    numpool::client late("dbname=" + name);
    CHECK(kind_of([&] { (void)client.list(); }) == numpool::error_kind::not_installed);
    CHECK(kind_of([&] { client.open("x").with_lock([] {}); }) ==
          numpool::error_kind::not_installed);
    threads running;
    running.start(4, [&](int) { numpool::client("dbname=" + name).setup(); });
    running.join();
    client.setup();
    numpool::pool pool = client.create_or_open("x", 1);
    CHECK(late.open("x").acquire().index() == 0);
    client.uninstall();
    client.uninstall();
    CHECK(kind_of([&] { (void)pool.acquire(); }) == numpool::error_kind::not_installed);
    CHECK(kind_of([&] { (void)late.open("x").acquire(); }) == numpool::error_kind::not_installed);

    ::setenv("PGDATABASE", name.c_str(), 1);
    session inside;
    ::setenv("PGDATABASE", "postgres", 1);
    inside.query("CREATE SCHEMA \"Odd schema\"; CREATE EXTENSION numpool SCHEMA \"Odd schema\"");
    client.create("y", 1);
    numpool::lease held = client.open("y").acquire();
    auto waiting = late.open("y").acquire_future();
    held.release();
    CHECK(waiting.get().index() == 0);
    client.open("y").with_lock([] {});
  }
  CHECK(eventually([&] { return admin.try_query("DROP DATABASE " + name).empty(); }));
}
