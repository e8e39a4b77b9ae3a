#include "cluster.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cluster/rest.h"
#include "support/session.h"

namespace numpool_test {

namespace {

constexpr int kRestPort = 8008;
constexpr auto kHealTime = 150s;

std::string url(int port) {
  return std::string("http://") + kStoreAddress + ':' + std::to_string(port);
}

}  // namespace

Cluster::Cluster(const Plan& plan, const std::string& folder) : plan_(plan), folder_(folder) {
  std::filesystem::create_directory(folder_);
  start_store();
  for (int number = 1; number <= kNodes; number++)
    nodes_.push_back(std::make_unique<Node>(number, plan, folder_));
  start_proxy();
  // The first one makes the cluster, so that it is also the first in a new cluster's order.
  nodes_[0]->start_manager();
  if (!eventually([&] { return nodes_[0]->role() == "primary"; }, kHealTime))
    throw TestError("the first node does not become the primary: " + content(nodes_[0]->log()));
  heal();
}

void Cluster::start_store() {
  if (store_ && store_->running()) return;
  store_ = std::make_unique<Program>(Words{
      "etcd", "--name=store", "--data-dir=" + folder_ + "/etcd", "--unsafe-no-fsync",
      "--log-level=error", "--listen-client-urls=" + url(kStorePort),
      "--advertise-client-urls=" + url(kStorePort), "--listen-peer-urls=" + url(kStorePort + 1),
      "--initial-advertise-peer-urls=" + url(kStorePort + 1),
      "--initial-cluster=store=" + url(kStorePort + 1)});
}

void Cluster::kill_store() {
  store_->kill();
}

// Its checks find within 6 s at most that a node is not the primary any more, or says nothing: it
// is to be less than ttl - loop_wait, so that sessions end before there is another primary.
void Cluster::start_proxy() {
  const std::string path = folder_ + "/haproxy.cfg";
  std::ofstream file(path);
  file << "defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 1h\n  timeout server 1h\n"
          "  timeout check 2s\n  retries 1\n"
          "frontend way\n  bind "
       << kProxyAddress << ':' << kProxyPort
       << "\n  default_backend primary\n"
          "backend primary\n  option httpchk OPTIONS /primary\n  http-check expect status 200\n"
          "  default-server check port "
       << kRestPort << " inter 1s fall 2 rise 1 on-marked-down shutdown-sessions\n";
  for (const auto& node : nodes_)
    file << "  server " << node->name() << ' ' << node->address() << ":5432\n";
  file.close();
  proxy_ = std::make_unique<Program>(Words{"/usr/sbin/haproxy", "-db", "-q", "-f", path});
}

std::string Cluster::direct() const {
  std::string hosts;
  for (int i = 1; i <= kNodes; i++)
    hosts +=
        (i == 1 ? "" : ",") + nodes_[static_cast<std::size_t>((last_ + i) % kNodes)]->address();
  return "host=" + hosts +
         " port=5432 user=postgres dbname=postgres target_session_attrs=primary connect_timeout=2";
}

std::string Cluster::proxied() const {
  return std::string("host=") + kProxyAddress + " port=" + std::to_string(kProxyPort) +
         " user=postgres dbname=postgres connect_timeout=2";
}

void Cluster::heal() {
  start_store();
  for (const auto& node : nodes_) {
    if (!node->manager_runs()) {
      node->start_manager();
    } else {
      node->continue_manager();
    }
    node->continue_server();
  }
  if (!eventually([&] { return whole(); }, kHealTime))
    throw TestError("the cluster does not become whole: " +
                    ask(nodes_[0]->address(), kRestPort, "GET", "/cluster").body);
}

bool Cluster::whole() const {
  const int at = primary();
  if (at < 0) return false;
  const auto view = nlohmann::json::parse(
      ask(nodes_[static_cast<std::size_t>(at)]->address(), kRestPort, "GET", "/cluster").body,
      nullptr, false);
  if (view.is_discarded() || !view.contains("members") || view["members"].size() != kNodes)
    return false;
  int following = 0, synchronous = 0, timeline = -1;
  for (const auto& member : view["members"])
    if (member.value("role", "") == "leader") timeline = member.value("timeline", -2);
  for (const auto& member : view["members"]) {
    const std::string role = member.value("role", "");
    if (member.value("state", "") != "streaming" || member.value("timeline", -3) != timeline)
      continue;
    following++;
    if (role == "sync_standby" || role == "quorum_standby") synchronous++;
  }
  return following == kNodes - 1 && (!plan_.synchronous || synchronous > 0);
}

int Cluster::primary() const {
  int found = -1;
  for (int at = 0; at < kNodes; at++) {
    const std::string role = nodes_[static_cast<std::size_t>(at)]->role();
    if (role != "primary" && role != "master") continue;
    if (found >= 0) return -1;
    found = at;
  }
  return found;
}

bool Cluster::switch_over(int from) {
  const std::string body = R"({"leader": ")" + node(from).name() + "\"}";
  return ask(node(from).address(), kRestPort, "POST", "/switchover", body).status == 200;
}

int Cluster::node_of(pid_t backend) const {
  for (int at = 0; at < kNodes; at++)
    if (nodes_[static_cast<std::size_t>(at)]->has_backend(backend)) return at;
  return -1;
}

}  // namespace numpool_test
