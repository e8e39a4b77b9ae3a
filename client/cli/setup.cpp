#include "commands.hpp"

namespace numpool::cli {

int run_setup(const arguments& args) {
  client server(options_for(args));
  server.setup();
  return 0;
}

}  // namespace numpool::cli
