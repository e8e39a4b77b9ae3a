#include "node.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cluster/rest.h"

namespace numpool_test {

namespace {

constexpr int kRestPort = 8008;
constexpr int kPort = 5432;

const char* on(bool value) {
  return value ? "true" : "false";
}

}  // namespace

Node::Node(int number, const Plan& plan, const std::string& folder)
    : number_(number), folder_(folder + "/" + name()), server_(folder_ + "/data", kPort) {
  std::filesystem::create_directory(folder_);
  if (plan.watchdog)
    watchdog_ = std::make_unique<Watchdog>(folder_ + "/watchdog", [this] { kill_all(); });
  write_configuration(plan);
}

Node::~Node() {
  watchdog_.reset();
  kill_all();
  manager_.reset();
  server_.gone_within(10);
  server_.remove();
}

void Node::write_configuration(const Plan& plan) const {
  std::ofstream file(folder_ + "/patroni.yml");
  file << "scope: numpool\nname: " << name() << "\nrestapi:\n  listen: " << address() << ':'
       << kRestPort << "\n  connect_address: " << address() << ':' << kRestPort
       << "\netcd3:\n  hosts: " << kStoreAddress << ':' << kStorePort
       << "\nlog:\n  dir: " << folder_ << "\nbootstrap:\n  dcs:\n    ttl: " << kTtl
       << "\n    loop_wait: " << kLoopWait << "\n    retry_timeout: " << kRetryTimeout
       << "\n    synchronous_mode: " << on(plan.synchronous)
       << "\n    failsafe_mode: " << on(plan.failsafe)
       << "\n    postgresql:\n      use_pg_rewind: true\n      parameters:\n"
          "        wal_log_hints: \"on\"\n        max_connections: 100\n"
          "        wal_retrieve_retry_interval: 500ms\n"
          "  initdb:\n  - encoding: UTF8\n  - locale: C\n  - auth: trust\n  - no-sync\n"
       << "postgresql:\n  listen: " << address() << ':' << kPort
       << "\n  connect_address: " << address() << ':' << kPort << "\n  data_dir: " << server_.data()
       << "\n  bin_dir: " << environment("NUMPOOL_PGBIN") << "\n  pgpass: " << folder_
       << "/pgpass\n  remove_data_directory_on_diverged_timelines: true\n"
          "  remove_data_directory_on_rewind_failure: true\n"
          "  authentication:\n    superuser: {username: postgres}\n"
          "    replication: {username: replicator}\n"
          "  pg_hba:\n  - local all all trust\n  - host all all 127.0.0.0/8 trust\n"
          "  - host replication all 127.0.0.0/8 trust\n"
       << "  parameters:\n    unix_socket_directories: " << folder_
       << "\n    fsync: \"off\"\n    log_line_prefix: \"%m [%p] %a \"\nwatchdog:\n  mode: "
       << (plan.watchdog ? "required" : "off");
  if (plan.watchdog) file << "\n  driver: testing\n  device: " << folder_ << "/watchdog";
  file << '\n';
}

void Node::start_manager() {
  ProgramSetup setup;
  setup.own_group = true;
  setup.env = {{"PGHOST", ""}, {"PGPORT", ""}, {"PGUSER", ""}, {"PGDATABASE", ""}};
  manager_ = std::make_unique<Program>(Words{"patroni", folder_ + "/patroni.yml"}, setup);
}

bool Node::manager_runs() {
  return manager_ && manager_->running();
}

void Node::kill_manager() {
  if (manager_) manager_->kill();
}

void Node::stop_manager() const {
  manager_->signal(SIGSTOP);
}

void Node::continue_manager() const {
  manager_->signal(SIGCONT);
}

void Node::signal_server(int number) const {
  for (const pid_t pid : server_processes()) kill(pid, number);
}

// The postmaster first, so that it starts no other meanwhile.
std::vector<pid_t> Node::server_processes() const {
  std::vector<pid_t> all;
  const pid_t postmaster = server_.postmaster();
  if (postmaster <= 0 || !alive(postmaster)) return all;
  all.push_back(postmaster);
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    const pid_t pid = std::atoi(process.path().filename().c_str());
    if (server_.has_backend(pid)) all.push_back(pid);
  }
  return all;
}

void Node::kill_all() {
  // The watchdog's thread comes by here, too, so who reaps it is another's affair.
  if (manager_) kill(manager_->pid(), SIGKILL);
  signal_server(SIGKILL);
}

std::string Node::role() const {
  const std::string key = "\"role\": \"", body = ask(address(), kRestPort, "GET", "/").body;
  const std::size_t at = body.find(key);
  if (at == std::string::npos) return "";
  return body.substr(at + key.size(), body.find('"', at + key.size()) - at - key.size());
}

std::string Node::log() const {
  return folder_ + "/patroni.log";
}

}  // namespace numpool_test
