// A run of the mix `timed`: holders, and what happens to the server, the clerk and the pools.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "poolers/pooler.hpp"
#include "support/session.h"
#include "torture/options.h"
#include "torture/pair.h"
#include "torture/server.h"
#include "torture/timed/holder.h"

namespace numpool_test {

class Timed {
 public:
  explicit Timed(const Options& options);
  // Prints what was done and found; true if nothing was.
  bool run();

 private:
  void set_up();
  void load();
  void disturb();
  void crash();
  void restart();
  void fail_over();
  // By SIGKILL or an immediate shutdown.
  void end_server(const char* then);
  void end_clerk();
  void drop_by_force();
  void check_end();
  bool report(double seconds);
  void keep_logs(const std::vector<std::string>& violations) const;

  // For leases that are held though their time is over; a thread of its own.
  void look(Session& session);

  // Calls until it is served; the director's own session.
  bool ask(const std::string& sql);
  void reconnect();
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  std::int64_t operations() const;

  const Options& options_;
  std::mt19937 random_;
  Server server_;
  poolers_test::pooler pooler_;
  std::optional<Pair> pair_;
  Session session_;
  std::atomic<bool> over_{false};
  std::atomic<bool> watched_{true};
  std::atomic<Time> no_clerk_until_{0};
  std::vector<std::unique_ptr<Holder>> holders_;
  TimedHistory history_;
  std::map<std::string, int> done_;
  std::vector<std::string> problems_;
  // The watcher's, until it has ended.
  int looks_ = 0, late_ = 0;
  double latest_ = 0;  // in milliseconds
  std::map<std::string, Time> over_since_;
  std::vector<std::string> overdue_;
};

}  // namespace numpool_test
