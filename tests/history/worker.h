// A worker that does random operations on a few pools and logs what it asked and what it got. What
// it chooses comes from its seed and the answers it gets. It keeps a model of its session to choose
// by; judging is the checker's work.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "history/log.h"
#include "history/session_model.h"
#include "history/run_board.h"
#include "support/session.h"

namespace numpool_test {

struct PoolUnderTest {
  std::string name;
  int size;
};

enum class Step {
  kAcquire,
  kTryAcquire,
  kTicket,
  kRelease,
  kReleaseAll,
  kFence,
  kBegin,
  kSavepoint,
  kReleaseSavepoint,
  kRollbackTo,
  kEndTransaction,
  kFailStatement,
  kExceptionBlock,
  kDiscard,
  kSetTimeouts,
  kPause,
  kDisconnect
};

// How a worker behaves, and what it must tolerate.
struct Habits {
  std::map<Step, unsigned> weights;
  std::vector<std::string> expected;  // SQLSTATEs
  bool loses_connections = false;
  bool pools_change = false;
  int cancels_itself_one_in = 10;  // of its sleeps in a queue; 0: never
};

// Those of an undisturbed run.
Habits calm_habits();

// Longer than anything lasts while all the others go on. A session that waits so long was
// forgotten.
constexpr Milliseconds kPatience = 300s;

class Worker {
 public:
  Worker(unsigned seed, const std::string& log_file, const std::vector<PoolUnderTest>& pools,
         const Habits& habits, RunBoard& board, int slot);
  // Works until goes_on() is false. If an error ends it early, the error is in the log.
  void run(const std::function<bool()>& goes_on);
  // Gives everything up, by the end of the session.
  void finish();

 private:
  struct Lost {};  // the connection went

  void connect();
  void lost();
  void disconnect();
  void step();
  void acquire();
  void try_acquire();
  void use_ticket();
  void release();
  void release_all();
  void check_fence();
  void begin();
  void savepoint();
  void release_savepoint();
  void rollback_to();
  void end_transaction();
  void fail_statement();
  void exception_block();
  void catch_inside();
  void discard();
  void set_timeouts();
  void pause();

  // What became of a statement: nullopt if it failed, which is then logged.
  std::optional<Outcome> ask(const std::string& sql);
  void send(const std::string& sql);
  std::optional<Outcome> collect();
  // Whether the answer that has been waited for since `began` will never come.
  bool too_late(Clock::time_point began);
  bool expects(const Outcome& outcome) const;
  void failed(const Outcome& outcome);
  void recover();
  // Logs what was asked at asked_ and answered at told_, and tells the model.
  void note(Event event);
  void note(Verb verb, int index = 0) { note({verb, 0, index, 0, 0, "", 0, 0}); }
  void note_acquire(int pool, bool transaction_scope, const Outcome& outcome);

  // A ticket that waits: what it came to is noted.
  void follow_ticket(int pool, std::int64_t ticket);
  bool take_notifications(int pool, std::int64_t ticket, Milliseconds time);
  bool poll_ticket(int pool, std::int64_t ticket);
  void cancel_ticket(int pool, std::int64_t ticket);
  void be_busy(bool may_acquire);
  void ticket_is_gone(int pool, std::int64_t ticket);

  unsigned random(unsigned below) { return static_cast<unsigned>(engine_() % below); }
  int random_pool() { return static_cast<int>(random(static_cast<unsigned>(pools_.size()))); }
  std::string quoted(int pool) const {
    return "'" + pools_[static_cast<std::size_t>(pool)].name + "'";
  }
  std::pair<int, int> random_holding();
  void show(WorkerDoing doing);
  void fault(const std::string& what);
  void pause_and_cancel();
  // Checks that the session was woken soon after it was granted what it waited for.
  void check_delay(int pool, std::int64_t index);

  std::mt19937 engine_;
  Log log_;
  std::vector<PoolUnderTest> pools_;
  Habits habits_;
  RunBoard& board_;
  WorkerSlot& slot_;
  unsigned total_weight_ = 0;
  std::optional<Session> session_;
  std::unique_ptr<LeaseSink> sink_;
  SessionModel model_;
  Time asked_ = 0, told_ = 0;
  Time polls_ = 0;                             // in vain, for the answer
  std::optional<Clock::time_point> end_seen_;  // when it saw that the run is over
  std::int64_t last_ticket_ = 0;               // settled: nothing more may come of it
};

}  // namespace numpool_test
