#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>

#include "child.hpp"

int main(int argc, char** argv) {
  if (const char* role = std::getenv("NUMPOOL_TEST_CHILD")) return run_child(role);
  return doctest::Context(argc, argv).run();
}
