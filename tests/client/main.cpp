#include <cstdlib>

#include "child.hpp"
#include "support/run_tests.h"
#include "tuning.hpp"

int main(int argc, char** argv) {
  if (const char* role = std::getenv("NUMPOOL_TEST_CHILD")) return run_child(role);
  numpool::detail::tuned.longest_pause = std::chrono::milliseconds(200);
  return numpool_test::run_tests(argc, argv);
}
