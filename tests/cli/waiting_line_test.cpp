// What a long wait says, and to whom.
#include <doctest/doctest.h>

#include <csignal>

#include "support/pool.h"
#include "program.h"
#include "terminal.h"

using namespace numpool_test;

namespace {

using std::chrono::milliseconds;

/// Everything said until the first number is taken.
std::string place(const Pool& pool, int position) {
  return "waiting for \"" + pool.name() + "\": position " + std::to_string(position) +
         ", 1 of 1 in use, longest held by postgres (holder) in session ";
}

void hold(Session& holder, const Pool& pool) {
  holder.text("SET application_name = 'holder'");
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
}

}  // namespace

TEST_CASE("on a terminal: place, number in use, longest holder; erased when its turn comes") {
  Pool pool(1);
  Session holder;
  hold(holder, pool);
  Numpool first({"run", pool.name(), "--", "true"});
  REQUIRE(pool.waiters_become(1, kSoon));
  Terminal screen(24, 200);
  Program waiting = screen.start({"build/numpool", "run", pool.name(), "--", "echo", "my turn"});
  REQUIRE(pool.waiters_become(2, kSoon));
  CHECK(screen.shows(place(pool, 2) + std::to_string(pool.holder())));
  CHECK(screen.shows(" for "));
  first.signal(SIGTERM);
  CHECK(first.wait() == 128 + SIGTERM);
  CHECK(screen.shows(place(pool, 1)));
  holder.text("SELECT numpool_release_all()");
  CHECK(screen.shows("\r\033[K"));
  CHECK(screen.shows("my turn"));
  CHECK(waiting.wait() == 0);
  const std::string& all = screen.shown();
  CHECK(all.find('\n') >= all.find("my turn"));  // one line, painted again and again
}

TEST_CASE("on a narrow terminal it stays on one line") {
  Pool pool(1);
  Session holder;
  hold(holder, pool);
  Terminal screen(24, 40);
  Program waiting = screen.start({"build/numpool", "wait", pool.name()});
  CHECK(screen.shows("waiting for \"" + pool.name()));
  CHECK(screen.shows("~\033[K"));
  CHECK(screen.shown().find("longest held") == std::string::npos);
  holder.text("SELECT numpool_release_all()");
  CHECK(waiting.wait() == 0);
}

TEST_CASE("nothing in the first second, and nothing where nobody asked") {
  Pool pool(1);
  {
    Terminal screen;
    Program quick = screen.start({"build/numpool", "run", pool.name(), "--", "echo", "done"});
    CHECK(quick.wait() == 0);
    CHECK(screen.shows("done"));
    CHECK(screen.shown().find("waiting") == std::string::npos);
  }
  Session holder;
  hold(holder, pool);
  Numpool waiting({"run", pool.name(), "--timeout", "2500ms", "--", "true"});
  CHECK(waiting.wait() == 75);
  CHECK(waiting.err() ==
        "numpool: timed out waiting for a number of pool \"" + pool.name() + "\"\n");
}

TEST_CASE("-v: a line when something has happened") {
  Pool pool(1);
  Session holder;
  hold(holder, pool);
  Numpool first({"wait", pool.name()});
  REQUIRE(pool.waiters_become(1, kSoon));
  Numpool waiting({"run", "-v", pool.name(), "--", "true"});
  REQUIRE(pool.waiters_become(2, kSoon));
  REQUIRE(eventually([&] { return lines(waiting.err()) == 1; }, kSoon));
  CHECK(waiting.err().find("numpool: " + place(pool, 2)) == 0);
  first.signal(SIGKILL);
  REQUIRE(eventually([&] { return lines(waiting.err()) == 2; }, kSoon));
  CHECK(waiting.err().find("numpool: " + place(pool, 1)) != std::string::npos);
  // The time goes on, and that is no news.
  CHECK(!eventually([&] { return lines(waiting.err()) > 2; }, milliseconds(2500)));
  holder.text("SELECT numpool_release_all()");
  CHECK(waiting.wait() == 0);
}

TEST_CASE("-v: that there is no server, and why") {
  Numpool waiting({"run", "-v", "any", "--timeout", "3s", "--", "true"},
                  {{{"PGHOST", "127.0.0.1"}, {"PGPORT", "1"}}, "", -1});
  CHECK(waiting.wait() == 75);
  CHECK(lines(waiting.err()) == 2);
  CHECK(waiting.err().find("numpool: waiting for the server: ") == 0);
  CHECK(waiting.err().find("Connection refused") != std::string::npos);
  Numpool listing({"list", "-v", "--connect-timeout", "2500ms"},
                  {{{"PGHOST", "127.0.0.1"}, {"PGPORT", "1"}}, "", -1});
  CHECK(listing.wait() == 69);
  CHECK(listing.err().find("numpool: waiting for the server: ") == 0);
}
