// Runs a mix from beginning to end.
#pragma once

#include <optional>
#include <string>

#include "history/history.h"
#include "torture/crew.h"
#include "torture/memory_watch.h"
#include "torture/pair.h"

namespace numpool_test {

// Prints what a history says against the promises; true if it is nothing.
bool judge(const History& history);

class Director {
 public:
  Director(const Mix& mix, const Options& options, const std::string& folder);
  // Prints what was done and found; true if nothing was.
  bool run();

 private:
  void set_up();
  void set_up_pools(Session& session);
  void load();
  bool goes_on() const { return now() < end_ || crew_.operations() < options_.operations; }
  void disturb();
  // False if no worker is connected.
  bool crash_backend();
  // Returns when it was told to end.
  Time end_server(Mischief how);
  void restart_server(Mischief how);
  void fail_over(Mischief how);
  // Of what the primary grants after a crash its standby has not heard when it is promoted.
  void fail_over_unheard();
  void let_standby_be_away();
  // The primary is dead since it was told at `told`.
  void follow_standby(Mischief how, Time told);
  void wait_for(unsigned milliseconds);
  // Makes the workers' database of the mould, in place of the one that they had.
  void make_database();
  void copy_database();
  // Nothing may be left, and every number must be there to be had.
  void check_end();
  bool give_everything(Session& session, const std::string& pool, int size);
  // True if it is as it should be.
  bool report(const History& history) const;

  const Mix& mix_;
  const Options& options_;
  std::string folder_;
  RunBoard& board_;
  Server server_;             // where the workers are connected
  std::optional<Pair> pair_;  // if the mix has a standby
  Crew crew_;
  Time end_ = 0;           // of the load, if there were operations enough
  std::string left_over_;  // what it says of the end
  int full_pools_ = 0;     // how often a pool of 65,536 could be given out
  MemoryWatch memory_;
  double seconds_ = 0;
};

}  // namespace numpool_test
