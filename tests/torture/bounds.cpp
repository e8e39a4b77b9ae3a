#include "bounds.h"

#include <algorithm>

namespace numpool_test {

namespace {

using Key = std::pair<int, int>;  // pool and index
using ByIndex = std::map<Key, std::vector<const Lease*>>;

// The lease of the index with the next fence, if whoever got it was waiting at the time.
const Lease* heir_of(const ByIndex& by_index, const Lease& lease, Time time) {
  const auto& all = by_index.at({lease.pool, lease.index});
  const auto next =
      std::upper_bound(all.begin(), all.end(), &lease,
                       [](const Lease* a, const Lease* b) { return a->fence < b->fence; });
  if (next == all.end() || (*next)->asked >= time || (*next)->told <= time) return nullptr;
  return *next;
}

// The leases of the session that died at `time`, for whose end it never had an answer. Pids are
// used again, so it is the last session with that pid.
std::vector<const Lease*> held_at(const std::vector<const Lease*>& of_pid, Time time) {
  const Lease* last = nullptr;
  for (const Lease* lease : of_pid)
    if (lease->told < time && (last == nullptr || lease->told > last->told)) last = lease;
  std::vector<const Lease*> held;
  if (last == nullptr) return held;
  for (const Lease* lease : of_pid)
    if (lease->log == last->log && lease->told < time && lease->end_asked <= time &&
        lease->end_told > time)
      held.push_back(lease);
  return held;
}

// The first grant that was told, of those that were asked for when nobody was left to grant
// anything.
const Lease* first_after(const History& history, const Death& death) {
  const Lease* first = nullptr;
  for (const Lease& lease : history.leases)
    if (lease.asked > death.gone && (first == nullptr || lease.told < first->told)) first = &lease;
  return first;
}

double milliseconds(Time from, Time to) {
  return static_cast<double>(to - from) / 1e6;
}

}  // namespace

std::map<std::string, std::vector<double>> times_to_next_grant(const History& history) {
  ByIndex by_index;
  std::map<int, std::vector<const Lease*>> by_pid;
  for (const Lease& lease : history.leases) {
    by_index[{lease.pool, lease.index}].push_back(&lease);
    by_pid[lease.pid].push_back(&lease);
  }
  for (auto& [key, leases] : by_index)
    std::sort(leases.begin(), leases.end(),
              [](const Lease* a, const Lease* b) { return a->fence < b->fence; });
  std::map<std::string, std::vector<double>> times;
  for (const Death& death : history.deaths) {
    if (death.pid == 0) {
      if (const Lease* first = first_after(history, death))
        times[death.kind].push_back(milliseconds(death.at, first->told));
      continue;
    }
    for (const Lease* lease : held_at(by_pid[death.pid], death.at))
      if (const Lease* heir = heir_of(by_index, *lease, death.at))
        times[death.kind].push_back(milliseconds(death.at, heir->told));
  }
  for (auto& [kind, all] : times) std::sort(all.begin(), all.end());
  return times;
}

double percentile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  const std::size_t at = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace numpool_test
