#include "commands.hpp"

namespace numpool::cli {

int run_create(const arguments& args) {
  client server(options_for(args));
  if (args.if_not_exists) {
    server.create_or_open(*args.pool, args.size, args.metadata);
  } else {
    server.create(*args.pool, args.size, args.metadata);
  }
  return 0;
}

}  // namespace numpool::cli
