#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <numpool/cancellation.hpp>
#include <numpool/export.hpp>

namespace numpool {
inline namespace v1 {

/// A lease that ended against its holder's will.
struct lost_lease {
  std::string pool;
  int index = 0;           ///< 0-based
  std::int64_t fence = 0;  ///< of the lost lease; whoever gets the index next has a larger one
  std::string reason;  ///< in English, such as "connection lost", "pool dropped", "ended by force"
};

/// How long a call waits for a number, and what ends the wait early. The same for every way of
/// waiting: blocking, callback and future.
///
///     pool.acquire();                                // for ever
///     pool.acquire({2s});                            // for two seconds
///     pool.acquire({deadline, source.token()});      // until then, or until cancelled
struct wait_options {
  wait_options() noexcept = default;
  wait_options(cancellation_token token) noexcept  // NOLINT: a token alone is what one often has
      : cancellation(std::move(token)) {}
  template <class Rep, class Period>
  wait_options(std::chrono::duration<Rep, Period> at_most,  // NOLINT: for acquire({2s})
               cancellation_token token = {})
      : timeout(limited(at_most)), cancellation(std::move(token)) {}
  /// A time of another clock than std::chrono::steady_clock is read as of now.
  template <class Clock, class Duration>
  wait_options(std::chrono::time_point<Clock, Duration> when,  // NOLINT: for acquire({when})
               cancellation_token token = {})
      : cancellation(std::move(token)) {
    if (const auto left = limited(when - Clock::now()))
      deadline = std::chrono::steady_clock::now() + *left;
  }

  /// From the call on. Nothing: no limit. Zero or less: take what is free at once, or nothing.
  std::optional<std::chrono::nanoseconds> timeout;
  /// Nothing: no limit. Of both limits the earlier one counts.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  cancellation_token cancellation;

  std::uint64_t spare[4] = {};  ///< for members to come (numpool/version.hpp); zero

 private:
  /// Nothing for a time beyond some thirty years, which is for ever.
  template <class Rep, class Period>
  static std::optional<std::chrono::nanoseconds> limited(
      std::chrono::duration<Rep, Period> at_most) {
    constexpr double kLongest = 1e9;  // seconds
    const double seconds = std::chrono::duration<double>(at_most).count();
    if (seconds >= kLongest) return std::nullopt;
    if (seconds <= 0) return std::chrono::nanoseconds(0);
    return std::chrono::ceil<std::chrono::nanoseconds>(at_most);
  }
};

/// $DATABASE_URL, or an empty string, which makes libpq use PGHOST, PGPORT and so on.
NUMPOOL_EXPORT std::string default_conninfo();

/// How a client connects, and what it does when the connection goes.
struct client_options {
  /// As libpq takes it: "host=a,b dbname=x" or "postgresql://...", several hosts included.
  ///
  /// The client adds what is not set here: application_name=numpool, and at both ends keepalives
  /// and a TCP user timeout by which a vanished host is noticed within 15 s (keepalives_idle=5
  /// keepalives_interval=2 keepalives_count=4 tcp_user_timeout=12000; the server's end is told
  /// the same, except what `options` or PGOPTIONS set). Where several hosts are named it asks for a
  /// primary (target_session_attrs). It takes the server's time limits (statement_timeout,
  /// idle_session_timeout and their like) off its own sessions, which wait and idle for as long as
  /// their users want to.
  ///
  /// A pooler may stand between if it gives each client a session of the server's own (session
  /// pooling). Where it shares sessions, connecting throws error_kind::not_supported, unless
  /// `transaction_pooling` says that it may.
  std::string conninfo = default_conninfo();

  /// For the way through a pooler that gives a session to each transaction anew (PgBouncer's
  /// pool_mode = transaction, or statement). The client leaves nothing in a session and relies on
  /// nothing there: no LISTEN, no settings, no prepared statement, and one statement at a time.
  ///
  /// Timed leases work as ever, but wait in a place that the client keeps by asking again and
  /// again, at first every 50 ms, then less often, up to every third of the ttl, 10 s at most. A
  /// call never sleeps on the server, so that the pooler has a session for the renewals of others.
  /// Leases of a session and with_lock() throw error_kind::not_supported, before they ask.
  /// The server's time limits and keepalives stay as they are, and backend_pid() is 0.
  bool transaction_pooling = false;

  /// How long one host may take before the next one is tried; connect_timeout in the connection
  /// string or PGCONNECT_TIMEOUT wins. Must be above 0.
  std::chrono::milliseconds connect_timeout{15000};

  /// When nothing has come from the server for so long, the client asks it for a sign of life, and
  /// when none comes within the limit the connection counts as lost: a kernel, a proxy or a stopped
  /// server may keep a connection open behind which nobody is. So a loss is known after 14 s at the
  /// latest. The interval must be below what the proxies on the way allow an idle connection.
  /// While a statement is outstanding, which may take its time, a second session is asked at the
  /// same interval whether the first one is at work on it. An interval of 0 turns both off.
  std::chrono::milliseconds heartbeat_interval{4000};
  std::chrono::milliseconds heartbeat_limit{10000};

  /// After a lost connection: how long to go on trying before calls that wait for it fail with
  /// error_kind::cannot_connect. The next call after that tries again. 0 makes one attempt.
  std::chrono::milliseconds reconnect_limit{60000};

  /// Called once for every lease that is lost, on the client's callback thread, which is not the
  /// I/O thread: it may call anything, this client included. Callbacks run one at a time, in
  /// order, with no lock held; one that throws ends the process. What happens after close() has
  /// ended that thread is told on the thread that causes it. Leases ended by close() are not lost.
  std::function<void(const lost_lease&)> on_lost;

  std::uint64_t spare[8] = {};  ///< for members to come (numpool/version.hpp); zero
};

}  // namespace v1
}  // namespace numpool
