#include "commands.hpp"

namespace numpool::cli {

int run_resize(const arguments& args) {
  client server(options_for(args));
  server.resize(*args.pool, args.size);
  return 0;
}

}  // namespace numpool::cli
