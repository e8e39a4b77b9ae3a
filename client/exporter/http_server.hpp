// A small HTTP server over poll(): one request a connection, all of them in one thread, none
// waiting for another.  It has bounds for whatever a client can do: how long it takes, how much it
// sends, how many of it there are.
#pragma once

#include <poll.h>

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "clock.hpp"
#include "descriptor.hpp"
#include "http_request.hpp"
#include "http_response.hpp"

namespace numpool::exporter {

/// A request that is being answered.
struct http_call {
  http_request request;
  steady_time came;  ///< when it was whole
};

class http_server {
 public:
  /// Gives the answer, or nothing if there is none yet: then it is asked again by answer_waiting().
  using responder = std::function<std::optional<http_response>(const http_call&)>;

  static constexpr std::size_t kMaxConnections = 64;

  /// Listens there.  Throws cli::failure.
  http_server(const std::string& address, int port, responder respond);

  /// The port, also where it was chosen by the system.
  int port() const noexcept { return port_; }

  /// Adds what is to be polled.
  void add_polled(std::vector<pollfd>* polled) const;
  /// When something is due at the latest.
  std::optional<steady_time> next_deadline() const;
  /// Goes on with what poll() has found, and cuts who is too slow.
  void go_on(const std::vector<pollfd>& polled);
  /// Asks again for the answers that were not there yet.
  void answer_waiting();

 private:
  struct connection {
    enum class state { reading, waiting, writing, draining };
    cli::descriptor socket;
    state is = state::reading;
    steady_time deadline;
    std::string in;
    http_call call;
    std::string out;
    std::size_t sent = 0;
    std::size_t drained = 0;
  };

  void accept_all();
  /// These return false when the connection is over.
  bool go_on(connection& client);
  bool read(connection& client);
  bool write(connection& client);
  bool drain(connection& client);
  bool answer(connection& client, const http_response& response);
  bool try_to_answer(connection& client);
  bool cut(connection& client);

  responder respond_;
  cli::descriptor listener_;
  int port_ = 0;
  std::list<connection> connections_;
};

}  // namespace numpool::exporter
