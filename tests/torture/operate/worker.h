// A worker of the mix `operate`: one thread that takes numbers in every way there is, holds them,
// and ends its leases in every way, and writes down what it asked and was told.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "torture/operate/party.h"

namespace numpool_test::operate {

class Worker : public Party {
 public:
  Worker(Role role, unsigned seed, Board& board, const std::atomic<bool>& over)
      : Party(role, seed, board, over) {}

  // Until it is over, with everything given back.
  void run();

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

  // nullopt if it was refused, as `state_` says, or the connection went. `also_expected`: a
  // SQLSTATE that may come beside those of any call.
  std::optional<Outcome> ask(const std::string& sql, const std::string& also_expected = "");
  // Of a number above the size: its lease was ended, and the pool has shrunk below it since.
  static constexpr char kOutside[] = "22023";
  // Calls the function for the number, with `more` arguments. It may be kOutside.
  std::optional<Outcome> ask_about(const std::string& function, Which which,
                                   const std::string& more = "");
  void lose_connection();
  Grant& at(Which which) { return log_.grants[which]; }
  // Those in which numbers rest less serve more.
  int some_pool() { return one_in(2) ? below(kPoolCount) : one_in(2) ? 0 : 4; }

  std::string state_;
  std::vector<Which> open_;  // leases of the session that have not ended
  std::map<Which, std::string> tokens_;
};

}  // namespace numpool_test::operate
