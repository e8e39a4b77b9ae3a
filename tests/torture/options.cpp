#include "options.h"

#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <random>

namespace numpool_test {

namespace {

const char kHelp[] =
    "torture --mix NAME [OPTION]...\n"
    "Lets many sessions use a few pools while faults happen, writes down what each asked and got,\n"
    "and decides afterwards whether a promise was broken. The server is where libpq's environment\n"
    "says; tests/torture/run starts one for each mix.\n"
    "  --list            print the names of the mixes\n"
    "  --seed N          of all that is chosen at random (default: a new one, which is printed)\n"
    "  --seconds N       how long the load runs (default 60)\n"
    "  --operations N    at least so many operations, however long they take\n"
    "  --workers N       sessions that load (default: as the mix has it)\n"
    "  --history FOLDER  keep the logs there\n"
    "  --check FOLDER    run nothing, but judge the logs there\n";

std::int64_t number(const char* option, const char* text, std::int64_t most) {
  char* end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < 0 || value > most) {
    std::fprintf(stderr, "torture: --%s %s: not a number from 0 to %lld\n", option, text,
                 static_cast<long long>(most));
    std::exit(2);
  }
  return value;
}

}  // namespace

Options read_options(int argc, char** argv) {
  static const option kOptions[] = {
      {"mix", required_argument, nullptr, 'm'},     {"seed", required_argument, nullptr, 's'},
      {"seconds", required_argument, nullptr, 't'}, {"operations", required_argument, nullptr, 'o'},
      {"workers", required_argument, nullptr, 'w'}, {"history", required_argument, nullptr, 'h'},
      {"check", required_argument, nullptr, 'c'},   {"list", no_argument, nullptr, 'l'},
      {"help", no_argument, nullptr, '?'},          {nullptr, 0, nullptr, 0}};
  Options options;
  for (;;) {
    const int one = getopt_long(argc, argv, "", kOptions, nullptr);
    if (one == -1) break;
    if (one == 'm') options.mix = optarg;
    if (one == 's') options.seed = static_cast<unsigned>(number("seed", optarg, 4294967295));
    if (one == 't') options.seconds = static_cast<int>(number("seconds", optarg, 1000000));
    if (one == 'o') options.operations = number("operations", optarg, 1000000000000);
    if (one == 'w') options.workers = static_cast<int>(number("workers", optarg, 60));
    if (one == 'h') options.history = optarg;
    if (one == 'c') options.check = optarg;
    if (one == 'l') options.list = true;
    if (one == '?') {
      std::fputs(kHelp, stderr);
      std::exit(2);
    }
  }
  if (optind != argc || (options.mix.empty() && options.check.empty() && !options.list)) {
    std::fputs(kHelp, stderr);
    std::exit(2);
  }
  while (options.seed == 0) options.seed = std::random_device()();
  return options;
}

}  // namespace numpool_test
