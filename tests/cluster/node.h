// One node of the cluster: a PostgreSQL and its manager, Patroni, on a loopback address of their
// own.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "cluster/plan.h"
#include "cluster/watchdog.h"
#include "support/program.h"
#include "torture/server.h"

namespace numpool_test {

class Node {
 public:
  // `number` from 1; what it writes goes into a folder of its own in `folder`.
  Node(int number, const Plan& plan, const std::string& folder);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  std::string name() const { return "node" + std::to_string(number_); }
  std::string address() const { return "127.0.0." + std::to_string(number_); }
  // A pid of this node's PostgreSQL.
  bool has_backend(pid_t pid) const { return server_.has_backend(pid); }

  void start_manager();
  bool manager_runs();
  void kill_manager();
  void stop_manager() const;
  void continue_manager() const;

  void kill_postmaster() const { server_.kill_postmaster(); }
  void stop_server() const { signal_server(SIGSTOP); }
  void continue_server() const { signal_server(SIGCONT); }
  // As when the machine dies: no process of it does anything more.
  void kill_all();

  // What this node says of itself by its REST API, such as "primary"; "" if it does not.
  std::string role() const;
  std::string log() const;
  // How often its watchdog had to reset it.
  int resets() const { return watchdog_ ? watchdog_->resets() : 0; }

 private:
  void write_configuration(const Plan& plan) const;
  void signal_server(int number) const;
  std::vector<pid_t> server_processes() const;

  const int number_;
  const std::string folder_;
  Server server_;
  std::unique_ptr<Program> manager_;
  std::unique_ptr<Watchdog> watchdog_;
};

}  // namespace numpool_test
