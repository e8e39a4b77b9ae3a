// The notifications' JSON.

#include "notification.hpp"

#include "fixture.hpp"

using numpool::detail::parse_notification;

TEST_CASE("a grant, a drop and a loss are understood") {
  auto grant = parse_notification(R"({"ticket":17,"pool":"gpu","index":3,"fence":812})");
  REQUIRE(grant);
  CHECK(*grant->ticket == 17);
  CHECK(*grant->pool == "gpu");
  CHECK(*grant->index == 3);
  CHECK(*grant->fence == 812);
  CHECK_FALSE(grant->error);

  auto drop = parse_notification(R"( { "ticket" : 17 , "pool" : "gpu", "error":"dropped" } )");
  REQUIRE(drop);
  CHECK(*drop->error == "dropped");
  CHECK_FALSE(drop->index);

  auto loss = parse_notification(R"({"pool":"gpu","index":3,"fence":812,"error":"dropped"})");
  REQUIRE(loss);
  CHECK_FALSE(loss->ticket);
}

TEST_CASE("escapes become UTF-8") {
  auto read = parse_notification(R"({"pool":"\"\\\/\b\f\n\r\tA\u00e4\u20AC\ud83d\ude00"})");
  REQUIRE(read);
  CHECK(*read->pool == "\"\\/\b\f\n\r\tA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST_CASE("unknown members are skipped") {
  auto read = parse_notification(
      R"({"a":"x","ticket":9223372036854775807,"b":null,"c":true,"d":false,"e":-5})");
  REQUIRE(read);
  CHECK(*read->ticket == 9223372036854775807);
  CHECK(parse_notification("{}"));
}

TEST_CASE("what is malformed is refused") {
  for (const char* text : {"",
                           " ",
                           "x",
                           "[]",
                           "null",
                           "17",
                           "{",
                           "}",
                           "{\"ticket\"}",
                           "{\"ticket\":}",
                           "{\"ticket\":1,}",
                           "{\"ticket\":1}x",
                           "{\"ticket\":1 \"pool\":\"x\"}",
                           "{ticket:1}",
                           "{\"ticket\":1.5}",
                           "{\"ticket\":1e5}",
                           "{\"ticket\":01}",
                           "{\"ticket\":-01}",
                           "{\"ticket\":+1}",
                           "{\"ticket\":-}",
                           "{\"ticket\":9223372036854775808}",
                           "{\"ticket\":\"1\"}",
                           "{\"ticket\":1,\"ticket\":2}",
                           "{\"pool\":1}",
                           "{\"pool\":\"x}",
                           "{\"pool\":\"\\x\"}",
                           "{\"pool\":\"\\u12\"}",
                           "{\"pool\":\"\\u12g4\"}",
                           "{\"pool\":\"\\ud800\"}",
                           "{\"pool\":\"\\ud800\\u0041\"}",
                           "{\"pool\":\"\\udc00\"}",
                           "{\"pool\":\"a\nb\"}",
                           "{\"pool\":\"\\",
                           "{\"a\":{}}",
                           "{\"a\":[1]}",
                           "{\"a\":nul}",
                           "{,}",
                           "{\"a\":1,,\"b\":2}"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_notification(text));
  }
}

TEST_CASE("every prefix and every changed byte of a payload is survived") {
  const std::string whole = R"({"ticket":17,"pool":"g\u00e4\ud83d\ude00","index":3,"fence":812})";
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK_FALSE(parse_notification(whole.substr(0, length)));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[at] = static_cast<char>(byte);
      parse_notification(changed);
    }
  }
}
