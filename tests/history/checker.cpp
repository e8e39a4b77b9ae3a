#include "checker.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "history/fault_list.h"

namespace numpool_test {

namespace {

using Leases = std::vector<const Lease*>;

void sort_by(Leases& leases, Time Lease::*member) {
  std::sort(leases.begin(), leases.end(),
            [member](const Lease* a, const Lease* b) { return a->*member < b->*member; });
}

// An era is the time of one database; only fences of one database can be compared. -1: it is not
// certain in which era it was.
int era(const History& history, Time from, Time to) {
  int began = 0, over = 0;
  for (const Wipes::Span& reset : history.resets) {
    if (reset.told < from) over++;
    if (reset.asked <= to) began++;
  }
  return began == over ? began : -1;
}

// Answers which of the leases asked for after a time has the lowest fence.
class Newcomers {
 public:
  explicit Newcomers(Leases leases) {
    sort_by(leases, &Lease::asked);
    for (const Lease* lease : leases) asked_.push_back(lease->asked);
    lowest_ = std::move(leases);
    for (std::size_t i = lowest_.size(); i-- > 1;)
      if (lowest_[i]->fence < lowest_[i - 1]->fence) lowest_[i - 1] = lowest_[i];
  }

  const Lease* lowest_fence_after(Time time) const {
    const auto first = std::upper_bound(asked_.begin(), asked_.end(), time);
    return first == asked_.end() ? nullptr
                                 : lowest_[static_cast<std::size_t>(first - asked_.begin())];
  }

 private:
  std::vector<Time> asked_;
  Leases lowest_;
};

class Checker {
 public:
  explicit Checker(const History& history) : history_(history), leases_(history.leases) {
    for (Lease& lease : leases_) {
      // A wipe may have ended it, at the earliest when it began.
      const Wipes::Span* wipe = history.wipes.first_after(lease.pool, lease.asked);
      if (wipe != nullptr && wipe->asked < lease.end_asked)
        lease.end_asked = std::max(wipe->asked, lease.asked);
      by_pool_[lease.pool].push_back(&lease);
      const int its_era = era(history, lease.asked, lease.told);
      if (its_era >= 0) by_era_[{lease.pool, its_era}].push_back(&lease);
    }
  }

  std::vector<Fault> run(bool complete) {
    for (const std::string& what : history_.faults) faults_.add(Broken::kSeen, what);
    for (const std::string& what : history_.broken) faults_.add(Broken::kAnswer, what);
    for (const auto& [pool, leases] : by_pool_) check_holders(leases);
    for (const auto& [key, leases] : by_era_) {
      check_fences_of_an_index(leases);
      check_fences_in_time(leases);
    }
    check_queues();
    check_counts();
    check_unused_drops();
    if (complete) check_end();
    return faults_.shortest_first();
  }

 private:
  void add(Broken what, const Lease& a, const Lease& b) { faults_.add(what, history_, a, b); }
  // Two leases alone contradict nothing; it takes the look that shows who waited before whom.
  void add(Broken what, const Lease& a, const Lease& b, const Queue& queue) {
    faults_.add(what, history_, a, b, text_of(queue));
  }

  // Sorted by when holders were told: nobody may be told before the last holder has asked for the
  // end of his lease.
  void check_holders(Leases leases) {
    std::sort(leases.begin(), leases.end(), [](const Lease* a, const Lease* b) {
      return std::tie(a->index, a->told) < std::tie(b->index, b->told);
    });
    const Lease* longest = nullptr;
    for (const Lease* lease : leases) {
      if (lease->end_asked <= lease->told) continue;  // was never surely held
      if (longest == nullptr || longest->index != lease->index) {
        longest = lease;
        continue;
      }
      if (lease->told < longest->end_asked) add(Broken::kTwoHolders, *longest, *lease);
      if (lease->end_asked > longest->end_asked) longest = lease;
    }
  }

  // The same by fence instead of by time: each lease of an index was over before the next one was
  // told.
  void check_fences_of_an_index(Leases leases) {
    std::sort(leases.begin(), leases.end(), [](const Lease* a, const Lease* b) {
      return std::tie(a->index, a->fence) < std::tie(b->index, b->fence);
    });
    for (std::size_t i = 1; i < leases.size(); i++) {
      const Lease &a = *leases[i - 1], &b = *leases[i];
      if (a.index == b.index && b.told < a.end_asked && a.fence != b.fence)
        add(Broken::kTwoHolders, a, b);
    }
    std::sort(leases.begin(), leases.end(),
              [](const Lease* a, const Lease* b) { return a->fence < b->fence; });
    for (std::size_t i = 1; i < leases.size(); i++)
      if (leases[i - 1]->fence == leases[i]->fence)
        add(Broken::kFenceRepeated, *leases[i - 1], *leases[i]);
  }

  // A grant that was told before another was asked for has the smaller fence.
  void check_fences_in_time(const Leases& leases) {
    Leases by_asked = leases, by_told = leases;
    sort_by(by_asked, &Lease::asked);
    sort_by(by_told, &Lease::told);
    const Lease* highest = nullptr;
    std::size_t told = 0;
    for (const Lease* lease : by_asked) {
      for (; told < by_told.size() && by_told[told]->told < lease->asked; told++)
        if (highest == nullptr || by_told[told]->fence > highest->fence) highest = by_told[told];
      if (highest != nullptr && highest->fence > lease->fence)
        add(Broken::kFenceOrder, *highest, *lease);
    }
  }

