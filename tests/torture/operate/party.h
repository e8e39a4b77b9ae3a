// A session of the mix `operate`: one thread that asks, and writes down what it was told.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "support/session.h"
#include "torture/operate/pools.h"

namespace numpool_test::operate {

class Party {
 public:
  std::int64_t operations() const { return operations_; }
  // Of its backend now; 0: none.
  int pid() const { return pid_; }
  // After its run.
  const Log& log() const { return log_; }

 protected:
  Party(Role role, unsigned seed, Board& board, const std::atomic<bool>& over)
      : role_(role), board_(board), over_(over), random_(seed) {}
  ~Party() = default;

  // Until there is a session.
  void connect();
  void disconnect();
  // Counts what is refused. Where the connection breaks, the SQLSTATE is "lost".
  Outcome run_statement(const std::string& sql);
  // Whether the connection is gone with that.
  bool lost_by(const Outcome& outcome) const;
  void surprise(const std::string& sql, const Outcome& outcome);

  // For a random time, up to nanoseconds.
  void nap(Time most);
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool one_in(int limit) { return below(limit) == 0; }

  const Role role_;
  Board& board_;
  const std::atomic<bool>& over_;
  std::optional<Session> session_;
  Time connected_ = 0;  // when the session was asked for
  Log log_;

 private:
  std::mt19937 random_;
  std::atomic<int> pid_{0};
  std::atomic<std::int64_t> operations_{0};
};

}  // namespace numpool_test::operate
