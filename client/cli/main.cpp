// The command `numpool`.
#include <clocale>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "commands.hpp"
#include "failure.hpp"

namespace numpool::cli {

namespace {

int dispatch(const arguments& args) {
  switch (args.what) {
    case verb::none:
      print(args.text);
      return kSuccess;
    case verb::setup:
      return run_setup(args);
    case verb::create:
      return run_create(args);
    case verb::drop:
      return run_drop(args);
    case verb::resize:
      return run_resize(args);
    case verb::list:
      return run_list(args);
    case verb::status:
      return run_status(args);
    case verb::top:
      return run_top(args);
    case verb::wait:
      return run_wait(args);
    case verb::metadata_get:
      return run_metadata_get(args);
    case verb::metadata_set:
      return run_metadata_set(args);
    case verb::run:
      return run_run(args);
    case verb::lease:
      return run_lease(args);
    case verb::renew:
      return run_renew(args);
    case verb::release:
      return run_release(args);
    case verb::end_lease:
      return run_end_lease(args);
    case verb::service:
      return run_service(args);
    case verb::drain:
      return run_drain(args);
    case verb::slots:
      return run_slots(args);
    case verb::grant:
      return run_grant(args);
    case verb::revoke:
      return run_revoke(args);
    case verb::owner:
      return run_owner(args);
    case verb::configure:
      return run_configure(args);
  }
  return kInternal;
}

}  // namespace
}  // namespace numpool::cli

int main(int argc, char** argv) {
  // For the character set only: numbers and dates stay as they are everywhere.
  std::setlocale(LC_CTYPE, "");
  return numpool::cli::catch_all([&] {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return numpool::cli::dispatch(numpool::cli::parse_arguments(words));
  });
}
