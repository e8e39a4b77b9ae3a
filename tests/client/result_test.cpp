// How the server's answers are read.
#include <doctest/doctest.h>

#include <string>

#include "pg_result.hpp"

using namespace numpool::detail;

namespace {

result with_value(std::string text) {
  result made(PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK));
  char name[] = "value";
  PGresAttDesc column = {};
  column.name = name;
  PQsetResultAttrs(made.get(), 1, &column);
  PQsetvalue(made.get(), 0, 0, text.data(), static_cast<int>(text.size()));
  return made;
}

integer_triple read(const std::string& text) {
  return composite_field(with_value(text), 0, 0);
}

}  // namespace

TEST_CASE("result: a composite value of three integers") {
  CHECK(read("(17,,)") == integer_triple{17, std::nullopt, std::nullopt});
  CHECK(read("(,0,849357989850497)") == integer_triple{std::nullopt, 0, 849357989850497});
  CHECK(read("(-1,2,3)") == integer_triple{-1, 2, 3});
  for (const char* text : {"", "(", "()", "(1,2)", "(1,2,3,4)", "1,2,3", "(1,x,3)", "(1, 2,3)",
                           "(1,2,99999999999999999999)"}) {
    CAPTURE(text);
    CHECK(read(text) == integer_triple{});
  }
  CHECK(composite_field(nullptr, 0, 0) == integer_triple{});
}
