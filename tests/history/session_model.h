// What a client may believe of its session: what it holds and which tickets wait, with a copy for
// the open transaction and one for each savepoint. A worker uses it to choose what to do; the
// checker replays logs through it, and then it says which answers broke a promise (P6).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "history/wipes.h"

namespace numpool_test {

// Receives the leases that a model learns of.
class LeaseSink {
 public:
  virtual ~LeaseSink() = default;
  // Returns a number that names the lease from then on.
  virtual std::size_t began(const Event& grant, int pid) = 0;
  // The holder asked for the end of the lease at `asked` and had the answer at `told`. Only the
  // first such call for a lease counts.
  virtual void ended(std::size_t lease, Time asked, Time told) = 0;
  virtual void broken(const std::string& what) = 0;
};

class SessionModel {
 public:
  struct Held {
    std::size_t lease = 0;
    std::int64_t fence = 0;
    std::int64_t ticket = 0;
    Time asked = 0;
    bool transaction_scope = false;
    bool pending = false;  // release in the open transaction
  };
  struct Ticket {
    int pool = 0;
    Time asked = 0;
    bool ending = false;  // cancel in the open transaction
  };
  using Holdings = std::map<std::pair<int, int>, Held>;  // by pool and index
  struct State {
    Holdings held;
    std::map<std::int64_t, Ticket> tickets;  // those that wait
  };

  // `wipes` is nullptr while the wipes are not known yet. Then the model blames no answer that a
  // wipe might explain.
  SessionModel(LeaseSink& sink, const Wipes* wipes) : sink_(sink), wipes_(wipes) {}

  void apply(const Event& event);
  // The log ends here.
  void end_of_log();

  const Holdings& held() const { return state_.held; }
  const std::map<std::int64_t, Ticket>& tickets() const { return state_.tickets; }
  bool in_transaction() const { return !saved_.empty(); }
  bool failed() const { return failed_since_ != kNever; }
  int depth() const { return static_cast<int>(saved_.size()) - 1; }  // of savepoints
  int pid() const { return pid_; }

 private:
  void take(const Event& event);
  bool take_back(const Event& event, bool transaction_scope);
  void acquire(const Event& event);
  void enqueue(const Event& event);
  void granted(const Event& event);
  void cancel(const Event& event);
  void release(const Event& event);
  void release_all(const Event& event);
  void fence(const Event& event);
  void error(const Event& event);
  void savepoint_event(const Event& event);
  void commit(const Event& event);
  void roll_back_to(std::size_t level, Time asked, Time told);
  void roll_back(Time asked, Time told);
  void give_up_all(Time asked, Time told);
  void become(State state, Time asked, Time told);
  // The server's answer says that the session does not hold it. True if a wipe may have been the
  // cause; the model then drops the lease.
  bool vanished(Holdings::iterator held, const Event& event);
  bool may_be_gone(int pool, Time from, Time to) const;
  bool waits_by_ticket(int pool) const;
  void broken(const std::string& what, const Event& event);

  LeaseSink& sink_;
  const Wipes* wipes_;
  State state_;
  std::vector<State> saved_;  // at BEGIN, then at each savepoint
  Time failed_since_ = kNever;
  Time last_alive_ = 0, connected_ = 0;
  int pid_ = 0;
};

}  // namespace numpool_test
