// Three nodes, the store that their managers agree by (etcd), and a proxy that leads to the
// primary.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/node.h"
#include "cluster/plan.h"
#include "support/program.h"

namespace numpool_test {

class Cluster {
 public:
  // Starts all of it in a folder of its own, and waits until it is whole.
  Cluster(const Plan& plan, const std::string& folder);

  const Plan& plan() const { return plan_; }
  Node& node(int at) { return *nodes_[static_cast<std::size_t>(at)]; }

  // From now on `at` is the last of the hosts in direct(): who comes anew looks at the others
  // first, and so finds the next primary, also while the former one goes on.
  void put_last(int at) { last_ = at; }
  // The way to the primary: all hosts in the same order, and the proxy.
  std::string direct() const;
  std::string proxied() const;

  // Starts and continues whatever does not run, and waits until there is one primary, which the
  // others follow. Throws if that takes too long.
  void heal();
  // The node that says it is the primary, from 0; -1: none, or more than one.
  int primary() const;
  // To another node than this one; true if Patroni did it.
  bool switch_over(int from);
  // Whose server has this backend; -1: nobody's.
  int node_of(pid_t backend) const;

  void kill_store();
  void start_store();

 private:
  void start_proxy();
  bool whole() const;

  const Plan plan_;
  const std::string folder_;
  std::unique_ptr<Program> store_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::unique_ptr<Program> proxy_;
  int last_ = kNodes - 1;
};

}  // namespace numpool_test
