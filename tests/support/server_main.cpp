// Of the programs whose tests need the server that libpq's environment names, with the extension in
// it; tests/setup/with-server starts one.
#include <cstdio>

#include "support/client_process.h"
#include "support/run_tests.h"
#include "support/session.h"

int main(int argc, char** argv) {
  using namespace numpool_test;
  play_client_role();
  try {
    observer().must("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS numpool");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "no server to test: %s\n", error.what());
    return 1;
  }
  return run_tests(argc, argv);
}
