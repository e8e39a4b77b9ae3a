// Clients that mean harm, or are broken.
#include <doctest/doctest.h>

#include <list>

#include "exporter.h"

using namespace numpool_test;

namespace {

std::string request(const Exporter& exporter, const std::string& line,
                    const std::string& more = "") {
  return line + "\r\nHost: " + exporter.host() + "\r\n" + more + "\r\n";
}

struct Refused {
  const char* what;
  std::string bytes;
  int status;
};

// Of each, the exporter must say no with that status, and live.
void check_all(Exporter& exporter, const std::vector<Refused>& rows) {
  for (const Refused& row : rows) {
    CAPTURE(row.what);
    const Answer answer = exporter.raw(row.bytes);
    CHECK(answer.status == row.status);
    if (row.status == 405) CHECK(answer.has_header("Allow: GET"));
  }
  CHECK(exporter.get("/healthz").status == 200);
}

}  // namespace

TEST_CASE("hostile: methods, targets and versions") {
  Exporter exporter;
  const auto ask = [&](const std::string& line, const std::string& more = "") {
    return request(exporter, line, more);
  };
  check_all(exporter,
            {{"POST", ask("POST /metrics HTTP/1.1", "Content-Length: 3\r\n") + "a=b", 405},
             {"HEAD", ask("HEAD / HTTP/1.1"), 405},
             {"OPTIONS", ask("OPTIONS * HTTP/1.1"), 405},
             {"absolute form", ask("GET http://evil/ HTTP/1.1"), 400},
             {"no version", ask("GET /"), 400},
             {"HTTP/2", ask("GET / HTTP/2.0"), 505},
             {"no protocol", ask("GET / GOPHER/1.1"), 400},
             {"two blanks", ask("GET / x HTTP/1.1"), 400},
             {"byte above ASCII", ask("GET /\xff HTTP/1.1"), 400},
             {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
             {"traversal", ask("GET /../../etc/passwd HTTP/1.1"), 404},
             {"encoded traversal", ask("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1"), 404},
             {"no pool's name", ask("GET /api/pools/ HTTP/1.1"), 400},
             {"NUL in a name", ask("GET /api/pools/a%00b HTTP/1.1"), 400},
             {"broken escape", ask("GET /api/pools/a%2 HTTP/1.1"), 400},
             {"no UTF-8", ask("GET /api/pools/%ff%fe HTTP/1.1"), 400},
             {"no such pool", ask("GET /api/pools/nobody HTTP/1.1"), 404},
             {"slash behind", ask("GET /metrics/ HTTP/1.1"), 404}});
}

TEST_CASE("hostile: headers") {
  Exporter exporter;
  const std::string host = "Host: " + exporter.host() + "\r\n";
  const std::string get = "GET /healthz HTTP/1.1\r\n";
  std::string many;
  for (int i = 0; i < 65; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  const std::string overlong = "GET /" + std::string(5000, 'a');
  check_all(exporter, {{"overlong line", overlong + " HTTP/1.1\r\n" + host + "\r\n", 414},
                       {"line without an end", overlong, 414},
                       {"65 headers", get + host + many + "\r\n", 431},
                       {"overlong header", get + host + "X: " + std::string(20000, 'a'), 431},
                       {"header without a name", get + host + ": x\r\n\r\n", 400},
                       {"blank behind a name", get + host + "X : y\r\n\r\n", 400},
                       {"folded header", get + host + "X: y\r\n z\r\n\r\n", 400},
                       {"NUL in a header", get + host + std::string("X: a\0b\r\n\r\n", 10), 400},
                       {"bare line feed", get + host + "X: a\nb: c\r\n\r\n", 400},
                       {"body", get + host + "Content-Length: 5\r\n\r\nhello", 400},
                       {"chunks", get + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
                       {"two Authorizations",
                        get + host + "Authorization: a\r\nAuthorization: b\r\n\r\n", 400}});
}

TEST_CASE("hostile: Host, by which a browser that was led here by another name is known") {
  Exporter exporter({"--host", "pools.example"});
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::string port = ":" + std::to_string(exporter.port());
  check_all(exporter,
            {{"none", get + "\r\n", 400},
             {"two", get + "Host: localhost\r\nHost: localhost\r\n\r\n", 400},
             {"empty", get + "Host:\r\n\r\n", 421},
             {"of another", get + "Host: evil.example\r\n\r\n", 421},
             {"with another port", get + "Host: 127.0.0.1:1\r\n\r\n", 421},
             {"that begins right", get + "Host: " + exporter.host() + ".evil.example\r\n\r\n", 421},
             {"in a new shape", get + "Host: 127.1" + port + "\r\n\r\n", 421}});
  for (const std::string& host : {"localhost" + port, std::string("LocalHost"),
                                  std::string("127.0.0.1"), std::string("pools.example")})
    CHECK(exporter.raw(get + "Host: " + host + "\r\n\r\n").status == 200);
}

TEST_CASE("hostile: who is slow is cut, however he drips") {
  Exporter exporter;
  Client silent(exporter.port()), dripping(exporter.port());
  const auto start = Clock::now();
  const std::string bytes = "GET /healthz HTTP/1.1\r\nX: ";
  std::size_t sent = 0;
  Limit limit(60s, start);
  while (!limit.over() && !dripping.closed_within(200ms))
    if (!dripping.send(sent < bytes.size() ? bytes.substr(sent++, 1) : "a")) break;
  CHECK(took_at_most(8s, start));
  CHECK(silent.answer().status == 408);
  CHECK(exporter.get("/healthz").status == 200);
}

TEST_CASE("hostile: a crowd that says nothing keeps others out for seconds at most") {
  Exporter exporter;
  CHECK(exporter.get("/healthz").status == 200);
  std::list<Client> crowd;
  for (int i = 0; i < 100; ++i) crowd.emplace_back(exporter.port());
  const auto start = Clock::now();
  CHECK(exporter.get("/healthz").status == 200);
  CHECK(took_at_most(12s, start));
  CHECK(exporter.program().running());
}

TEST_CASE("hostile: who goes before the answer, or does not read it, harms nobody") {
  Exporter exporter;
  std::list<Client> deaf;
  for (int i = 0; i < 20; ++i) {
    Client gone(exporter.port());
    gone.send(request(exporter, "GET /metrics HTTP/1.1"));
    deaf.emplace_back(exporter.port()).send(request(exporter, "GET / HTTP/1.1"));
  }
  const Answer pipelined = exporter.raw(request(exporter, "GET /healthz HTTP/1.1") +
                                        request(exporter, "GET / HTTP/1.1"));
  CHECK(pipelined.status == 200);
  CHECK(pipelined.body == "ok\n");  // one request a connection
  CHECK(exporter.get("/healthz").status == 200);
}
