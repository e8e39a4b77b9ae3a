#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <numpool/export.hpp>
#include <numpool/options.hpp>
#include <numpool/pool.hpp>
#include <numpool/status.hpp>

namespace numpool {

namespace detail {
class engine;
struct access;
}  // namespace detail

inline namespace v1 {

/// Whether drop() may end the leases and waits of others.
enum class drop_mode {
  if_unused,  ///< error_kind::pool_in_use if the pool has leases or waiters
  force,      ///< waiters get error_kind::no_such_pool, leases are lost
};

/// One connection to the server and one thread that works it, for any number of calling threads:
/// their calls are pipelined over the connection, and a call that waits for a number costs neither
/// a thread nor a backend on the server. Leases belong to the connection.
///
/// Its const members and close() may be called from any number of threads; moving and destroying
/// it, like any object, from one at a time.
///
/// When the connection goes, all leases are lost (client_options::on_lost), waiting calls reconnect
/// with back-off and queue again, calls that had been sent throw error_kind::connection_lost
/// (whether the server did them is unknown; a release under way does not, since its lease is gone
/// in either case) and later calls wait for the new connection. Timed leases are not lost by that:
/// they belong to a token (timed_lease).
class NUMPOOL_EXPORT client {
 public:
  /// Connects, with `client_options::conninfo` as its default says.
  /// All three throw error_kind::cannot_connect, with what libpq says of it as the message, and
  /// error_kind::invalid_value for a connection string or an option that makes no sense.
  client();
  explicit client(std::string_view conninfo);
  explicit client(client_options options);

  /// close().
  ~client();

  client(client&&) noexcept;
  client& operator=(client&&) noexcept;  ///< closes what this one was

  /// CREATE EXTENSION IF NOT EXISTS numpool. Needs the rights for that, unless it is there. Any
  /// number of clients may do it at once.
  void setup() const;
  /// DROP EXTENSION IF EXISTS numpool: the pools of everybody in this database go, and with them
  /// every lease's meaning.
  void uninstall() const;

  /// Opens the pool of `size` numbers, 1..65536, or creates it; only that needs the right to.
  /// `name` is any text of 1..200 characters; `metadata` is JSON text, kept only if the pool is
  /// new; so are `settings`, a JSON object as numpool_create takes it. Throws
  /// error_kind::invalid_value for a bad name, size or setting, and pool_exists for a pool of
  /// another size.
  ///
  /// If these settings make the pool `ephemeral`, others may drop it while nobody uses it. So a
  /// call of the handle that wants a number, and finds that there is no such pool, makes it again
  /// as it was made here, a few times at most, and goes on.
  pool create_or_open(std::string_view name, int size,
                      std::optional<std::string_view> metadata = std::nullopt,
                      std::optional<std::string_view> settings = std::nullopt) const;

  /// Creates a pool. Throws error_kind::pool_exists if it is there.
  pool create(std::string_view name, int size,
              std::optional<std::string_view> metadata = std::nullopt,
              std::optional<std::string_view> settings = std::nullopt) const;

  /// Throws error_kind::no_such_pool unless the pool exists.
  [[nodiscard]] pool open(std::string_view name) const;

  /// Whether the pool existed.
  bool drop(std::string_view name, drop_mode mode = drop_mode::if_unused) const;

  /// Changes the size and returns the old one: pool::resize() without a handle.
  int resize(std::string_view name, int size) const;

  /// Whether the server is a standby, which knows the pools, but neither leases nor waiters.
  [[nodiscard]] bool is_standby() const;

  /// The names that begin with `prefix`, taken literally, in order.
  [[nodiscard]] std::vector<std::string> list(std::string_view prefix = {}) const;

  /// The same with sizes, counts and counters.
  [[nodiscard]] std::vector<pool_status> pool_statuses(std::string_view prefix = {}) const;

  /// Takes up the timed lease of `token`, from whatever client or program it was taken, renews it,
  /// and goes on renewing it. Nothing: the token has no lease. Two who have one lease both renew
  /// it, and the first one that releases it ends it for both.
  [[nodiscard]] std::optional<timed_lease> adopt(std::string_view token) const;

  /// How many leases this client holds at the moment, by its own books; no round trip.
  [[nodiscard]] int lease_count() const noexcept;

  /// Whether there is a connection at the moment; informative only, it may go any time.
  [[nodiscard]] bool connected() const noexcept;

  /// The process id of the server's backend, as pg_backend_pid() says it; 0 while there is no
  /// connection, and with client_options::transaction_pooling, where no backend is the client's.
  [[nodiscard]] int backend_pid() const noexcept;

  /// Ends every call in progress and all later ones with error_kind::client_closed, gives back
  /// every lease, and closes the connection; waits up to a second for the server to confirm that
  /// the leases are free, which it sees to in any case. Idempotent; may be called from any thread,
  /// callbacks included, where it does not wait for the callback that called it.
  void close() noexcept;

 private:
  friend struct detail::access;
  detail::engine& engine() const;

  std::shared_ptr<detail::engine> engine_;
};

}  // namespace v1
}  // namespace numpool
