// The mix `timed`: `torture_timed --help`. tests/torture/run calls it as it calls the others.
#include "torture/mix_main.h"
#include "torture/timed/timed.h"

int main(int argc, char** argv) {
  return numpool_test::run_mix<numpool_test::Timed>(argc, argv);
}
