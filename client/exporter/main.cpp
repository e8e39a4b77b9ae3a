// numpool-exporter: metrics, and a page, of the pools of a database.

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "access.hpp"
#include "connection.hpp"
#include "database.hpp"
#include "failure.hpp"
#include "http_server.hpp"
#include "service.hpp"
#include "settings.hpp"

namespace numpool::exporter {
namespace {

volatile std::sig_atomic_t told_to_end = 0;
volatile std::sig_atomic_t told_to_reload = 0;

void on_signal(int number) {
  if (number == SIGHUP)
    told_to_reload = 1;
  else
    told_to_end = 1;
}

/// Signals come only while the program waits.  Returns the mask for that.
sigset_t catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigset_t caught;
  sigemptyset(&caught);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaction(number, &action, nullptr);
    sigaddset(&caught, number);
  }
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t before;
  sigprocmask(SIG_BLOCK, &caught, &before);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigdelset(&before, number);
  return before;
}

timespec time_until(std::optional<steady_time> deadline) {
  using namespace std::chrono;
  const auto left = deadline ? *deadline - now() : hours(1);
  const auto time = std::max<nanoseconds>(left, nanoseconds(0));
  return {static_cast<time_t>(duration_cast<seconds>(time).count()),
          static_cast<long>((time % seconds(1)).count())};
}

void reload(access& guard) {
  told_to_reload = 0;
  try {
    guard.reload();
  } catch (const cli::failure& e) {
    cli::complain(std::string(e.what()) + "; the old token stays");
  }
}

void serve(access& guard, database& source, http_server& server) {
  const sigset_t while_waiting = catch_signals();
  std::string said;
  while (told_to_end == 0) {
    if (told_to_reload != 0) reload(guard);
    std::vector<pollfd> polled;
    server.add_polled(&polled);
    source.add_polled(&polled);
    auto deadline = server.next_deadline();
    const auto other = source.next_deadline();
    if (other && (!deadline || *other < *deadline)) deadline = other;
    const timespec time = time_until(deadline);
    if (ppoll(polled.data(), polled.size(), &time, &while_waiting) < 0) {
      if (errno == EINTR) continue;
      cli::throw_errno("poll");
    }
    server.go_on(polled);
    source.go_on();
    server.answer_waiting();
    // Once for each trouble.
    if (source.error() != said && !source.error().empty()) cli::complain(source.error());
    said = source.error();
  }
}

int run(const std::vector<std::string>& words) {
  const settings given = parse_settings(words);
  if (given.text) {
    std::fputs(given.text->c_str(), stdout);
    return cli::kSuccess;
  }
  database source(cli::connection_string(given.url, "numpool-exporter", cli::process_environment),
                  given.prefix);
  service* answers = nullptr;
  http_server server(given.address, given.port,
                     [&](const http_call& call) { return answers->answer(call); });
  access guard(given, server.port());
  service paths(guard, source);
  answers = &paths;
  // At once, so that a role that must not be used is told of at the start.
  source.pools(now());
  const bool is_v6 = given.address.find(':') != std::string::npos;
  std::printf("listening on http://%s%s%s:%d/\n", is_v6 ? "[" : "", given.address.c_str(),
              is_v6 ? "]" : "", server.port());
  std::fflush(stdout);
  serve(guard, source, server);
  return cli::kSuccess;
}

}  // namespace
}  // namespace numpool::exporter

int main(int argc, char** argv) {
  numpool::cli::set_program_name("numpool-exporter");
  return numpool::cli::catch_all([&] {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return numpool::exporter::run(words);
  });
}
