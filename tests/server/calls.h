// The statements the tests send most.
#pragma once

#include <string>

#include "support/pool.h"
#include "support/session.h"

namespace numpool_test {

inline std::string call(const char* function, const Pool& pool, const std::string& more = "") {
  return "SELECT numpool_" + std::string(function) + "(" + pool.q() +
         (more.empty() ? "" : ", " + more) + ")";
}

// `timeout` is an interval, such as "5 s".
inline std::string acquire(const Pool& pool, const std::string& timeout = "") {
  return call("acquire", pool, timeout.empty() ? "" : "'" + timeout + "'");
}

inline std::string acquire_xact(const Pool& pool, const std::string& timeout = "") {
  return call("acquire_xact", pool, timeout.empty() ? "" : "'" + timeout + "'");
}

inline std::string try_acquire(const Pool& pool) {
  return call("try_acquire", pool);
}

inline std::string release(const Pool& pool, std::int64_t index) {
  return call("release", pool, std::to_string(index));
}

// With a fence, only the lease that has it.
inline std::string end_lease(const Pool& pool, std::int64_t index = 0,
                             const std::string& fence = "NULL") {
  return call("end_lease", pool, std::to_string(index) + ", " + fence);
}

inline std::string set_service(const Pool& pool, std::int64_t index, bool in_service) {
  return call("set_service", pool, std::to_string(index) + (in_service ? ", true" : ", false"));
}

inline std::string drain(const Pool& pool, bool drain) {
  return call("drain", pool, drain ? "true" : "false");
}

// Three columns: ticket, index, fence.
inline std::string enqueue(const Pool& pool) {
  return "SELECT * FROM numpool_enqueue(" + pool.q() + ")";
}

// Index and fence in one round trip.
inline std::string acquire_with_fence(const Pool& pool) {
  return "SELECT i, numpool_fence(" + pool.q() + ", i) FROM numpool_acquire(" + pool.q() + ") AS i";
}

inline std::int64_t enqueue_ticket(Session& session, const Pool& pool) {
  return *session.number(enqueue(pool));
}

inline std::string poll_state(Session& session, std::int64_t ticket) {
  return session.value("SELECT state FROM numpool_poll(" + std::to_string(ticket) + ")").value();
}

inline std::string cancel(std::int64_t ticket) {
  return "SELECT numpool_cancel(" + std::to_string(ticket) + ")";
}

// Starts a blocking acquire and waits until it is in the queue as number `position`, counted
// from 1.
inline void wait_in_queue(Session& session, const Pool& pool, int position,
                          const std::string& statement = "") {
  session.send(statement.empty() ? acquire(pool) : statement);
  pool.wait_for_waiters(position);
}

// The same for a wait that may be over before a busy machine has seen it, as something else ends it
// soon: in the queue, or past it.
inline void wait_in_queue_for_now(Session& session, const Pool& pool,
                                  const std::string& statement = "") {
  session.send(statement.empty() ? acquire(pool) : statement);
  const std::string waits = "SELECT 1 FROM numpool_waiters WHERE pool = " + pool.q() +
                            " AND pid = " + std::to_string(session.pid());
  if (!eventually([&] { return session.done() || observer().number(waits).has_value(); }))
    throw TestError("process " + std::to_string(session.pid()) + " does not get into the queue");
}

}  // namespace numpool_test
