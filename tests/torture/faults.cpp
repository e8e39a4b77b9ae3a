#include "torture/faults.h"

#include <signal.h>

namespace numpool_test {

namespace {

bool is_lost(Session& session) {
  try {
    return !session.run("SELECT 1").ok;
  } catch (const TestError&) {
    return true;
  }
}

}  // namespace

Session connect_in_time(const std::string& more) {
  const auto end = Clock::now() + 300s;
  for (;;) {
    try {
      return Session("connect_timeout=100 " + more);
    } catch (const TestError&) {
      if (Clock::now() > end) throw;
      nap(20ms);
    }
  }
}

std::optional<Time> kill_some_backend(const Server& server, Session& session) {
  const auto victim = session.run(
      "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
      "backend_type IN ('client backend', 'numpool clerk') ORDER BY random() LIMIT 1");
  if (!victim.ok || !victim.number()) return std::nullopt;
  const Time asked = now();
  const pid_t pid = static_cast<pid_t>(*victim.number());
  if (!server.signal_backend(pid, SIGKILL)) return std::nullopt;
  eventually([&] { return !server.has_backend(pid); });  // now the postmaster knows
  if (!eventually([&] { return is_lost(session); }, 5s)) return std::nullopt;
  return asked;
}

void keep_looking(const std::atomic<bool>& goes_on, Milliseconds pause,
                  const std::function<void(Session&)>& look) {
  while (goes_on) {
    try {
      Session session = connect_in_time();
      while (goes_on) {
        look(session);
        nap(pause);
      }
    } catch (const TestError&) {
      nap(20ms);
    }
  }
}

std::int64_t numbers_given(Session& session, const std::string& pool, int size) {
  const auto given =
      session.number("SELECT count(DISTINCT i) FROM (SELECT numpool_try_acquire(" + pool +
                     ") AS i FROM generate_series(0, " + std::to_string(size) + ")) AS tries");
  session.must("SELECT numpool_release_all()");
  return given.value_or(-1);
}

}  // namespace numpool_test
