// A run of the mix `edges`: believers behind doors, a pooler behind half of them, and what goes
// wrong in between.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "poolers/pooler.hpp"
#include "support/session.h"
#include "torture/edges/believer.h"
#include "torture/edges/pulse.h"
#include "torture/edges/relay.h"
#include "torture/options.h"
#include "torture/server.h"

namespace numpool_test {

class Edges {
 public:
  explicit Edges(const Options& options);
  // Prints what was done and found; true if nothing was.
  bool run();

 private:
  // A process that was stopped, and until when.
  struct Stopped {
    pid_t process;
    Time until;
  };

  void set_up();
  void start_believers();
  bool goes_on(Time end) const;
  void disturb();
  void terminate(int door);
  void stop_backend(int door);
  void stop_pooler();
  void stop_server();
  void restart_pooler();
  void continue_stopped(bool all);
  // Stops these processes for some time, in which nobody hears anything behind every `step`th door.
  void stand_still(const std::vector<pid_t>& processes, Time time, int step,
                   const std::string& kind);
  bool wait_for_all();
  void check_end();
  bool report(double seconds);
  std::vector<pid_t> server_processes() const;
  void haze(int door, Time from, Time until, const std::string& kind);
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  void count(const std::string& what) { done_[what]++; }
  std::int64_t operations() const;

  const Options& options_;
  std::mt19937 random_;
  Server server_;
  Session session_;
  poolers_test::pooler pooler_;
  Relay relay_;
  Pulse pulse_;
  std::vector<std::unique_ptr<Believer>> believers_;
  std::vector<Stopped> stopped_;
  std::vector<Haze> hazes_;
  std::map<std::string, int> done_;
  std::vector<std::string> problems_;
};

}  // namespace numpool_test
