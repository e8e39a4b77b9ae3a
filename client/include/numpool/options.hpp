#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <numpool/export.hpp>

namespace numpool {

/// A lease that ended against its holder's will.
struct lost_lease {
  std::string pool;
  int index;           ///< 0-based
  std::int64_t fence;  ///< of the lost lease; whoever gets the index next has a larger one
  std::string reason;  ///< in English, such as "connection lost" or "pool dropped"
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
  /// the same, except what `options` or PGOPTIONS set).
  std::string conninfo = default_conninfo();

  /// How long one host may take before the next one is tried. Must be above 0.
  std::chrono::milliseconds connect_timeout{15000};

  /// After a lost connection: how long to go on trying before calls that wait for it fail with
  /// errc::cannot_connect. The next call after that tries again. 0 makes one attempt.
  std::chrono::milliseconds reconnect_limit{60000};

  /// The pause before the second attempt; it doubles up to `backoff_max`, and a random part of
  /// up to a half is taken off each, so that many clients do not come back in step.
  std::chrono::milliseconds backoff_min{50};
  std::chrono::milliseconds backoff_max{3000};

  /// Called once for every lease that is lost, on the client's callback thread, which is not the
  /// I/O thread: it may call anything, this client included. Callbacks run one at a time, in
  /// order, with no lock held; one that throws ends the process. What happens after close() has
  /// ended that thread is told on the thread that causes it. Leases ended by close() are not lost.
  std::function<void(const lost_lease&)> on_lost;
};

}  // namespace numpool
