// The mix `operate`: `torture_operate --help`. tests/torture/run calls it as it calls the others.
#include "torture/mix_main.h"
#include "torture/operate/operate.h"

int main(int argc, char** argv) {
  return numpool_test::run_mix<numpool_test::operate::Operate>(argc, argv);
}
