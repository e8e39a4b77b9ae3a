// run: in a terminal.
#include <doctest/doctest.h>

#include <csignal>

#include "support/pool.h"
#include "program.h"
#include "terminal.h"

using namespace numpool_test;

namespace {

Program shell_in(Terminal& screen) {
  Program shell = screen.start({"bash", "--norc", "--noprofile", "-i"});
  // The prompt is put together so that what is typed does not look like it.
  screen.type("P=ready; PS1=\"$P> \"; set +o history\n");
  REQUIRE(screen.shows("ready> "));
  return shell;
}

std::string run_line(const Pool& pool, const std::string& command) {
  return "build/numpool run '" + pool.name() + "' -- " + command + "\n";
}

void leave(Terminal& screen, Program& shell) {
  screen.type("exit\n");
  shell.wait();
}

}  // namespace

TEST_CASE("the command has the terminal: it reads keys, and Ctrl-C is for it alone") {
  Pool pool(1);
  Terminal screen;
  Program shell = shell_in(screen);
  screen.type(run_line(pool,
                       "sh -c 'trap \"echo got INT; exit 6\" INT; echo gr\"\"oup $$; sleep 0.3; "
                       "read x; echo \"read $x\"; while :; do sleep 0.02; done'"));
  REQUIRE(screen.shows("group "));
  REQUIRE(screen.shows("\r\n"));
  const std::string& all = screen.shown();
  const pid_t command = std::stoi(all.substr(all.rfind("group ") + 6));
  CHECK(screen.foreground() == command);
  screen.type("hello\n");
  REQUIRE(screen.shows("read hello"));
  screen.type("\x03");
  CHECK(screen.shows("got INT"));
  CHECK(screen.shows("ready> "));
  screen.type("echo status $?\n");
  CHECK(screen.shows("status 6"));
  CHECK(pool.in_use() == 0);
  leave(screen, shell);
}

TEST_CASE("Ctrl-Z stops the job, fg and bg continue it; the number is held meanwhile") {
  Pool pool(1);
  Terminal screen;
  Program shell = shell_in(screen);
  screen.type(run_line(pool, "cat"));
  REQUIRE(pool.in_use_becomes(1, kSoon));
  screen.type("one\n");
  REQUIRE(screen.shows("one\r\none"));
  for (int round = 0; round < 3; ++round) {
    screen.type("\x1a");
    REQUIRE(screen.shows("Stopped"));
    REQUIRE(screen.shows("ready> "));
    CHECK(pool.in_use() == 1);
    if (round == 2) {
      screen.type("bg\n");  // cat asks for the terminal and is stopped again
      REQUIRE(screen.shows("ready> "));
    }
    screen.type("fg\n");
    REQUIRE(screen.shows("build/numpool run"));
    screen.type("two\n");
    REQUIRE(screen.shows("two\r\ntwo"));
  }
  screen.type("\x04");
  REQUIRE(screen.shows("ready> "));
  screen.type("echo status $?\n");
  CHECK(screen.shows("status 0"));
  CHECK(pool.in_use() == 0);
  leave(screen, shell);
}

TEST_CASE("in a pipeline the others keep the terminal until the command asks for it") {
  Pool pool(1);
  Terminal screen;
  Program shell = shell_in(screen);
  screen.type("build/numpool run '" + pool.name() +
              "' -- sh -c 'read x; echo \"read $x\"' | sed -u 's/^/piped /'\n");
  REQUIRE(pool.in_use_becomes(1, kSoon));
  screen.type("hello\n");
  CHECK(screen.shows("piped read hello"));
  CHECK(screen.shows("ready> "));
  leave(screen, shell);
}

TEST_CASE("Ctrl-C in a pipeline reaches the command by way of us") {
  Pool pool(1);
  Terminal screen;
  Program shell = shell_in(screen);
  screen.type("build/numpool run '" + pool.name() +
              "' -- sleep 60 | cat; echo ${PIPESTATUS[0]}.\n");
  REQUIRE(pool.in_use_becomes(1, kSoon));
  screen.type("\x03");
  CHECK(screen.shows("ready> "));
  CHECK(pool.in_use_becomes(0, kSoon));
  leave(screen, shell);
}

TEST_CASE("Ctrl-C while waiting") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Terminal screen;
  Program shell = shell_in(screen);
  screen.type(run_line(pool, "echo not me"));
  REQUIRE(pool.waiters_become(1, kSoon));
  screen.type("\x03");
  REQUIRE(screen.shows("ready> "));
  screen.type("echo status $?\n");
  CHECK(screen.shows("status 130"));
  CHECK(pool.waiting() == 0);
  leave(screen, shell);
}

TEST_CASE("without a shell that could continue it, Ctrl-Z does not leave it stopped") {
  Pool pool(1);
  Terminal screen;
  Program running = screen.start({"build/numpool", "run", pool.name(), "--", "cat"});
  REQUIRE(pool.in_use_becomes(1, kSoon));
  screen.type("one\n");
  REQUIRE(screen.shows("one\r\none"));
  screen.type("\x1a");
  screen.type("two\n");
  CHECK(screen.shows("two\r\ntwo"));
  screen.type("\x04");
  CHECK(running.wait() == 0);
}

TEST_CASE("a lost lease gives the terminal back") {
  Pool pool(1);
  Terminal screen;
  Program shell = shell_in(screen);
  screen.type(run_line(pool, "cat"));
  REQUIRE(pool.in_use_becomes(1, kSoon));
  screen.type("one\n");
  REQUIRE(screen.shows("one\r\none"));
  observer().text("SELECT pg_terminate_backend($1)", {std::to_string(pool.holder())});
  REQUIRE(screen.shows("the lease was lost"));
  REQUIRE(screen.shows("ready> "));
  screen.type("echo status $?\n");
  CHECK(screen.shows("status 74"));
  leave(screen, shell);
}
