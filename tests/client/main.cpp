#include <cstdlib>

#include "child.hpp"
#include "support/run_tests.h"

int main(int argc, char** argv) {
  if (const char* role = std::getenv("NUMPOOL_TEST_CHILD")) return run_child(role);
  return numpool_test::run_tests(argc, argv);
}
