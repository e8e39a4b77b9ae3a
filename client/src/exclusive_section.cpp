// with_lock(): numpool_xact_lock on a connection of its own.

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include <numpool/pool.hpp>

#include "pg_connecting.hpp"
#include "engine.hpp"

namespace numpool {

namespace {

using clock = std::chrono::steady_clock;
using detail::connection;
using detail::result;

/// A connection that one thread uses alone, statement by statement, and that close() of the client
/// interrupts.
class lone_connection {
 public:
  explicit lone_connection(detail::engine& owner) : engine_(owner), link_(connect(owner)) {
    if (PQsetnonblocking(link_.handle(), 1) != 0)
      error(error_kind::cannot_connect, link_.message()).raise();
  }

  /// Throws the server's error, error_kind::connection_lost or error_kind::client_closed. `quick`:
  /// a server that is there answers at once, so one that does not is lost after the heartbeat's
  /// limit.
  result run(const std::string& sql, const std::string* value = nullptr, bool quick = true) {
    std::optional<clock::time_point> deadline;
    if (quick && engine_.options().heartbeat_interval.count() > 0)
      deadline = clock::now() + engine_.options().heartbeat_limit;
    const char* values[] = {value != nullptr ? value->c_str() : nullptr};
    if (PQsendQueryParams(link_.handle(), sql.c_str(), value != nullptr ? 1 : 0, nullptr, values,
                          nullptr, nullptr, 0) != 1)
      fail();
    result last;
    while (true) {
      bool more = false;
      if (!link_.flush(&more)) return checked(std::move(last));
      while (PQisBusy(link_.handle()) == 0) {
        result part(PQgetResult(link_.handle()));
        if (!part) return checked(std::move(last));
        if (!has_sqlstate(last)) last = std::move(part);  // the first error tells most
      }
      if (!wait(engine_, link_.socket(), static_cast<short>(POLLIN | (more ? POLLOUT : 0)),
                deadline))
        error(error_kind::connection_lost, "the server does not answer").raise();
      if (!link_.consume()) return checked(std::move(last));
    }
  }

 private:
  static connection connect(const detail::engine& owner) {
    using detail::connecting;
    connecting attempt(owner.parameters(), owner.time_per_host());
    auto outcome = connecting::outcome::pending;
    while (outcome == connecting::outcome::pending) {
      const bool ready = attempt.socket() < 0 ||
                         wait(owner, attempt.socket(), attempt.events(), attempt.deadline());
      outcome = attempt.go_on(ready);
    }
    if (outcome == connecting::outcome::failed) attempt.failure().raise();
    return attempt.take();
  }

  static bool has_sqlstate(const result& part) {
    return part && PQresultErrorField(part.get(), PG_DIAG_SQLSTATE) != nullptr;
  }

  /// The server's last words, if it said any before it closed the connection; else that it is lost.
  [[noreturn]] void fail() const {
    while (const result part{PQgetResult(link_.handle())})
      if (has_sqlstate(part)) detail::error_from(part).raise();
    error(error_kind::connection_lost,
          "the connection that held the lock was lost: " + link_.message())
        .raise();
  }

  result checked(result last) const {
    if (has_sqlstate(last)) detail::error_from(last).raise();
    if (link_.broken() || !last) fail();
    const auto status = PQresultStatus(last.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) detail::error_from(last).raise();
    return last;
  }

  /// False once the deadline is past. Throws error_kind::client_closed.
  static bool wait(const detail::engine& owner, int socket, short events,
                   std::optional<clock::time_point> deadline) {
    while (true) {
      pollfd fds[2] = {{socket, events, 0}, {owner.closed_fd(), POLLIN, 0}};
      int timeout = -1;
      if (deadline) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - clock::now());
        if (left.count() <= 0) return false;
        timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 3600000));
      }
      const int ready = ::poll(fds, 2, timeout);
      if (ready > 0 && fds[1].revents != 0) detail::client_closed_error().raise();
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR)
        throw error(error_kind::server, "poll: " + std::string(std::strerror(errno)), "58000");
    }
  }

  detail::engine& engine_;
  connection link_;
};

std::string find_schema(lone_connection& link) {
  const result found = link.run(detail::kFindSchema.sql);
  const auto schema = detail::field(found, 0, 0);
  if (!schema) detail::not_installed().raise();
  return std::string(*schema);
}

}  // namespace

struct pool::section_guard::impl {
  explicit impl(const pool& locked) : engine(locked.engine_), link(*engine) {
    constexpr detail::statement kLock{"SELECT {}numpool_xact_lock($1)"};
    const std::string sql = detail::text_of(kLock, find_schema(link));
    // All that is set is set for the transaction alone: a pooler may give the session to others.
    link.run("BEGIN");
    link.run(detail::kNoTimeLimitsHere);
    link.run(detail::kServerKeepalivesHere);
    link.run(sql, &locked.name(), false);
  }

  const std::shared_ptr<detail::engine> engine;  // outlives the connection
  lone_connection link;
};

pool::section_guard::section_guard(const pool& locked) : impl_(std::make_unique<impl>(locked)) {}

pool::section_guard::~section_guard() =
    default;  // closing the connection rolls back, which unlocks

void pool::section_guard::leave() {
  try {
    impl_->link.run("COMMIT");
  } catch (const error& why) {
    if (why.kind() != error_kind::connection_lost) throw;
    error(why.kind(), std::string("the lock was lost: ") + why.what(), why.sqlstate(), why.detail(),
          why.hint())
        .raise();
  }
}

}  // namespace numpool
