#include "checker.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace numpool_test {

namespace {

constexpr std::size_t kMostOfAKind = 5;

std::string text(const Lease& lease) {
  const auto time = [](Time t) { return t == kNever ? std::string("never") : std::to_string(t); };
  return "pool " + std::to_string(lease.pool) + " index " + std::to_string(lease.index) +
         " fence " + std::to_string(lease.fence) + " pid " + std::to_string(lease.pid) + " asked " +
         time(lease.asked) + " told " + time(lease.told) + " end asked " + time(lease.end_asked);
}

class Checker {
 public:
  explicit Checker(const History& history) : history_(history) {
    for (const Lease& lease : history.leases) by_pool_[lease.pool].push_back(&lease);
  }

  std::vector<Fault> run(bool complete) {
    for (const std::string& what : history_.faults) add(Broken::kSeen, what);
    for (auto& [pool, leases] : by_pool_) {
      check_holders(leases);
      check_fences_of_an_index(leases);
      check_fences_in_time(leases);
    }
    check_queues();
    check_counts();
    if (complete) check_end();
    return std::move(faults_);
  }

 private:
  using Leases = std::vector<const Lease*>;

  void add(Broken what, const std::string& detail) {
    if (found_[what]++ < kMostOfAKind) faults_.push_back({what, detail});
  }

  void add(Broken what, const Lease& a, const Lease& b) { add(what, text(a) + " / " + text(b)); }

  // In the order of the holders' being told, nobody is told before the last one has asked to end.
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

  // By fence instead of by time: each lease of an index was over before the next one was told.
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
    std::sort(by_asked.begin(), by_asked.end(),
              [](const Lease* a, const Lease* b) { return a->asked < b->asked; });
    std::sort(by_told.begin(), by_told.end(),
              [](const Lease* a, const Lease* b) { return a->told < b->told; });
    const Lease* highest = nullptr;
    std::size_t told = 0;
    for (const Lease* lease : by_asked) {
      for (; told < by_told.size() && by_told[told]->told < lease->asked; told++)
        if (highest == nullptr || by_told[told]->fence > highest->fence) highest = by_told[told];
      if (highest != nullptr && highest->fence > lease->fence)
        add(Broken::kFenceOrder, *highest, *lease);
    }
  }

  // The lease that a waiter seen in a queue went on to get: his wait covers all of the look, so
  // there is one at most. nullptr if he got none.
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
    for (const Lease& lease : history_.leases)
      waits_[{lease.pool, lease.pid, lease.ticket}].push_back(&lease);
    for (auto& [key, leases] : waits_)
      std::sort(leases.begin(), leases.end(),
                [](const Lease* a, const Lease* b) { return a->asked < b->asked; });
    std::map<int, Newcomers> newcomers;
    for (const auto& [pool, leases] : by_pool_) newcomers.emplace(pool, leases);
    for (const Queue& queue : history_.queues) {
      const Lease* before = nullptr;
      for (const auto& waiter : queue.waiters) {
        const Lease* lease = granted(queue, waiter);
        if (lease == nullptr) continue;
        if (before != nullptr && before->fence > lease->fence)
          add(Broken::kQueueOrder, *before, *lease);
        before = lease;
        const Lease* newcomer = newcomers.at(queue.pool).lowest_fence_after(queue.told);
        if (newcomer != nullptr && newcomer->fence < lease->fence)
          add(Broken::kOvertaken, *lease, *newcomer);
      }
    }
  }

  // Answers which of the leases asked for after a time has the lowest fence.
  class Newcomers {
   public:
    explicit Newcomers(Leases leases) {
      std::sort(leases.begin(), leases.end(),
                [](const Lease* a, const Lease* b) { return a->asked < b->asked; });
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

  void check_counts() {
    for (const Count& row : history_.counts) {
      const std::string detail =
          "pool " + std::to_string(row.pool) + ": size " + std::to_string(row.size) + ", in use " +
          std::to_string(row.in_use) + ", free " + std::to_string(row.free) + ", waiting " +
          std::to_string(row.waiting) + " at " + std::to_string(row.asked);
      if (row.free > 0 && row.waiting > 0) add(Broken::kIdleNumber, detail);
      if (row.in_use + row.free != row.size || row.in_use < 0 || row.free < 0 || row.waiting < 0)
        add(Broken::kMiscounted, detail);
    }
  }

  void check_end() {
    for (const Lease& lease : history_.leases)
      if (lease.end_asked == kNever) add(Broken::kNeverEnded, text(lease));
    std::map<int, const Count*> last;
    for (const Count& row : history_.counts) {
      const Count*& newest = last[row.pool];
      if (newest == nullptr || row.asked > newest->asked) newest = &row;
    }
    for (const auto& [pool, row] : last)
      if (row->in_use != 0 || row->waiting != 0)
        add(Broken::kLeftOver, "pool " + std::to_string(pool) + ": in use " +
                                   std::to_string(row->in_use) + ", waiting " +
                                   std::to_string(row->waiting));
  }

  const History& history_;
  std::map<int, Leases> by_pool_;
  std::map<std::tuple<int, int, std::int64_t>, Leases> waits_;  // pool, pid, ticket
  std::map<Broken, std::size_t> found_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> check(const History& history, bool complete) {
  return Checker(history).run(complete);
}

}  // namespace numpool_test
