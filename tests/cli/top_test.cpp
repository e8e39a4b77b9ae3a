// top: live, quits on q, restores the terminal.
#include <doctest/doctest.h>

#include <csignal>

#include "support/pool.h"
#include "program.h"
#include "terminal.h"

using namespace numpool_test;

namespace {

constexpr char kEnter[] = "\033[?1049h";
constexpr char kLeave[] = "\033[?1049l";

bool same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_lflag == b.c_lflag;
}

bool ends_restored(Terminal& screen, const termios& before) {
  return eventually(
      [&] {
        const std::string& all = screen.shown();
        const std::size_t left = all.rfind(kLeave);
        return left != std::string::npos && left > all.rfind(kEnter) &&
               same(screen.settings(), before);
      },
      kSoon);
}

Words top_of(const Pool& pool) {
  return {"build/numpool", "top", pool.name(), "--interval", "50ms"};
}

}  // namespace

TEST_CASE("shows a pool, follows it, and quits on q") {
  Pool pool(3);
  Terminal screen;
  const termios before = screen.settings();
  Program top = screen.start(top_of(pool));
  CHECK(screen.shows(kEnter));
  CHECK(screen.shows(pool.name() + ": 3 numbers, 0 in use"));
  CHECK(!same(screen.settings(), before));
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  CHECK(screen.shows("[#..]"));
  CHECK(screen.shows("HELD FOR"));
  screen.type("x");
  CHECK(top.running());
  screen.type("q");
  CHECK(top.wait() == 0);
  CHECK(ends_restored(screen, before));
}

TEST_CASE("all pools") {
  Pool pool(2);
  Terminal screen;
  Program top = screen.start({"build/numpool", "top"});
  CHECK(screen.shows("NUMBERS"));
  CHECK(screen.shows(pool.name()));
  screen.type("Q");
  CHECK(top.wait() == 0);
}

TEST_CASE("a signal or Ctrl-C ends it, with the terminal restored") {
  Pool pool(1);
  for (int number : {SIGTERM, SIGHUP, SIGQUIT, SIGINT}) {
    CAPTURE(number);
    Terminal screen;
    const termios before = screen.settings();
    Program top = screen.start(top_of(pool));
    REQUIRE(screen.shows("1 number"));
    if (number == SIGINT) {
      screen.type("\x03");
    } else {
      top.signal(number);
    }
    CHECK(top.wait() == 128 + number);
    CHECK(ends_restored(screen, before));
  }
}

TEST_CASE("a crash leaves the terminal restored") {
  Pool pool(1);
  for (int number : {SIGSEGV, SIGABRT}) {
    Terminal screen;
    const termios before = screen.settings();
    Program top = screen.start(top_of(pool));
    REQUIRE(screen.shows("1 number"));
    top.signal(number);
    CHECK(top.wait() == 1000 + number);
    CHECK(ends_restored(screen, before));
  }
}

TEST_CASE("Ctrl-Z gives the shell its terminal, fg takes it again") {
  Pool pool(1);
  Terminal screen;
  Program shell = screen.start({"bash", "--norc", "--noprofile", "-i"});
  screen.type("PS1='ready> '; build/numpool top '" + pool.name() + "'\n");
  REQUIRE(screen.shows(kEnter));
  REQUIRE(screen.shows("1 number"));
  screen.type("\x1a");
  CHECK(screen.shows(kLeave));
  CHECK(screen.shows("Stopped"));
  CHECK(screen.shows("ready> "));
  screen.type("fg\n");
  CHECK(screen.shows(kEnter));
  CHECK(screen.shows("1 number"));
  screen.type("q");
  CHECK(screen.shows(kLeave));
  screen.type("echo status $?\n");
  CHECK(screen.shows("status 0"));
  screen.type("exit\n");
  shell.wait();
}

TEST_CASE("the connection goes: it says so or reconnects, and q still works") {
  Pool pool(1);
  Terminal screen;
  Program top = screen.start(top_of(pool));
  REQUIRE(screen.shows("1 number"));
  observer().text(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE application_name = 'numpool top'");
  CHECK(eventually(
      [&] {
        return observer().number(
                   "SELECT count(*) FROM pg_stat_activity "
                   "WHERE application_name = 'numpool top'") == 1;
      },
      kSoon));
  screen.shown();
  CHECK(screen.shows("1 number"));
  screen.type("q");
  CHECK(top.wait() == 0);
}

TEST_CASE("a dropped pool is reported in place") {
  Pool pool(1);
  Terminal screen;
  Program top = screen.start(top_of(pool));
  REQUIRE(screen.shows("1 number"));
  observer().text("SELECT numpool_drop($1)", {pool.name()});
  CHECK(screen.shows("not up to date: "));
  CHECK(screen.shows("does not exist"));
  screen.type("q");
  CHECK(top.wait() == 0);
}

TEST_CASE("it is cut to the screen, and follows its size") {
  Pool pool(3);
  // As wide as the name and a part of what comes after it.
  Terminal screen(4, static_cast<int>(pool.name().size()) + 13);
  Program top = screen.start(top_of(pool));
  CHECK(screen.shows(pool.name() + ": 3 number"));
  CHECK(screen.shown().find("granted") == std::string::npos);
  screen.resize(24, 80);
  CHECK(screen.shows("granted"));
  screen.type("q");
  CHECK(top.wait() == 0);
}

TEST_CASE("without a terminal, or without the pool") {
  const Result r = run({"top"});
  CHECK(r.status == 64);
  CHECK(lines(r.err) == 1);
  CHECK(r.out.empty());
  Terminal screen;
  Program top = screen.start({"build/numpool", "top", "no such pool"});
  CHECK(top.wait() == 1);
  CHECK(screen.shown().find(kEnter) == std::string::npos);
  CHECK(screen.shows("does not exist"));
}
