#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "pg_connection.hpp"

namespace numpool::detail {

/// One attempt to connect, to any of the hosts in turn. libpq goes on to the next host when one
/// refuses; that one is silent only a clock tells, so each has its own time here, and the attempt
/// begins anew without those that let it pass. Not thread-safe.
class connecting {
 public:
  using clock = std::chrono::steady_clock;
  enum class outcome { pending, connected, failed };

  connecting(const connection_parameters& parameters, std::chrono::milliseconds time_per_host);

  /// What to wait for before go_on().
  int socket() const { return connection_ ? connection_->socket() : -1; }
  short events() const;
  clock::time_point deadline() const { return deadline_; }

  /// Once the socket is ready, or the deadline is past.
  outcome go_on(bool ready);

  /// After outcome::connected.
  connection take() { return std::move(*connection_); }
  /// After outcome::failed: why.
  error failure() const;

 private:
  void begin();
  outcome give_up_on_host();
  std::string host() const;

  connection_parameters parameters_;
  const std::chrono::milliseconds time_per_host_;
  std::optional<connection> connection_;
  connection::progress progress_ = connection::progress::writing;
  std::string host_;  ///< that the deadline is for
  clock::time_point deadline_{};
  std::string problem_;
  std::string sqlstate_;  ///< of the last server that refused, if any did
};

}  // namespace numpool::detail
