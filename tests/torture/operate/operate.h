// A run of the mix `operate`: workers, operators, and what happens to sessions and the server.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/session.h"
#include "torture/operate/operator.h"
#include "torture/operate/worker.h"
#include "torture/options.h"
#include "torture/server.h"

namespace numpool_test::operate {

class Operate {
 public:
  explicit Operate(const Options& options);
  // Prints what was done and found; true if nothing was.
  bool run();

 private:
  void set_up();
  void initially(Change change);
  void load();
  void disturb();
  void terminate();
  void end_clerk();
  void kill_backend();
  void restart();
  void reconnect();

  // That the counts of each pool can be, whatever is going on.
  void look(Session& session);

  void check_end();
  // Each pool gets its full size, and all of it is given.
  void open_all();
  void gather();
  bool report(double seconds);
  void keep_logs() const;
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  std::int64_t operations() const;

  const Options& options_;
  std::mt19937 random_;
  Server server_;
  Session session_;
  Board board_;
  std::atomic<bool> over_{false};
  std::atomic<bool> watched_{true};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Operator>> operators_;
  History history_;
  std::map<std::string, int> done_;
  std::map<std::string, int> refusals_;
  std::vector<std::string> problems_;
  // The watcher's, until it has ended.
  std::int64_t looks_ = 0;
  std::vector<std::string> wrong_sums_;
};

}  // namespace numpool_test::operate
