#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <numpool/export.hpp>
#include <numpool/options.hpp>
#include <numpool/pool.hpp>
#include <numpool/status.hpp>

namespace numpool {

namespace detail {
class engine;
}

/// Whether drop() may end the leases and waits of others.
enum class drop_mode {
  if_unused,  ///< errc::pool_in_use if the pool has leases or waiters
  force,      ///< waiters get errc::no_such_pool, leases are lost
};

/// One connection to the server and one thread that works it, for any number of calling threads:
/// their calls are pipelined over the connection, and a call that waits for a number costs neither
/// a thread nor a backend on the server. Leases belong to the connection.
///
/// When the connection goes, all leases are lost (client_options::on_lost), waiting calls reconnect
/// with back-off and queue again, calls that had been sent throw errc::connection_lost (whether
/// the server did them is unknown; a release under way does not, since its lease is gone in either
/// case) and later calls wait for the new connection.
class NUMPOOL_EXPORT client {
 public:
  /// Connects, with `client_options::conninfo` as its default says.
  /// All three throw errc::cannot_connect, with what libpq says of it as the message, and
  /// errc::invalid_value for a connection string or an option that makes no sense.
  client();
  explicit client(const std::string& conninfo);
  explicit client(client_options options);

  /// close().
  ~client();

  client(client&&) noexcept;
  client& operator=(client&&) noexcept;  ///< closes what this one was

  /// CREATE EXTENSION IF NOT EXISTS numpool. Needs the rights for that; two at once are fine.
  void setup();
  /// DROP EXTENSION IF EXISTS numpool: all pools go, and with them every lease's meaning.
  void cleanup();

  /// Creates a pool of `size` numbers, 1..65536, or opens the one there is.
  /// `id` is any text of 1..200 characters; `metadata` is JSON text, kept only if the pool is new.
  /// Throws errc::invalid_value for a bad id or size, and for a pool of another size.
  pool create_or_open(const std::string& id, int size,
                      const std::optional<std::string>& metadata = std::nullopt);

  /// Creates a pool. Throws errc::pool_exists if it is there.
  pool create(const std::string& id, int size,
              const std::optional<std::string>& metadata = std::nullopt);

  /// Throws errc::no_such_pool unless the pool exists.
  pool open(const std::string& id);

  /// Whether the pool existed.
  bool drop(const std::string& id, drop_mode mode = drop_mode::if_unused);

  /// Changes the size and returns the old one: pool::resize() without a handle.
  int resize(const std::string& id, int size);

  /// The ids that begin with `prefix`, taken literally, in order.
  std::vector<std::string> list(const std::string& prefix = {});

  /// The same with sizes, counts and counters.
  std::vector<pool_status> pools(const std::string& prefix = {});

  /// How many leases this client holds at the moment, by its own books; no round trip.
  int lease_count() const noexcept;

  /// Whether there is a connection at the moment; informative only, it may go any time.
  bool connected() const noexcept;

  /// The process id of the server's backend; 0 while there is no connection.
  int backend_pid() const noexcept;

  /// Ends every call in progress and all later ones with errc::client_closed, gives back every
  /// lease, and closes the connection; waits up to a second for the server to confirm that the
  /// leases are free, which it sees to in any case. Idempotent; may be called from any thread,
  /// callbacks included, where it does not wait for the callback that called it.
  void close() noexcept;

 private:
  detail::engine& engine() const;

  std::shared_ptr<detail::engine> engine_;
};

}  // namespace numpool
