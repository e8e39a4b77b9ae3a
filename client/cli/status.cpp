#include <sys/ioctl.h>
#include <unistd.h>

#include "commands.hpp"
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
  client server(options_for(args));
  if (args.pool) {
    const pool_view view = fetch_pool(server, *args.pool);
    print(args.json ? pool_json(view) : pool_text(view, format_of_output()));
  } else {
    const auto pools = fetch_overview(server);
    print(args.json ? overview_json(pools) : overview_text(pools, format_of_output()));
  }
  return 0;
}

}  // namespace numpool::cli
