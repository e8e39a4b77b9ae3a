#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "pg_connecting.hpp"

namespace numpool::detail {

/// One question to the server from a session of its own, which is closed afterwards: what another
/// client would see. For when the client's own session cannot tell. The I/O thread's.
class side_question {
 public:
  using clock = std::chrono::steady_clock;
  enum class outcome {
    pending,
    yes,
    no,
    refused,  ///< a server is there, and would not answer
    silent,   ///< nobody answered in time
  };

  /// `sql` has one parameter, and its first field is a boolean.
  side_question(const connection_parameters& parameters, const char* sql, std::string value,
                clock::time_point until);

  int socket() const;
  short events() const;
  clock::time_point until() const { return until_; }
  /// Whether the question has been sent.
  bool asked() const { return asker_.has_value(); }

  /// Once the socket is ready, or the time is over.
  outcome go_on(bool ready);

 private:
  outcome ask();
  outcome read();

  const char* const sql_;
  const std::string value_;
  const clock::time_point until_;
  connecting attempt_;
  std::optional<connection> asker_;
  bool more_to_write_ = false;
  outcome outcome_ = outcome::refused;  ///< so far
};

}  // namespace numpool::detail
