// The command line of the torture program.
#pragma once

#include <cstdint>
#include <string>

namespace numpool_test {

struct Options {
  std::string mix;
  unsigned seed = 0;  // 0: a new one
  int seconds = 60;
  std::int64_t operations = 0;  // at least so many, however long it takes
  int workers = 0;              // 0: as the mix has it
  std::string history;          // folder for the logs; "": one that is removed if all is well
  std::string check;            // folder of logs to be judged again, instead of a run
  bool list = false;
};

// Exits with a message if the command line is wrong or asks for help.
Options read_options(int argc, char** argv);

}  // namespace numpool_test
