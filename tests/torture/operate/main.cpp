// The mix `operate`: `torture_operate --help`. tests/torture/run calls it as it calls the others.
#include <signal.h>

#include <cstdio>
#include <exception>
#include <filesystem>

#include "torture/operate/operate.h"

using namespace numpool_test;

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  try {
    if (!options.history.empty()) std::filesystem::create_directories(options.history);
    return operate::Operate(options).run() ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("  VIOLATION or no server: %s\n", error.what());
    return 1;
  }
}
