#include "commands.hpp"
#include "failure.hpp"

namespace numpool::cli {

int run_drop(const arguments& args) {
  client server(options_for(args));
  const bool existed =
      server.drop(*args.pool, args.force ? drop_mode::force : drop_mode::if_unused);
  if (!existed && !args.if_exists) {
    throw failure(kRefused, "pool \"" + *args.pool + "\" does not exist");
  }
  return 0;
}

}  // namespace numpool::cli
