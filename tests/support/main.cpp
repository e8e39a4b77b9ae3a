// Of the programs that need nothing but their tests.
#include "support/run_tests.h"

int main(int argc, char** argv) {
  return numpool_test::run_tests(argc, argv);
}
