#include <doctest/doctest.h>

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <string>

#include "cli/connection.hpp"
#include "cli/failure.hpp"

using namespace numpool::cli;

namespace {

using variables = std::map<std::string, std::string>;

std::string connect_with(const std::string& url, const variables& env) {
  return connection_string(url, "numpool", [&](const char* name) -> std::optional<std::string> {
    const auto found = env.find(name);
    return found == env.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

/// What libpq reads out of the string.
variables parsed(const std::string& text) {
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(text.c_str(), nullptr), &PQconninfoFree);
  REQUIRE(options);
  variables out;
  for (auto* o = options.get(); o->keyword; ++o) {
    if (o->val) out[o->keyword] = o->val;
  }
  return out;
}

int refusal(const std::string& url) {
  try {
    connect_with(url, {});
    return 0;
  } catch (const failure& e) {
    CHECK(std::string(e.what()).find("secret") == std::string::npos);
    return e.code();
  }
}

}  // namespace

TEST_CASE("nothing set: the documented defaults") {
  CHECK(parsed(connect_with("", {})) == variables{{"host", "localhost"},
                                                  {"port", "5432"},
                                                  {"user", "postgres"},
                                                  {"dbname", "postgres"},
                                                  {"application_name", "numpool"}});
}

TEST_CASE("what is set in PG* is left to libpq") {
  CHECK(parsed(connect_with("", {{"PGHOST", "/run/pg"}, {"PGUSER", "me"}, {"PGAPPNAME", "x"}})) ==
        variables{{"port", "5432"}, {"dbname", "postgres"}});
  CHECK(parsed(connect_with("", {{"PGHOSTADDR", "::1"}})).count("host") == 0);
  CHECK(parsed(connect_with("", {{"PGSERVICE", "prod"}})) ==
        variables{{"application_name", "numpool"}});
}

TEST_CASE("an empty variable counts as not set") {
  CHECK(parsed(connect_with("", {{"PGHOST", ""}, {"DATABASE_URL", ""}}))["host"] == "localhost");
}

TEST_CASE("DATABASE_URL before PG*, --url before both") {
  const variables env{{"DATABASE_URL", "postgresql://u:p%27w@h1:1,h2:2/d?sslmode=disable"},
                      {"PGHOST", "other"}};
  CHECK(parsed(connect_with("", env)) == variables{{"user", "u"},
                                                   {"password", "p'w"},
                                                   {"host", "h1,h2"},
                                                   {"port", "1,2"},
                                                   {"dbname", "d"},
                                                   {"sslmode", "disable"},
                                                   {"application_name", "numpool"}});
  const auto given = parsed(connect_with("host=h3 application_name=mine", env));
  CHECK(given == variables{{"host", "h3"}, {"application_name", "mine"}});
}

TEST_CASE("values are quoted") {
  const variables env{{"DATABASE_URL", "host=h password='a\\'b\\\\c d'"}};
  CHECK(parsed(connect_with("", env))["password"] == "a'b\\c d");
}

TEST_CASE("what is no connection string is refused without being repeated") {
  CHECK(refusal("secret") == kUsage);
  CHECK(refusal("postgresql://u:secret@[::1/d") == kUsage);
  CHECK(refusal("nokey=secret") == kUsage);
  CHECK(refusal(std::string("host=a\0secret", 13)) == kUsage);
}
