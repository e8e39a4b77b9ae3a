// A worker that does random operations on a few pools and logs what it got. It keeps a plain model
// of what it holds (a list of maps, one for the transaction and one for each savepoint), and
// compares each answer with it.
#pragma once

#include <array>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "server/history.h"
#include "server/session.h"

namespace numpool_test {

Time now();  // nanoseconds

struct PoolUnderTest {
  std::string name;
  int size;
};

class Worker {
 public:
  Worker(unsigned seed, const std::string& log_file, const std::vector<PoolUnderTest>& pools);
  void run(int operations);
  // Gives everything up, by the end of the session or by release_all.
  void finish();
  int operations_done() const { return done_; }

 private:
  struct Held {
    std::int64_t fence = 0;
    bool transaction_scope = false;
    bool pending = false;  // release in the open transaction
  };
  using Holdings = std::map<std::pair<int, int>, Held>;  // by pool and index

  void step();
  void acquire();
  void try_acquire();
  void use_ticket();
  void release();
  void release_all();
  void check_fence();
  void begin();
  void savepoint();
  void rollback_to();
  void end_transaction();
  void fail_statement();
  void disconnect();

  unsigned random(unsigned below) { return static_cast<unsigned>(engine_() % below); }
  bool in_transaction() const { return !saved_.empty(); }
  int held_in(int pool) const;
  bool holds_anything() const { return !held_.empty(); }
  // Takes in the answer to an acquire of any kind.
  void got(int pool, const Outcome& outcome, std::int64_t ticket, bool transaction_scope,
           Time asked);
  void new_lease(int pool, int index, std::int64_t fence, std::int64_t ticket,
                 bool transaction_scope, Time asked, Time told);
  void failed(const Outcome& outcome, Time asked);
  // What is in `held_` and not in `kept` has ended; `kept` is the state from now on.
  void give_up(Holdings kept, Time asked);
  void commit_holdings(Time asked);
  void fault(const std::string& what);
  void pause_and_cancel();

  std::mt19937 engine_;
  std::ofstream log_;
  std::vector<PoolUnderTest> pools_;
  Session session_;
  Holdings held_;
  std::vector<Holdings> saved_;  // at BEGIN, then at each savepoint
  int done_ = 0;
};

// Looks at pools and queues every few milliseconds until told to stop, into a log of its own.
class Watcher {
 public:
  Watcher(const std::string& log_file, const std::vector<PoolUnderTest>& pools);
  void look();

 private:
  std::ofstream log_;
  std::vector<PoolUnderTest> pools_;
  Session session_;
};

}  // namespace numpool_test
