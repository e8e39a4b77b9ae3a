#include "commands.hpp"

#include <cstdio>

#include "connection.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "text.hpp"

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

int run_setup(const arguments& args) {
  client server(options_for(args));
  server.setup();
  return kSuccess;
}

int run_create(const arguments& args) {
  client server(options_for(args));
  if (args.if_not_exists) {
    server.create_or_open(*args.pool, args.size, args.metadata);
  } else {
    server.create(*args.pool, args.size, args.metadata);
  }
  return kSuccess;
}

int run_drop(const arguments& args) {
  client server(options_for(args));
  const bool existed =
      server.drop(*args.pool, args.force ? drop_mode::force : drop_mode::if_unused);
  if (!existed && !args.if_exists) {
    throw failure(kRefused, "pool \"" + *args.pool + "\" does not exist");
  }
  return kSuccess;
}

int run_resize(const arguments& args) {
  client server(options_for(args));
  server.resize(*args.pool, args.size);
  return kSuccess;
}

int run_list(const arguments& args) {
  client server(options_for(args));
  std::string out;
  const auto names = server.list(args.prefix);
  if (args.json) {
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + json_string(name);
    out = "[" + out + "]\n";
  } else {
    // A name may have a line break in it, so even here it is escaped; --json is exact.
    for (const auto& name : names) out += printable(name) + "\n";
  }
  print(out);
  return kSuccess;
}

}  // namespace numpool::cli
