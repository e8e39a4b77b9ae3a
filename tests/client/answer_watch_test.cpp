// What the watch over an answer makes of what a backend does, without a client.

#include <poll.h>

#include <unistd.h>

#include <cstdlib>

#include "fixture.hpp"
#include "io_answer_watch.hpp"

using numpool::detail::answer_watch;
using clk = std::chrono::steady_clock;
using verdict = answer_watch::verdict;

namespace {

constexpr std::chrono::milliseconds kInterval{200};
constexpr std::chrono::milliseconds kLimit{1500};

/// The watch over a backend from which nothing comes.
class watcher {
 public:
  watcher(int backend, const char* sql, const std::string& conninfo = "")
      : backend_(backend), what_{sql}, there_(conninfo) {
    watch_.heard();
  }

  /// What it comes to, within the time.
  verdict within(std::chrono::milliseconds time) {
    const auto until = clk::now() + time;
    while (clk::now() < until) {
      watch_.look(there_, backend_, &what_);
      pollfd fd = {watch_.socket(), watch_.events(), 0};
      const bool ready = ::poll(&fd, 1, 10) > 0;
      if (!watch_.asking() || (!ready && clk::now() < watch_.next_event())) continue;
      const verdict now = watch_.go_on(ready, false);
      if (now != verdict::fine) return now;
    }
    return verdict::fine;
  }

 private:
  const int backend_;
  const numpool::detail::statement what_;
  const numpool::detail::connection_parameters there_;
  answer_watch watch_{kInterval, kLimit};
};

/// Long enough for all that takes the limit.
constexpr std::chrono::milliseconds kLong = 10 * kLimit;

bool is_active(session& watch, const session& other) {
  return watch.query("SELECT state FROM pg_stat_activity WHERE pid = " +
                     std::to_string(other.pid())) == "active";
}

}  // namespace

TEST_CASE_FIXTURE(fixture, "a backend that waits in a queue for many limits is at work") {
  client.create_or_open(id, 1);
  numpool::lease held = client.open(id).acquire();
  session waiter;
  waiter.send("SELECT numpool_acquire('" + id + "')");
  watcher watch(waiter.pid(), "SELECT {}numpool_acquire($1)");
  CHECK(watch.within(kLong) == verdict::fine);
  // It is granted the number, and the answer does not come.
  held.release();
  CHECK(watch.within(kLong) == verdict::answer_lost);
  CHECK(waiter.answer() == "0");
}

TEST_CASE_FIXTURE(fixture, "a backend that is idle, in a transaction or not, is not at work") {
  session other;
  CHECK(watcher(other.pid(), "SELECT {}x()").within(kLong) == verdict::answer_lost);
  other.query("BEGIN");
  CHECK(watcher(other.pid(), "BEGIN").within(kLong) == verdict::answer_lost);
  other.try_query("SELECT 1/0");
  CHECK(watcher(other.pid(), "SELECT 1/0").within(kLong) == verdict::answer_lost);
}

TEST_CASE_FIXTURE(fixture, "a backend that waits for its client is not at work") {
  session other;
  other.query("CREATE TEMP TABLE t (n int)");
  REQUIRE(PQsendQuery(other.handle(), "COPY t FROM STDIN") == 1);
  CHECK(watcher(other.pid(), "COPY t").within(kLong) == verdict::answer_lost);
}

TEST_CASE_FIXTURE(fixture, "a backend at another statement works for somebody else") {
  session other, look;
  other.send("SELECT pg_sleep(60)");
  REQUIRE(eventually([&] { return is_active(look, other); }));
  CHECK(watcher(other.pid(), "SELECT pg_sleep({}").within(4 * kLimit) == verdict::fine);
  CHECK(watcher(other.pid(), "SELECT pg_slept({}").within(kLong) == verdict::answer_lost);
  look.query("SELECT pg_cancel_backend(" + std::to_string(other.pid()) + ")");
}

TEST_CASE_FIXTURE(fixture, "a backend that began anew after a while works for somebody else") {
  session other, look;
  watcher watch(other.pid(), "SELECT pg_sleep({}");
  std::this_thread::sleep_for(kLimit);
  other.send("SELECT pg_sleep(60)");
  REQUIRE(eventually([&] { return is_active(look, other); }));
  CHECK(watch.within(kLong) == verdict::answer_lost);
  look.query("SELECT pg_cancel_backend(" + std::to_string(other.pid()) + ")");
}

TEST_CASE_FIXTURE(fixture, "a backend that is gone is gone at the first look") {
  session look;
  std::optional<session> other(std::in_place);
  const int pid = other->pid();
  other.reset();
  REQUIRE(eventually([&] {
    return look.query("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(pid)) ==
           "0";
  }));
  const auto start = clk::now();
  CHECK(watcher(pid, "SELECT 1").within(kLong) == verdict::backend_gone);
  CHECK(took_at_most(kLimit, start));
}

TEST_CASE_FIXTURE(fixture, "where it cannot be seen, that the backend is there is enough") {
  session other, look;
  other.query("SET track_activities = off");
  CHECK(watcher(other.pid(), "SELECT {}x()").within(4 * kLimit) == verdict::fine);
  session seen;
  const std::string role = "stranger" + std::to_string(::getpid());
  look.query("CREATE ROLE " + role + " LOGIN");
  CHECK(watcher(seen.pid(), "SELECT {}x()", "user=" + role).within(4 * kLimit) == verdict::fine);
  look.query("DROP ROLE " + role);
}

TEST_CASE_FIXTURE(fixture, "a server that refuses to answer refutes nothing and shows nothing") {
  session other, look;
  const std::string role = "full" + std::to_string(::getpid());
  look.query("CREATE ROLE " + role + " LOGIN CONNECTION LIMIT 0");
  CHECK(watcher(other.pid(), "SELECT {}x()", "user=" + role).within(4 * kLimit) == verdict::fine);
  look.query("DROP ROLE " + role);
}
