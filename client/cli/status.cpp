#include <sys/ioctl.h>
#include <unistd.h>

#include "commands.hpp"
#include "failure.hpp"
#include "patience.hpp"
#include "view.hpp"

namespace numpool::cli {
namespace {

view_format format_of_output() {
  view_format format;
  format.style = bar_style_of_locale();
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) format.width = size.ws_col;
  return format;
}

}  // namespace

int run_status(const arguments& args) {
  std::string out;
  with_server(args, repeat::may_be_in_doubt, [&](client& server) {
    if (args.pool) {
      const pool_view view = fetch_pool(server, *args.pool);
      out = args.json ? pool_json(view) : pool_text(view, format_of_output());
    } else {
      const auto pools = fetch_overview(server);
      out = args.json ? overview_json(pools) : overview_text(pools, format_of_output());
    }
    if (!args.json) out = standby_notice(server) + out;
  });
  print(out);
  return kSuccess;
}

}  // namespace numpool::cli
