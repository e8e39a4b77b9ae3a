#include "support/run_tests.h"

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

namespace numpool_test {

int run_tests(int argc, char** argv) {
  // Also where it is a file, and std::cout writes through it.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  doctest::Context context;
  context.setOption("duration", true);
  context.applyCommandLine(argc, argv);
  return context.run();
}

}  // namespace numpool_test
