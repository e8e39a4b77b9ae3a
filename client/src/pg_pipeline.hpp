#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pg_connection.hpp"
#include "io_operation.hpp"

namespace numpool::detail {

/// The operations sent on one connection whose answers are outstanding, oldest first, and the
/// collecting of their answers. The I/O thread's.
class pipeline {
 public:
  /// An operation whose answer is complete. `op` is null if it was forgotten meanwhile.
  struct answer {
    std::shared_ptr<operation> op;
    result value;
    std::optional<error> failure;
  };

  /// False if the connection is gone; `op` is outstanding all the same.
  bool send(connection& to, std::shared_ptr<operation> op, const std::string& schema);

  /// The next complete answer that `from` has read, if any.
  std::optional<answer> next(connection& from);

  /// All that is outstanding, oldest first; it is no longer, if the connection is gone.
  std::vector<std::shared_ptr<operation>> take_all();

  bool empty() const { return outstanding_.empty(); }
  std::size_t size() const { return outstanding_.size(); }
  /// What the next answer is due to, or null.
  const statement* oldest() const;

 private:
  struct entry {
    std::shared_ptr<operation> op;
    connection::preparation preparing;
  };

  answer finish_oldest(connection& from);

  std::deque<entry> outstanding_;
  result value_;                  ///< of the oldest, so far
  std::optional<error> failure_;  ///< the first one of the oldest
  bool any_success_ = false;
};

}  // namespace numpool::detail
