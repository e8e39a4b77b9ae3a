// Tests of the extension that need several connections. The server is where libpq's environment
// says; tests/setup/with-server starts one.
#include <cstdio>

#include "server/session.h"
#include "support/run_tests.h"

int main(int argc, char** argv) {
  try {
    numpool_test::observer().must(
        "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS numpool");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "no server to test: %s\n", error.what());
    return 1;
  }
  return numpool_test::run_tests(argc, argv);
}
