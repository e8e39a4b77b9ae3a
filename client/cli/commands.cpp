#include "commands.hpp"

#include <cstdio>

#include "connection.hpp"
#include "failure.hpp"

namespace numpool::cli {

client_options options_for(const arguments& args, const char* application) {
  client_options options;
  options.conninfo = connection_string(args.url, application, process_environment);
  return options;
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw_errno("cannot write to standard output");
  }
}

}  // namespace numpool::cli
