// main() of a mix that is a program of its own.
#pragma once

#include <signal.h>

#include <cstdio>
#include <exception>
#include <filesystem>

#include "torture/options.h"

namespace numpool_test {

// `Mix` is made of the options; its run() is true if nothing was found.
template <typename Mix>
int run_mix(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  try {
    if (!options.history.empty()) std::filesystem::create_directories(options.history);
    return Mix(options).run() ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("  VIOLATION or no server: %s\n", error.what());
    return 1;
  }
}

}  // namespace numpool_test