  // The lease that a waiter seen in a queue went on to get, or nullptr if he got none. There is at
  // most one, because his wait covers the whole time of the look.
  const Lease* granted(const Queue& queue, const std::pair<int, std::int64_t>& waiter) const {
    const auto of_pid = waits_.find({queue.pool, waiter.first, waiter.second});
    if (of_pid == waits_.end()) return nullptr;
    const auto& leases = of_pid->second;
    auto after = std::upper_bound(leases.begin(), leases.end(), queue.asked,
                                  [](Time t, const Lease* lease) { return t < lease->asked; });
    if (after == leases.begin()) return nullptr;
    const Lease* last = *--after;
    return last->told > queue.told ? last : nullptr;
  }

  void check_queues() {
    for (const Lease& lease : leases_)
      waits_[{lease.pool, lease.pid, lease.ticket}].push_back(&lease);
    for (auto& [key, leases] : waits_) sort_by(leases, &Lease::asked);
    std::map<std::pair<int, int>, Newcomers> newcomers;
    for (const auto& [key, leases] : by_era_) newcomers.emplace(key, leases);
    for (const Queue& queue : history_.queues) {
      const int its_era = era(history_, queue.asked, queue.told);
      if (its_era >= 0) check_queue(queue, its_era, newcomers);
    }
  }

  void check_queue(const Queue& queue, int its_era,
                   const std::map<std::pair<int, int>, Newcomers>& newcomers) {
    const Lease* before = nullptr;
    for (const auto& waiter : queue.waiters) {
      const Lease* lease = granted(queue, waiter);
      if (lease == nullptr || era(history_, lease->asked, lease->told) != its_era) continue;
      if (before != nullptr && before->fence > lease->fence)
        add(Broken::kQueueOrder, *before, *lease, queue);
      before = lease;
      const Lease* newcomer = newcomers.at({queue.pool, its_era}).lowest_fence_after(queue.told);
      if (newcomer != nullptr && newcomer->fence < lease->fence)
        add(Broken::kOvertaken, *lease, *newcomer, queue);
    }
  }

  void check_counts() {
    for (const Count& row : history_.counts) {
      const std::string detail = "pool " + std::to_string(row.pool) + ": size " +
                                 std::to_string(row.size) + ", in use " +
                                 std::to_string(row.in_use) + ", free " + std::to_string(row.free) +
                                 ", waiting " + std::to_string(row.waiting) + ", bits " +
                                 std::to_string(row.taken) + " at " + std::to_string(row.asked);
      if (row.free > 0 && row.waiting > 0) faults_.add(Broken::kIdleNumber, detail);
      // A pool that has shrunk may have leases above its size; the bitmap has no bit for them.
      if (row.taken + row.free != row.size || row.in_use < row.taken || row.free < 0 ||
          row.waiting < 0)
        faults_.add(Broken::kMiscounted, detail);
    }
  }

  // This counts only leases that no other drop can have ended before.
  void check_unused_drops() {
    for (const UnusedDrop& drop : history_.unused_drops)
      for (const Lease& lease : history_.leases) {
        if (lease.pool != drop.pool || lease.told >= drop.asked || lease.end_asked <= drop.told)
          continue;
        const Wipes::Span* first = history_.wipes.first_after(lease.pool, lease.asked);
        if (first == nullptr || first->asked != drop.asked || first->told != drop.told) continue;
        faults_.add(Broken::kDroppedHeld,
                    text_of(history_, lease) + " / dropped from " + std::to_string(drop.asked) +
                        " to " + std::to_string(drop.told),
                    drop.told - lease.asked);
      }
  }

  void check_end() {
    for (const Lease& lease : history_.leases)
      if (lease.end_asked == kNever) faults_.add(Broken::kNeverEnded, text_of(history_, lease));
    std::map<int, const Count*> last;
    for (const Count& row : history_.counts) {
      const Count*& newest = last[row.pool];
      if (newest == nullptr || row.asked > newest->asked) newest = &row;
    }
    for (const auto& [pool, row] : last)
      if (row->in_use != 0 || row->waiting != 0)
        faults_.add(Broken::kLeftOver, "pool " + std::to_string(pool) + ": in use " +
                                           std::to_string(row->in_use) + ", waiting " +
                                           std::to_string(row->waiting));
  }

  const History& history_;
  std::vector<Lease> leases_;                     // with ends that wipes may have made
  std::map<int, Leases> by_pool_;                 // all of them
  std::map<std::pair<int, int>, Leases> by_era_;  // by pool and era, where it is sure
  std::map<std::tuple<int, int, std::int64_t>, Leases> waits_;  // pool, pid, ticket
  FaultList faults_;
};

}  // namespace

std::vector<Fault> check(const History& history, bool complete) {
  return Checker(history).run(complete);
}

}  // namespace numpool_test
