// Failovers of a cluster of Patroni's, as those see them who lease: tests/cluster/run calls it in a
// network namespace of its own.
#include <signal.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cluster/account.h"
#include "cluster/trial.h"
#include "support/folder.h"

using namespace numpool_test;

namespace {

struct Setting {
  const char* name;
  Plan plan;
  std::vector<std::string> faults;  // none: all
};

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> all = {
      {"asynchronous", {false, false, false}, {}},
      {"synchronous", {true, false, false}, {}},
      {"guarded",
       {true, true, true},
       {"switchover", "manager-killed", "manager-stopped", "server-stopped", "node-stopped",
        "store-lost"}},
  };
  return all;
}

// "-": there was nothing to be measured.
std::string seconds(double value) {
  if (value < 0) return "-";
  char text[20];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

class Run {
 public:
  explicit Run(const std::vector<std::string>& names) : names_(names) {}

  bool all() {
    for (const Setting& setting : all_settings()) {
      std::vector<const Fault*> faults;
      for (const Fault& fault : all_faults())
        if (is_wanted(setting, fault)) faults.push_back(&fault);
      if (!faults.empty()) try_setting(setting, faults);
    }
    print_table();
    std::printf("1..%d\n# %d passed, %d failed\n", count_, count_ - failed_, failed_);
    return failed_ == 0 && count_ > 0;
  }

 private:
  static bool has(const std::vector<std::string>& names, const std::string& name) {
    for (const std::string& one : names)
      if (one == name) return true;
    return false;
  }

  // A name of a setting stands for all of it, one of a fault for it in every setting, and
  // SETTING/FAULT for that alone.
  bool is_wanted(const Setting& setting, const Fault& fault) const {
    const std::string both = std::string(setting.name) + '/' + fault.name;
    if (names_.empty() || has(names_, setting.name) || has(names_, fault.name))
      return setting.faults.empty() || has(setting.faults, fault.name);
    return has(names_, both);
  }

  void try_setting(const Setting& setting, const std::vector<const Fault*>& faults) {
    const std::string folder = new_folder(setting.name);
    try {
      Cluster cluster(setting.plan, folder + "/cluster");
      make_pools(cluster);
      for (const Fault* fault : faults) {
        cluster.heal();
        tell(setting, *fault, try_fault(cluster, *fault, folder + '/' + fault->name));
      }
    } catch (const std::exception& error) {
      line(false, std::string(setting.name) + ": " + error.what());
    }
  }

  void line(bool ok, const std::string& text) {
    if (!ok) failed_++;
    std::printf("%s %d - %s\n", ok ? "ok" : "not ok", ++count_, text.c_str());
    std::fflush(stdout);
  }

  void tell(const Setting& setting, const Fault& fault, const Report& report) {
    const std::string title = std::string(setting.name) + '/' + fault.name;
    std::string row = "| " + std::string(fault.text) + " | " + setting.plan.text() + " |";
    std::string without;
    for (const auto& [group, reading] : report.groups) {
      std::printf(
          "# %s, %s: two believe for %s s (%d times), %d told of a loss, "
          "%s s until the next grant, at most %s s without one\n",
          title.c_str(), group->name, seconds(reading.two_believed).c_str(), reading.overlaps,
          reading.told_lost, seconds(reading.again).c_str(),
          seconds(reading.longest_without).c_str());
      if (group->manner == Manner::kBrisk)
        without = seconds(reading.longest_without);
      else
        row += ' ' + seconds(reading.two_believed) + " |";
    }
    std::printf("# %s: node%d, then node%d\n", title.c_str(), report.before + 1, report.after + 1);
    rows_.push_back(row + ' ' + without + " |");
    for (const std::string& one : report.violations) std::printf("# VIOLATION %s\n", one.c_str());
    line(report.violations.empty(), title);
  }

  void print_table() const {
    std::printf(
        "\nSeconds that two believed, by how they lease, and without a new lease\n\n"
        "| fault | cluster |");
    for (const Group& group : all_groups())
      if (group.manner != Manner::kBrisk) std::printf(" %s |", group.name);
    std::printf(" without |\n");
    for (const std::string& row : rows_) std::printf("%s\n", row.c_str());
    std::printf("\n");
  }

  const std::vector<std::string> names_;
  int count_ = 0, failed_ = 0;
  std::vector<std::string> rows_;
};

void print_help() {
  std::printf("cluster [SETTING | FAULT | SETTING/FAULT]...\n\nSettings:");
  for (const Setting& setting : all_settings())
    std::printf(" %s (%s)", setting.name, setting.plan.text().c_str());
  std::printf("\nFaults:\n");
  for (const Fault& fault : all_faults()) std::printf("  %-18s %s\n", fault.name, fault.text);
}

}  // namespace

int main(int argc, char** argv) {
  play_command_role();
  signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> names(argv + 1, argv + argc);
  if (!names.empty() && names.front() == "--help") {
    print_help();
    return 0;
  }
  return Run(names).all() ? 0 : 1;
}
