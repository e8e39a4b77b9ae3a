// An operator of the mix `operate`: one thread that changes pools and ends leases in transactions
// of its own, with and without the right to, and writes down what it asked and was told.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "torture/operate/party.h"

namespace numpool_test::operate {

class Operator : public Party {
 public:
  Operator(Role role, unsigned seed, Board& board, const std::atomic<bool>& over)
      : Party(role, seed, board, over) {}

  void run();

 private:
  // One to three calls about one pool, by themselves or in a transaction that is committed or not.
  void operate();
  void in_transaction(int pool);
  void in_savepoint(int pool);
  // What is out of service, or drained, for a while.
  void pause();
  void mend();

  Change some_pause(int drains_in, bool begins);
  Change some_change(int pool);
  Change some_end(int pool);
  Settings some_settings();
  // Whether the session is still there and the transaction has not failed.
  bool call(Change change);
  std::string sql_of(const Change& change);
  bool finish(bool commits);
  // What became of the calls from there on.
  void settle(std::size_t from, Time asked, Fate fate);
  bool ask(const std::string& sql, Outcome* outcome);

  bool in_transaction_ = false;
  Change former_end_;        // of a lease that is mostly over by now
  std::size_t begun_ = 0;    // in log_.changes: the first call of the transaction
  std::size_t settled_ = 0;  // up to there a savepoint has decided
};

}  // namespace numpool_test::operate
