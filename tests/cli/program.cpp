#include "program.h"

#include <algorithm>
#include <atomic>

#include "support/folder.h"

namespace numpool_test {

namespace {

Words command(const Words& arguments) {
  Words all{"build/numpool"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

}  // namespace

Numpool::Numpool(const Words& arguments, const ProgramSetup& setup)
    : Program(command(arguments), setup) {}

Result run(const Words& arguments, const ProgramSetup& setup) {
  Numpool started(arguments, setup);
  const int status = started.wait();
  return {status, started.out(), started.err()};
}

std::string temporary_name(const std::string& name) {
  static const std::string folder = new_folder("cli");
  static std::atomic<int> count{0};
  return folder + "/" + name + "." + std::to_string(++count);
}

int lines(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace numpool_test
