// with_lock(): numpool_xact_lock on a connection of its own.

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include <numpool/pool.hpp>

#include "pg_connecting.hpp"
#include "engine.hpp"
#include "io_answer_watch.hpp"

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
    // A pooler may begin with answers that another client has left behind.
    const result own = run("SELECT '" + link_.mark() + "'");
    if (detail::field(own, 0, 0) != link_.mark())
      error(error_kind::connection_lost,
            "a connection pooler has given this connection the answers of another client", "08006")
          .raise();
  }

  /// A statement that a server which is there answers at once, so one that does not is lost after
  /// the heartbeat's limit. Throws the server's error, error_kind::connection_lost or
  /// error_kind::client_closed.
  result run(const std::string& sql) {
    std::optional<clock::time_point> deadline;
    if (watches_liveness()) deadline = clock::now() + engine_.options().heartbeat_limit;
    send(sql, nullptr);
    return answer([&](short events) {
      if (!wait(engine_, link_.socket(), events, deadline))
        error(error_kind::connection_lost, "the server does not answer").raise();
    });
  }

  /// A statement that may take its time, and has one parameter.
  void run_long(const detail::statement& what, const std::string& schema,
                const std::string& value) {
    const result own = run("SELECT pg_catalog.pg_backend_pid()");
    const int backend = static_cast<int>(detail::integer_field(own, 0, 0).value_or(0));
    detail::answer_watch watch(engine_.options().heartbeat_interval,
                               engine_.options().heartbeat_limit);
    watch.heard();
    send(detail::text_of(what, schema), &value);
    answer([&](short events) {
      while (!watched_wait(events, watch, what, backend)) continue;
      watch.heard();
    });
  }

 private:
  bool watches_liveness() const { return engine_.options().heartbeat_interval.count() > 0; }

  void send(const std::string& sql, const std::string* value) {
    const char* values[] = {value != nullptr ? value->c_str() : nullptr};
    if (PQsendQueryParams(link_.handle(), sql.c_str(), value != nullptr ? 1 : 0, nullptr, values,
                          nullptr, nullptr, 0) != 1)
      fail();
  }

  /// `pause` waits for these events of the socket.
  result answer(const std::function<void(short)>& pause) {
    result last;
    while (true) {
      bool more = false;
      if (!link_.flush(&more)) return checked(std::move(last));
      while (PQisBusy(link_.handle()) == 0) {
        result part(PQgetResult(link_.handle()));
        if (!part) return checked(std::move(last));
        if (!has_sqlstate(last)) last = std::move(part);  // the first error tells most
      }
      pause(static_cast<short>(POLLIN | (more ? POLLOUT : 0)));
      if (!link_.consume()) return checked(std::move(last));
    }
  }

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

  /// Whether the socket is ready now. Throws error_kind::connection_lost too.
  bool watched_wait(short events, detail::answer_watch& watch, const detail::statement& what,
                    int backend) {
    if (!watches_liveness()) return wait(engine_, link_.socket(), events, std::nullopt);
    const pollfd side{watch.socket(), watch.events(), 0};
    const bool at_once = watch.asking() && watch.socket() < 0;
    const auto until = at_once ? clock::now() : watch.next_event();
    bool side_ready = false;
    if (wait(engine_, link_.socket(), events, until, side, &side_ready)) return true;
    if (!watch.asking()) {
      detail::connection_parameters there = engine_.parameters();
      there.keep_host(link_.host(), link_.port());
      watch.look(there, backend, &what);
      return false;
    }
    const auto verdict = watch.go_on(side_ready || at_once, backend != link_.announced_pid());
    if (verdict != detail::answer_watch::verdict::fine)
      error(error_kind::connection_lost, detail::reason_of(verdict)).raise();
    return false;
  }

  /// False once the deadline is past, or something happened at `side`. Throws
  /// error_kind::client_closed.
  static bool wait(const detail::engine& owner, int socket, short events,
                   std::optional<clock::time_point> deadline, pollfd side = {-1, 0, 0},
                   bool* side_ready = nullptr) {
    while (true) {
      pollfd fds[3] = {{socket, events, 0}, {owner.closed_fd(), POLLIN, 0}, side};
      int timeout = -1;
      if (deadline) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - clock::now());
        timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3600000));
      }
      const int ready = ::poll(fds, 3, timeout);
      if (ready > 0 && fds[1].revents != 0) detail::client_closed_error().raise();
      if (ready > 0 && fds[0].revents != 0) return true;
      if (ready > 0) {
        *side_ready = true;
        return false;
      }
      // Only now: who did not run for a while hears first what has come.
      if (ready == 0 && deadline && clock::now() >= *deadline) return false;
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
  static std::shared_ptr<detail::engine> with_sessions(const std::shared_ptr<detail::engine>& of) {
    of->need_own_session();
    return of;
  }
  explicit impl(const pool& locked) : engine(with_sessions(locked.engine_)), link(*engine) {
    constexpr detail::statement kLock{"SELECT {}numpool_xact_lock($1)"};
    const std::string schema = find_schema(link);
    // All that is set is set for the transaction alone: a pooler may give the session to others.
    link.run("BEGIN");
    link.run(detail::kNoTimeLimitsHere);
    link.run(detail::kServerKeepalivesHere);
    link.run_long(kLock, schema, locked.name());
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
