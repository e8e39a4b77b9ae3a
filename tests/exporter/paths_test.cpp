// What the exporter tells, of a real server, and to whom.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "exporter.h"
#include "support/pool.h"

using namespace numpool_test;
using nlohmann::json;

namespace {

constexpr char kToken[] = "a-token-of-this-test-0123456789";

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token + "\r\n";
}

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

std::string value_of(const char* variable) {
  const char* value = std::getenv(variable);
  REQUIRE(value != nullptr);
  return value;
}

// A session with a name in the views.
struct Named : Session {
  Named() : Session("application_name=secret_application") {}
};

}  // namespace

TEST_CASE("metrics: figures of the pools, in both formats") {
  Pool pool(3, "metrics");
  Session holder, waiter;
  holder.must("SELECT numpool_acquire(" + pool.q() + ") FROM generate_series(1, 3)");
  waiter.send("SELECT numpool_acquire(" + pool.q() + ")");
  pool.wait_for_waiters(1);
  Exporter exporter;
  const std::string label = "{pool=\"" + pool.name() + "\"}";
  const Answer text = exporter.get("/metrics");
  CHECK(text.status == 200);
  CHECK(text.has_header("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  CHECK(has_line(text.body, "numpool_pool_size" + label + " 3"));
  CHECK(has_line(text.body, "numpool_pool_in_use" + label + " 3"));
  CHECK(has_line(text.body, "numpool_pool_waiting" + label + " 1"));
  CHECK(has_line(text.body, "# TYPE numpool_pool_grants_total counter"));
  CHECK(has_line(text.body, "numpool_pool_grants_total" + label + " 3"));
  CHECK(text.body.find("# EOF") == std::string::npos);

  holder.must("SELECT numpool_release(" + pool.q() + ", 0)");
  waiter.finish();
  observer().must("SELECT pg_sleep(1.1)");  // an answer may be a second old
  const Answer open = exporter.get("/metrics", "Accept: application/openmetrics-text\r\n");
  CHECK(
      open.has_header("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
  CHECK(has_line(open.body, "# TYPE numpool_pool_grants counter"));
  CHECK(has_line(open.body, "numpool_pool_grants_total" + label + " 4"));
  CHECK(has_line(open.body, "# UNIT numpool_pool_wait_seconds seconds"));
  const std::string bucket = "numpool_pool_wait_seconds_bucket{pool=\"" + pool.name();
  CHECK(has_line(open.body, bucket + "\",le=\"+Inf\"} 1"));
  CHECK(has_line(open.body, bucket + "\",le=\"0.0001\"} 0"));
  CHECK(open.body.substr(open.body.size() - 6) == "# EOF\n");
  CHECK(has_line(open.body, "numpool_up 1"));
}

TEST_CASE("metrics and JSON: what is not given is not free") {
  Pool pool(4, "kept back");
  const std::string label = "{pool=\"" + pool.name() + "\"}";
  observer().must("SELECT numpool_set_service(" + pool.q() + ", 3, false)");
  Exporter exporter;
  std::string text = exporter.get("/metrics").body;
  CHECK(has_line(text, "numpool_pool_free" + label + " 3"));
  CHECK(has_line(text, "numpool_pool_out_of_service" + label + " 1"));
  CHECK(has_line(text, "numpool_pool_drained" + label + " 0"));
  observer().must("SELECT numpool_configure(" + pool.q() + R"(, '{"cooldown": "1 h"}'))");
  observer().must("SELECT numpool_acquire(" + pool.q() + ")");
  observer().must("SELECT numpool_release(" + pool.q() + ", 0)");
  observer().must("SELECT numpool_drain(" + pool.q() + ", true)");
  observer().must("SELECT pg_sleep(1.1)");  // an answer may be a second old
  text = exporter.get("/metrics").body;
  CHECK(has_line(text, "numpool_pool_free" + label + " 0"));
  CHECK(has_line(text, "numpool_pool_resting" + label + " 1"));
  CHECK(has_line(text, "numpool_pool_out_of_service" + label + " 3"));
  CHECK(has_line(text, "numpool_pool_drained" + label + " 1"));
  const json pools = json::parse(exporter.get("/api/pools").body)["pools"];
  const auto same = std::find_if(pools.begin(), pools.end(),
                                 [&](const json& one) { return one["pool"] == pool.name(); });
  REQUIRE(same != pools.end());
  CHECK((*same)["drained"] == true);
  CHECK((*same)["resting"] == 1);
  CHECK((*same)["out_of_service"] == 3);
}

TEST_CASE("one pool: names are for the token alone, also on loopback") {
  Pool pool(1, "who");
  Named holder, waiter;
  holder.must("SELECT numpool_acquire(" + pool.q() + ")");
  waiter.send("SELECT numpool_acquire(" + pool.q() + ")");
  pool.wait_for_waiters(1);
  Exporter exporter({"--token-file", file_with(std::string(kToken) + "\n")});
  const std::string path = "/api/pools/" + pool.name();

  const Answer plain = exporter.get(path);
  CHECK(plain.status == 200);
  CHECK(plain.body.find("secret_application") == std::string::npos);
  CHECK(plain.body.find("postgres") == std::string::npos);
  const json without = json::parse(plain.body);
  CHECK(without["names"] == false);
  CHECK(without["leases"][0]["pid"] == holder.pid());
  CHECK(without["waiters"][0]["pid"] == waiter.pid());
  CHECK(without["waiting"] == 1);

  const json with = json::parse(exporter.get(path, bearer(kToken)).body);
  CHECK(with["names"] == true);
  CHECK(with["leases"][0]["application"] == "secret_application");
  CHECK(with["leases"][0]["user"] == "postgres");
  CHECK(with["waiters"][0]["application"] == "secret_application");

  for (const std::string& wrong :
       {bearer("another-token-0123456789"), bearer(""), bearer(std::string(kToken) + "x"),
        bearer(std::string(kToken).substr(1)), std::string("Authorization: Basic YTpi\r\n")}) {
    CAPTURE(wrong);
    const Answer refused = exporter.get(path, wrong);
    CHECK(refused.status == 401);
    CHECK(refused.has_header("WWW-Authenticate: Bearer"));
    CHECK(refused.body.find("leases") == std::string::npos);
  }
}

TEST_CASE("a new token counts from SIGHUP on, and a broken file leaves the old one") {
  const std::string file = file_with(kToken);
  Exporter exporter({"--token-file", file});
  const auto accepts = [&](const std::string& token) {
    return exporter.get("/api/pools", bearer(token)).status == 200;
  };
  CHECK(accepts(kToken));
  const std::string other = "another-token-of-this-test-01234";
  std::rename(file_with(other).c_str(), file.c_str());
  exporter.program().signal(SIGHUP);
  CHECK(eventually([&] { return accepts(other) && !accepts(kToken); }));
  std::rename(file_with("short").c_str(), file.c_str());
  exporter.program().signal(SIGHUP);
  CHECK(eventually([&] { return !exporter.program().err().empty(); }));
  CHECK(accepts(other));
}

TEST_CASE("names of pools are taken and told as they are") {
  const std::vector<std::string> names = {
      "<script>alert(1)</script>", "quote\"back\\slash",    "line\nbreak", "sla/sh ? # %41",
      "\xe2\x80\xaeright to left", "tab\tand \x01 control", "caf\xc3\xa9", "../../etc/passwd"};
  Session maker;
  const auto quoted = [&](const std::string& name) {
    return maker.text("SELECT quote_literal($1::text)", {name});
  };
  for (const std::string& name : names)
    maker.must("SELECT numpool_create(" + quoted(name) + ", 2)");
  Exporter exporter;
  for (const std::string& name : names) {
    CAPTURE(name);
    std::string path = "/api/pools/";
    for (const char c : name) {
      char escape[4];
      std::snprintf(escape, sizeof escape, "%%%02X", static_cast<unsigned char>(c));
      path += escape;
    }
    const Answer one = exporter.get(path);
    REQUIRE(one.status == 200);
    CHECK(json::parse(one.body)["pool"] == name);
    CHECK(one.has_header("Content-Type: application/json"));
    CHECK(one.has_header("X-Content-Type-Options: nosniff"));
    maker.must("SELECT numpool_drop(" + quoted(name) + ")");
  }
}

TEST_CASE("only the pools of a prefix are shown, taken literally") {
  Pool inside(1, "a%_in"), outside(1, "b_out");
  Exporter exporter({"--pools", "a%_"});
  const std::string body = exporter.get("/api/pools").body;
  CHECK(body.find("\"" + inside.name() + "\"") != std::string::npos);
  CHECK(body.find(outside.name()) == std::string::npos);
  CHECK(exporter.get("/api/pools/" + outside.name()).status == 404);
  CHECK(exporter.get("/metrics").body.find(outside.name()) == std::string::npos);
}

TEST_CASE("of more than a thousand pools the rest is left out, and that is told") {
  observer().must("SELECT numpool_create('many ' || n, 1) FROM generate_series(1, 1005) AS n");
  {
    Exporter exporter({"--pools", "many "});
    CHECK(has_line(exporter.get("/metrics").body, "numpool_exporter_pools_left_out 5"));
    CHECK(json::parse(exporter.get("/api/pools").body)["pools"].size() == 1000);
  }
  observer().must("SELECT numpool_drop('many ' || n) FROM generate_series(1, 1005) AS n");
}

TEST_CASE("the page: no figures, no outside assets, a nonce of its own each time") {
  Pool pool(1, "unseen");
  Exporter exporter;
  const Answer first = exporter.get("/"), second = exporter.get("/");
  CHECK(first.status == 200);
  CHECK(first.has_header("Content-Type: text/html; charset=utf-8"));
  CHECK(first.body.find(pool.name()) == std::string::npos);
  CHECK(first.body.find("@NONCE@") == std::string::npos);
  CHECK(first.body != second.body);
  CHECK(first.head.find("\r\nContent-Security-Policy: default-src 'none'; script-src 'nonce-") !=
        std::string::npos);
  for (const char* forbidden : {"http://", "https://", "innerHTML", "outerHTML", "insertAdjacent",
                                "document.write", "eval(", " src=", "style=\"", "onclick="})
    CHECK_MESSAGE(first.body.find(forbidden) == std::string::npos, forbidden);
}

TEST_CASE("healthz tells whether the database answers, and metrics that it does not") {
  Exporter exporter({"--url", "user=" + monitor_role() + " port=1"});
  CHECK(exporter.get("/healthz").status == 503);
  const Answer metrics = exporter.get("/metrics");
  CHECK(metrics.status == 200);
  CHECK(has_line(metrics.body, "numpool_up 0"));
  CHECK(metrics.body.find("numpool_pool") == std::string::npos);
  CHECK(exporter.get("/api/pools").status == 503);
  CHECK(exporter.program().running());
  Exporter healthy;
  CHECK(healthy.get("/healthz").body == "ok\n");
}

TEST_CASE("a backend that is ended is replaced, and nobody who asks then is told that it was") {
  Exporter exporter;
  CHECK(exporter.get("/healthz").status == 200);
  const std::string backends = " FROM pg_stat_activity WHERE application_name = 'numpool-exporter'";
  const std::string first = observer().text("SELECT pid" + backends);
  observer().must("SELECT pg_sleep(1.1)");  // an answer may be a second old
  observer().must("SELECT pg_terminate_backend(pid)" + backends);
  REQUIRE(eventually([&] { return !exporter.program().err().empty(); }));
  CHECK(has_line(exporter.get("/metrics").body, "numpool_up 1"));
  const std::string second = observer().text("SELECT pid" + backends);
  CHECK(second != "");
  CHECK(second != first);
}

TEST_CASE("of several hosts one that is silent is passed") {
  const Listener silent;
  Exporter exporter({"--url", "user=" + monitor_role() + " host='127.0.0.1," + value_of("PGHOST") +
                                  "' port=" + std::to_string(silent.port()) + "," +
                                  value_of("PGPORT") + " connect_timeout=2"});
  CHECK(exporter.get("/healthz").status == 200);
}

TEST_CASE("numbers that are out of service, or rest, are told of beside the leases") {
  Pool pool(4, "withheld");
  Session holder;
  holder.must("SELECT numpool_acquire(" + pool.q() + ")");
  observer().must("SELECT numpool_set_service(" + pool.q() + ", 2, false)");
  const auto withheld = [&] {
    Exporter exporter;
    return json::parse(exporter.get("/api/pools/" + pool.name()).body)["withheld"];
  };
  CHECK(withheld() == json::parse(R"([{"index": 2, "state": "out of service"}])"));
  observer().must("SELECT numpool_drain(" + pool.q() + ", true)");
  CHECK(withheld().size() == 3);
}

TEST_CASE("a superuser, and who may not monitor, are refused") {
  observer().must("DROP ROLE IF EXISTS numpool_nobody");
  observer().must("CREATE ROLE numpool_nobody LOGIN");
  for (const std::string role : {"postgres", "numpool_nobody"}) {
    CAPTURE(role);
    Program program({"build/numpool-exporter", "--listen", "127.0.0.1:0", "--url", "user=" + role});
    CHECK(program.wait() == 1);
    CHECK(program.err().find("role \"" + role + "\" is ") != std::string::npos);
  }
  observer().must("DROP ROLE numpool_nobody");
}

TEST_CASE("wrong arguments are refused at the start, in one line") {
  struct Row {
    Words arguments;
    int status;
    std::string says;
  };
  const std::string short_token = file_with("short");
  const std::string open_token = file_with(kToken, 0644);
  const Words there{"--listen", "127.0.0.1:0", "--token-file"};
  const auto with = [&](const std::string& file) {
    Words words = there;
    words.push_back(file);
    return words;
  };
  for (const Row& row :
       {Row{{"--listen", "0.0.0.0:0"}, 64, "--token-file"},
        Row{{"--listen", "nowhere:0"}, 64, "--token-file"},
        Row{{"--listen", "nowhere:0", "--token-file", file_with(kToken)}, 64, "no address"},
        Row{{"--listen", "127.0.0.1:70000"}, 64, "65535"}, Row{with(short_token), 64, "16 to 1024"},
        Row{with(open_token), 64, "open to everybody"}, Row{with("/nonexistent"), 70, "token file"},
        Row{{"--nonsense"}, 64, "--nonsense"}}) {
    CAPTURE(row.says);
    Words words{"build/numpool-exporter"};
    words.insert(words.end(), row.arguments.begin(), row.arguments.end());
    Program program(words);
    CHECK(program.wait() == row.status);
    const std::string err = program.err();
    CHECK(err.find(row.says) != std::string::npos);
    CHECK(err.compare(0, 18, "numpool-exporter: ") == 0);
    CHECK(err.find('\n') == err.size() - 1);
  }
}

TEST_CASE("SIGTERM ends it") {
  Exporter exporter;
  CHECK(exporter.get("/healthz").status == 200);
  exporter.program().signal(SIGTERM);
  CHECK(exporter.program().wait() == 0);
}
