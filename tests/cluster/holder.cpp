#include "holder.h"

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <numpool/numpool.hpp>

#include "cluster/account.h"
#include "cluster/cluster.h"
#include "support/program.h"

namespace numpool_test {

namespace {

constexpr Time kMillisecond = 1000000;
constexpr Time kSecond = 1000 * kMillisecond;
// After so many calls a holder comes anew, as another program would that starts meanwhile.
constexpr auto kPatience = 500ms;
constexpr int kTries = 4;
constexpr Time kBrisk = 20 * kMillisecond;

numpool::client_options options_for(const std::string& way) {
  numpool::client_options options;
  options.conninfo = way;
  options.connect_timeout = 5s;
  return options;
}

}  // namespace

// The callback of its loss has a share in it.
struct Holder::Held {
  Grant grant;
  std::atomic<Time> lost{0};
};

Holder::Holder(const Cluster& cluster, const Group& group, const std::string& folder)
    : cluster_(cluster), group_(group), folder_(folder), thread_([this] { run(); }) {}

Holder::~Holder() {
  leave();
  if (thread_.joinable()) thread_.join();
}

void Holder::run() {
  while (!over_) {
    try {
      switch (group_.manner) {
        case Manner::kHold:
        case Manner::kBrisk:
          hold_leases();
          break;
        case Manner::kTimed:
          hold_timed_leases();
          break;
        case Manner::kRun:
          run_commands();
          break;
      }
    } catch (const numpool::error&) {
      // Its server is not there, or went: that is what this is about.
      nap(20ms);
    }
  }
}

void Holder::hold_leases() {
  const numpool::client client(
      options_for(group_.proxied ? cluster_.proxied() : cluster_.direct()));
  const numpool::pool pool = client.open(group_.name);
  for (int tries = 0; tries < kTries && !over_; tries++) {
    std::optional<numpool::lease> lease = pool.acquire_for(kPatience);
    if (!lease) continue;
    const auto held = std::make_shared<Held>();
    held->grant.belief.begin = now();
    held->grant.belief.index = lease->index();
    held->grant.belief.fence = lease->fence();
    held->grant.node = cluster_.node_of(client.backend_pid());
    lease->on_lost([held] { held->lost = now(); });
    stay(held, group_.manner == Manner::kBrisk ? kBrisk : kNever);
    lease->release();
  }
}

void Holder::hold_timed_leases() {
  const numpool::client client(options_for(cluster_.direct()));
  const numpool::pool pool = client.open(group_.name);
  numpool::timed_options options;
  options.ttl = std::chrono::seconds(kTimedTtl);
  options.timeout = kPatience;
  for (int tries = 0; tries < kTries && !over_; tries++) {
    std::optional<numpool::timed_lease> lease = pool.try_acquire_timed(options);
    if (!lease) continue;
    const auto held = std::make_shared<Held>();
    held->grant.belief.begin = now();
    held->grant.belief.index = lease->index();
    held->grant.belief.fence = lease->fence();
    held->grant.node = cluster_.node_of(client.backend_pid());
    lease->on_lost([held] { held->lost = now(); });
    stay(held, kNever);
    lease->release();
  }
}

void Holder::stay(const std::shared_ptr<Held>& held, Time time) {
  Belief& belief = held->grant.belief;
  const Time until = time == kNever ? kNever : belief.begin + time;
  while (now() < until && held->lost == 0 && !over_) nap(2ms);
  belief.end = now();
  // NB: from here on it does not use the number, so what it is told now does not matter.
  if (const Time lost = held->lost; lost != 0) {
    belief.end = lost;
    belief.lost = true;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  held_.push_back(held);
}

void Holder::run_commands() const {
  ProgramSetup setup;
  setup.env = {{"NUMPOOL_TEST_ROLE", kCommandRole}, {kAccountsVariable, folder_}};
  Program command({"build/numpool", "run", group_.name, "--url", cluster_.direct(), "--grace",
                   std::to_string(kGrace) + "s", "--timeout", "2s", "--",
                   std::filesystem::read_symlink("/proc/self/exe").string()},
                  setup);
  while (!over_ && command.running()) nap(5ms);
  if (command.running()) command.signal(SIGTERM);
  command.wait();
}

std::vector<Grant> Holder::grants() {
  if (thread_.joinable()) thread_.join();
  std::vector<Grant> all;
  for (const auto& one : held_) all.push_back(one->grant);
  return all;
}

}  // namespace numpool_test
