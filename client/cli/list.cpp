#include "commands.hpp"
#include "json.hpp"
#include "text.hpp"

namespace numpool::cli {

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
  return 0;
}

}  // namespace numpool::cli
