#include "commands.hpp"

#include <cstdio>

#include "connection.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "patience.hpp"
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
  with_server(args, repeat::may_be_in_doubt, [](client& server) { server.setup(); });
  return kSuccess;
}

int run_create(const arguments& args) {
  if (args.if_not_exists) {
    with_server(args, repeat::may_be_in_doubt, [&](client& server) {
      server.create_or_open(*args.pool, args.size, args.metadata);
    });
  } else {
    with_server(args, repeat::not_in_doubt,
                [&](client& server) { server.create(*args.pool, args.size, args.metadata); });
  }
  return kSuccess;
}

int run_drop(const arguments& args) {
  bool existed = false;
  with_server(args, repeat::not_in_doubt, [&](client& server) {
    existed = server.drop(*args.pool, args.force ? drop_mode::force : drop_mode::if_unused);
  });
  if (!existed && !args.if_exists) {
    throw failure(kRefused, "pool \"" + *args.pool + "\" does not exist");
  }
  return kSuccess;
}

int run_resize(const arguments& args) {
  with_server(args, repeat::may_be_in_doubt,
              [&](client& server) { server.resize(*args.pool, args.size); });
  return kSuccess;
}

int run_list(const arguments& args) {
  std::vector<std::string> names;
  with_server(args, repeat::may_be_in_doubt,
              [&](client& server) { names = server.list(args.prefix); });
  std::string out;
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
