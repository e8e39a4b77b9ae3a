// The mix `edges`: `torture_edges --help`. tests/torture/run calls it as it calls the others.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>

#include "torture/edges/edges.h"

using namespace numpool_test;

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  try {
    auto edges = std::make_unique<Edges>(options);
    const bool sound = edges->run();
    std::fflush(stdout);
    if (sound) return 0;
    // A thread that hangs has been told of, and must not keep the program.
    [[maybe_unused]] const Edges* left = edges.release();
    _exit(1);
  } catch (const std::exception& error) {
    std::printf("  VIOLATION or no server: %s\n", error.what());
    std::fflush(stdout);
    _exit(1);
  }
}
