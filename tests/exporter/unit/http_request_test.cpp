// Heads of requests, in whatever pieces they come.
#include "http_request.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace numpool::exporter;

TEST_CASE("a head is whole with its last byte, and not before") {
  const std::string bytes =
      "GET /api/pools/a%20b?x=1 HTTP/1.1\r\nhost:  localhost \r\nACCEPT: a\r\nAccept: b\r\n"
      "Authorization: Bearer x\r\nContent-Length: 0\r\n\r\n";
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK(read_head(bytes.substr(0, length)).is == http_head::state::incomplete);
  const http_head head = read_head(bytes);
  REQUIRE(head.is == http_head::state::whole);
  CHECK(head.request.path == "/api/pools/a%20b");
  CHECK(head.request.host == "localhost");
  CHECK(head.request.accept == "a,b");
  CHECK(head.request.authorization == "Bearer x");
}

TEST_CASE("the longest line and the most headers are taken, one more is not") {
  const auto status = [](std::size_t line, std::size_t headers) {
    std::string bytes = "GET /" + std::string(line - 14, 'a') + " HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < headers; ++i) bytes += "a: b\r\n";
    const http_head head = read_head(bytes + "\r\n");
    return head.is == http_head::state::whole ? 200 : head.status;
  };
  CHECK(status(kMaxRequestLine, kMaxHeaders) == 200);
  CHECK(status(kMaxRequestLine + 1, 1) == 414);
  CHECK(status(100, kMaxHeaders + 1) == 431);
}

TEST_CASE("percent-encoding and UTF-8") {
  CHECK(percent_decoded("a%2Fb%e2%82%ac") == "a/b\xe2\x82\xac");
  for (const char* broken : {"%", "%4", "%zz", "a%00"}) CHECK_FALSE(percent_decoded(broken));
  for (const char* sound :
       {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(sound));
  for (const char* broken : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                             "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xff", "\xe2\x82"})
    CHECK_FALSE(is_utf8(broken));
}
