#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io_operation.hpp"

namespace numpool::detail {

/// One statement whose caller waits for its rows. Not repeated after a lost connection.
class call_operation : public operation {
 public:
  /// At most five values.
  call_operation(const statement& what, std::vector<std::optional<std::string>> values);

  /// For the calling thread. Throws what went wrong.
  rows wait();

  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop& io, const error& why, bool was_sent) override;
  bool over() override;

 private:
  const statement what_;
  const std::vector<std::optional<std::string>> values_;

  std::mutex mutex_;  ///< guards the three below
  std::condition_variable changed_;
  std::optional<rows> rows_;
  std::optional<error> error_;
};

}  // namespace numpool::detail
