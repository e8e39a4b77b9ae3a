// A worker of the mix `operate`: one thread that takes numbers in every way there is, holds them,
// and ends its leases in every way, and writes down what it asked and was told.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/session.h"
#include "torture/operate/history.h"
#include "torture/operate/pools.h"

namespace numpool_test::operate {

class Worker {
 public:
  Worker(Role role, unsigned seed, Board& board, const std::atomic<bool>& over);

  // Until it is over, with everything given back.
  void run();

  std::int64_t operations() const { return operations_; }
  // Of its backend now; 0: none.
  int pid() const { return pid_; }
  // After run().
  const Log& log() const { return log_; }

 private:
  using Which = std::size_t;  // in log_.grants

  // Jobs.
  void use_acquire();
  void use_transaction();
  void use_ticket();
  void use_batch();
  void use_token();
  void wait_idle();

  // Parts of them.
  void take(const std::string& function, int pool, const std::string& patience, Scope scope);
  std::optional<Which> take_token(int pool, Time ttl);
  void poll(int pool, const std::string& ticket, Time asked);
  void hold();
  void look(Which which);
  void end_all();
  void release(Which which);
  void release_fenced(Which which);
  void release_batch();
  void release_and_roll_back(Which which);
  void end_by(const std::string& sql);
  void finish_transaction(bool commits);
  void hold_token(Which which);
  bool renew(Which which);
  void end_token(Which which);
  // Until max_hold has surely ended what it has.
  void overstay();
  void goodbye();
  void sever();

  // What was told.
  Grant& note(int pool, const Field& index, const Field& fence, Time asked, Scope scope);
  void note_released(Which which, Time asked);
  void note_lost(Which which, Time asked);
  void tell_board(Which which, bool held);
  // That it got what only a user gets, or was refused. Neither tells anything: who may not wait for
  // a table that is locked after a start is told of nothing, whoever he is.
  void note_use(int pool, Time asked, bool got, bool refused);

  // nullopt if it was refused, as `state_` says, or the connection went.
  std::optional<Outcome> ask(const std::string& sql);
  void connect();
  void lose_connection();
  Grant& at(Which which) { return log_.grants[which]; }
  void nap(Time most);
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool one_in(int limit) { return below(limit) == 0; }
  // Those in which numbers rest less serve more.
  int some_pool() { return one_in(2) ? below(kPoolCount) : one_in(2) ? 0 : 4; }

  const Role role_;
  Board& board_;
  const std::atomic<bool>& over_;
  std::mt19937 random_;
  std::optional<Session> session_;
  std::atomic<int> pid_{0};
  Time connected_ = 0;
  std::string state_;
  std::vector<Which> open_;  // leases of the session that have not ended
  std::map<Which, std::string> tokens_;
  std::atomic<std::int64_t> operations_{0};
  Log log_;
};

}  // namespace numpool_test::operate
