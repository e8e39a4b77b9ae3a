// Running build/numpool from a test.
#pragma once

#include <string>

#include "support/program.h"

namespace numpool_test {

// For what the command does at once.
constexpr auto kSoon = 10s;

// The command under way.
class Numpool : public Program {
 public:
  explicit Numpool(const Words& arguments, const ProgramSetup& setup = {});
};

struct Result {
  int status;
  std::string out;
  std::string err;
};

// Runs it to its end.
Result run(const Words& arguments, const ProgramSetup& setup = {});

// A name in a folder that is removed at the end of the test run.
std::string temporary_name(const std::string& name);

// How many lines of `text` there are, each ended by a newline.
int lines(const std::string& text);

}  // namespace numpool_test
