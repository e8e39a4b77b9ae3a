#include "trial.h"

#include <filesystem>
#include <map>
#include <memory>

#include "cluster/account.h"
#include "support/session.h"
#include "torture/edges/pulse.h"

namespace numpool_test {

namespace {

constexpr Time kSecond = 1000000000;
constexpr auto kSettled = 60s + kDeathDelay * 1s;

void sleep_until(Time time) {
  while (now() < time) nap(10ms);
}

class Trial {
 public:
  Trial(Cluster& cluster, const Fault& fault, const std::string& folder)
      : cluster_(cluster), fault_(fault), folder_(folder) {
    std::filesystem::create_directory(folder_);
  }

  Report run() {
    report_.before = what_.before = cluster_.primary();
    cluster_.put_last(report_.before);
    start_holders();
    wait_until_settled();
    const int resets = all_resets();
    what_.fault = now();
    fault_.inject(cluster_, report_.before);
    sleep_until(what_.fault + fault_.undo_after * kSecond);
    fault_.undo(cluster_, report_.before);
    sleep_until(what_.fault + fault_.length * kSecond);
    what_.until = now();
    eventually([&] { return (report_.after = cluster_.primary()) >= 0; }, kSettled);
    what_.after = report_.after;
    for (const auto& one : holders_) one.second->leave();
    report_.resets = all_resets() - resets;
    judge();
    return report_;
  }

 private:
  std::string accounts(const Group& group) const { return folder_ + '/' + group.name; }

  void start_holders() {
    for (const Group& group : all_groups()) {
      std::filesystem::create_directory(accounts(group));
      for (int i = 0; i < group.holders; i++)
        holders_.emplace_back(&group, std::make_unique<Holder>(cluster_, group, accounts(group)));
    }
  }

  // Every number has a holder, and a moment has passed in which nobody came or went.
  void wait_until_settled() const {
    Session session(cluster_.direct());
    int size = 0;
    for (const Group& group : all_groups()) size += group.manner == Manner::kBrisk ? 0 : group.size;
    const auto all_held = [&] {
      return *session.number("SELECT count(*) FROM numpool_leases WHERE pool <> 'brisk'") == size;
    };
    if (!eventually(all_held, kSettled)) throw TestError("not every number finds a holder");
    nap(3000ms);
  }

  int all_resets() {
    int sum = 0;
    for (int at = 0; at < kNodes; at++) sum += cluster_.node(at).resets();
    return sum;
  }

  void violation(const std::string& text) { report_.violations.push_back(text); }

  void judge() {
    what_.stalls = pulse_.stop();
    std::map<const Group*, std::vector<Grant>> grants;
    for (const auto& [group, holder] : holders_)
      for (const Grant& one : holder->grants()) grants[group].push_back(one);
    for (const Group& group : all_groups()) {
      if (group.manner == Manner::kRun) grants[&group] = read_accounts(accounts(group));
      what_.may_believe = may_believe(fault_, cluster_.plan(), group);
      report_.groups.push_back({&group, judge_grants(grants[&group], what_)});
      for (const std::string& one : report_.groups.back().reading.violations)
        violation(std::string(group.name) + ": " + one);
    }
    judge_outage();
    judge_effect();
  }

  const Reading& reading_of(Manner manner) const {
    for (const GroupReading& one : report_.groups)
      if (one.group->manner == manner) return one.reading;
    throw TestError("no group of that manner");
  }

  void judge_outage() {
    const double without = reading_of(Manner::kBrisk).longest_without;
    if (without > may_be_without(fault_, cluster_.plan()) * slowness())
      violation("no leases for " + std::to_string(without) + " s");
    // A timed lease is renewed at a third of its time, and so has two thirds, and a moment until
    // its client is back.
    constexpr int kMoment = 2;
    if (fault_.ending == Ending::kTold && without < kTimedTtl * 2 / 3 - kMoment &&
        reading_of(Manner::kTimed).told_lost > 0)
      violation("timed leases were lost");
  }

  // A fault that had no effect shows nothing.
  void judge_effect() {
    if (report_.after < 0) violation("no primary, or two of them, at the end");
    if (fault_.moves && report_.after == report_.before)
      violation("no other node became the primary");
    if (cluster_.plan().watchdog && fault_.ending != Ending::kTold && report_.resets != 1)
      violation("the watchdog reset " + std::to_string(report_.resets) + " nodes");
  }

  Cluster& cluster_;
  const Fault& fault_;
  const std::string folder_;
  Report report_;
  Circumstances what_;
  Pulse pulse_;
  std::vector<std::pair<const Group*, std::unique_ptr<Holder>>> holders_;
};

}  // namespace

const std::vector<Group>& all_groups() {
  static const std::vector<Group> all = {
      {"brisk", Manner::kBrisk, false, 2, 3}, {"plain", Manner::kHold, false, 2, 4},
      {"run", Manner::kRun, false, 2, 3},     {"timed", Manner::kTimed, false, 2, 4},
      {"proxied", Manner::kHold, true, 2, 4}, {"delayed", Manner::kHold, false, 2, 4, kDeathDelay},
  };
  return all;
}

void make_pools(const Cluster& cluster) {
  Session session(cluster.direct());
  session.must("CREATE EXTENSION numpool");
  for (const Group& group : all_groups())
    session.must(std::string("SELECT numpool_create('") + group.name + "', " +
                 std::to_string(group.size) + R"(, settings => '{"death_delay": ")" +
                 std::to_string(group.death_delay) + R"( s"}'))");
}

Report try_fault(Cluster& cluster, const Fault& fault, const std::string& folder) {
  return Trial(cluster, fault, folder).run();
}

}  // namespace numpool_test
