#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "pg_connecting.hpp"

namespace numpool::detail {

/// One question to the server from a session of its own, which is closed afterwards: what another
/// client would see. For when the client's own session cannot tell. The I/O thread's.
class side_question {
 public:
  using clock = std::chrono::steady_clock;
  enum class outcome {
    pending,
    answered,
    refused,  ///< a server is there, and would not answer
    silent,   ///< nobody answered in time
  };

  /// `sql` has as many parameters as there are values, and gives a row of booleans.
  side_question(const connection_parameters& parameters, const char* sql,
                std::vector<std::string> values, clock::time_point until);

  int socket() const;
  short events() const;
  clock::time_point until() const { return until_; }
  /// Whether the question has been sent.
  bool asked() const { return asker_.has_value(); }

  /// Once the socket is ready, or the time is over.
  outcome go_on(bool ready);
  /// Whether that column of the answer is true, and not false, NULL or missing.
  bool says(int column) const { return field(answer_, 0, column) == "t"; }

 private:
  outcome ask();
  outcome read();

  const char* const sql_;
  const std::vector<std::string> values_;
  const clock::time_point until_;
  connecting attempt_;
  std::optional<connection> asker_;
  bool more_to_write_ = false;
  result answer_;
};

}  // namespace numpool::detail
