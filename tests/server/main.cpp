// Tests of the extension that need several connections. The server is where libpq's environment
// says; tests/setup/with-server starts one.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "server/session.h"

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  try {
    numpool_test::observer().must(
        "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS numpool");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "no server to test: %s\n", error.what());
    return 1;
  }
  return context.run();
}
