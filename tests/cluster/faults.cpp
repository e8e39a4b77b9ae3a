#include "faults.h"

#include "support/test_error.h"

namespace numpool_test {

namespace {

// The earliest that another node is made the primary after the last sign of life.
constexpr int kPromotion = kTtl - kLoopWait;
// From when a manager is back until it has demoted its PostgreSQL.
constexpr int kDemotion = 10;

void nothing(Cluster&, int) {}

void switch_over(Cluster& cluster, int primary) {
  if (!cluster.switch_over(primary)) throw TestError("Patroni refuses a switchover");
}

void kill_postmaster(Cluster& cluster, int primary) {
  cluster.node(primary).kill_postmaster();
}

void kill_node(Cluster& cluster, int primary) {
  cluster.node(primary).kill_all();
}

void start_manager(Cluster& cluster, int primary) {
  if (!cluster.node(primary).manager_runs()) cluster.node(primary).start_manager();
}

void kill_manager(Cluster& cluster, int primary) {
  cluster.node(primary).kill_manager();
}

void stop_manager(Cluster& cluster, int primary) {
  cluster.node(primary).stop_manager();
}

// One that a watchdog has reset is started again.
void continue_manager(Cluster& cluster, int primary) {
  start_manager(cluster, primary);
  cluster.node(primary).continue_manager();
}

void stop_server(Cluster& cluster, int primary) {
  cluster.node(primary).stop_server();
}

void continue_server(Cluster& cluster, int primary) {
  start_manager(cluster, primary);
  cluster.node(primary).continue_server();
}

void stop_node(Cluster& cluster, int primary) {
  stop_manager(cluster, primary);
  stop_server(cluster, primary);
}

void continue_node(Cluster& cluster, int primary) {
  continue_server(cluster, primary);
  cluster.node(primary).continue_manager();
}

void kill_store(Cluster& cluster, int) {
  cluster.kill_store();
}

void start_store(Cluster& cluster, int) {
  cluster.start_store();
}

}  // namespace

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> all = {
      {"switchover", "switchover", switch_over, nothing, 0, 20, Ending::kTold, true, 15},
      {"postmaster-killed", "postmaster of the primary killed", kill_postmaster, nothing, 0, 25,
       Ending::kTold, false, 20},
      {"node-killed", "all of the primary's node killed", kill_node, start_manager, 35, 45,
       Ending::kTold, true, 35},
      {"manager-killed", "its Patroni killed, back after 40 s", kill_manager, start_manager, 40, 55,
       Ending::kSplit, true, 30},
      {"manager-stopped", "its Patroni stopped for 40 s", stop_manager, continue_manager, 40, 55,
       Ending::kSplit, true, 30},
      {"server-stopped", "its PostgreSQL stopped for 45 s", stop_server, continue_server, 45, 60,
       Ending::kSilent, true, 38},
      {"node-stopped", "both stopped for 40 s", stop_node, continue_node, 40, 55, Ending::kSilent,
       true, 38},
      {"store-lost", "etcd killed, back after 30 s", kill_store, start_store, 30, 50, Ending::kTold,
       false, 45},
  };
  return all;
}

double may_believe(const Fault& fault, const Plan& plan, const Group& group) {
  constexpr double kMoment = 1;
  if (group.proxied || group.death_delay > 0) return kMoment;
  switch (fault.ending) {
    case Ending::kSplit:
      // Until its manager is back and demotes it; a watchdog ends it before there is another.
      if (!plan.watchdog) return fault.undo_after - kPromotion + kDemotion;
      [[fallthrough]];
    case Ending::kTold:
      // A command that was told to end is given its grace.
      if (group.manner == Manner::kRun) return kMoment + kGrace;
      [[fallthrough]];
    case Ending::kSilent:
      // The last commits may not have reached an asynchronous standby: the lease is gone there, and
      // its holder learns it from a renewal, a third of its time after the last, or by its time.
      if (group.manner == Manner::kTimed && !plan.synchronous) return kMoment + kTimedTtl;
      return kMoment;
  }
  return kMoment;
}

double may_be_without(const Fault& fault, const Plan& plan) {
  constexpr double kFew = 5;
  if (plan.failsafe && fault.inject == kill_store) return kFew;
  return fault.again;
}

}  // namespace numpool_test
