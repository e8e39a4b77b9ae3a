// One pool as the promises describe it (README.md, "What it promises"), in the plainest terms: who
// leases which index, and who waits in which order. It has nothing to find either quickly. Each
// function names the promise that it keeps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/pool.h"
#include "core/rest.h"

namespace numpool_test {

// A session asking, at once or from the queue. `tag` is different for each.
struct Ask {
  numpool::SessionId session;
  std::uint64_t tag;
  numpool::Scope scope;
  numpool::WaiterKind kind;
  std::int64_t since;
};

struct NaiveLease {
  Ask ask;
  bool handed_over;
  std::int64_t acquired_at;
};

struct NaiveGrant {
  Ask ask;
  std::uint32_t index;
};

class NaivePool {
 public:
  explicit NaivePool(std::uint32_t size) : size_(size), leases_(size) {
    for (std::uint32_t index = 0; index < size; ++index) by_age_.push_back(index);
  }

  // P4: the lowest free index, or what the policy says; P2: nobody overtakes the queue.
  std::optional<std::uint32_t> acquire(const Ask& ask, std::uint32_t limit, std::int64_t now) {
    if (!queue_.empty()) return std::nullopt;
    const std::optional<std::uint32_t> index = choose(limit);
    if (!index || *index >= limit) return std::nullopt;
    take(*index);
    leases_[*index] = NaiveLease{ask, false, now};
    ++grants_;
    return index;
  }

  void join(const Ask& ask) { queue_.push_back(ask); }

  // Whether it was still waiting.
  bool leave(std::uint64_t tag, numpool::Leave why) {
    const auto at = std::find_if(queue_.begin(), queue_.end(),
                                 [tag](const Ask& ask) { return ask.tag == tag; });
    if (at == queue_.end()) return false;
    queue_.erase(at);
    ++(why == numpool::Leave::kTimeout ? timeouts_ : cancels_);
    return true;
  }

  // The same for a victim of a deadlock.
  bool condemn(std::uint64_t tag) {
    if (!leave(tag, numpool::Leave::kCancel)) return false;
    --cancels_;
    ++deadlocks_;
    return true;
  }

  // P2: the index goes to a waiter if there is one; P3: to the one who has waited longest. An index
  // above the size or out of service is granted no more, and one that has to rest is granted to
  // nobody.
  std::vector<NaiveGrant> release(std::uint32_t index, numpool::EndKind end, std::int64_t now) {
    leases_[index].reset();
    const bool bad = end == numpool::EndKind::kBad;
    if (end != numpool::EndKind::kUnlearnt && delay(bad) != 0) {
      resting_.push_back({index, bad, now});
      return {};
    }
    if (!may_be_given(index)) return {};
    if (!queue_.empty()) return {hand_over(index, now)};
    by_age_.push_back(index);
    return {};
  }

  // Leases and rests above a smaller size stay. New numbers are given first.
  void resize(std::uint32_t size) {
    const std::uint32_t old = size_;
    size_ = size;
    if (size > leases_.size()) leases_.resize(size);
    by_age_.erase(std::remove_if(by_age_.begin(), by_age_.end(),
                                 [size](std::uint32_t index) { return index >= size; }),
                  by_age_.end());
    for (std::uint32_t index = size; index > old; --index)
      if (is_free(index - 1)) by_age_.push_front(index - 1);
  }

  void configure(const numpool::PoolSettings& settings) {
    const bool reorder = settings.policy != settings_.policy;
    settings_ = settings;
    if (!reorder) return;
    by_age_.clear();
    for (std::uint32_t index = 0; index < size_; ++index)
      if (is_free(index)) by_age_.push_back(index);
  }

  // Rests end when their time has come: those after a release before those after a bad end, each
  // kind in its order, a portion at a time. Whether there are more.
  bool end_rests(std::size_t at_most, std::int64_t now) {
    for (const bool bad : {false, true}) {
      for (auto rest = resting_.begin(); rest != resting_.end();) {
        if (rest->bad != bad || rest->since + delay(bad) > now) {
          ++rest;
          continue;
        }
        if (at_most-- == 0) return true;
        if (may_be_given(rest->index)) by_age_.push_back(rest->index);
        rest = resting_.erase(rest);
      }
    }
    return false;
  }

  // Those are not given, nor, if it is drained, any other. Leases of them stay.
  void set_service(std::set<std::uint32_t> out, bool drained) {
    const std::set<std::uint32_t> before = std::exchange(out_, std::move(out));
    const bool all = std::exchange(drained_, drained) != drained;
    for (std::uint32_t index = 0; all && index < size_; ++index) settle(index);
    for (std::uint32_t index : before) settle(index);
    for (std::uint32_t index : out_) settle(index);
  }

  // Gives waiters the numbers that a growth has brought, or one that is in service again, in
  // portions.
  std::vector<NaiveGrant> serve(std::size_t at_most, std::int64_t now) {
    std::vector<NaiveGrant> grants;
    while (grants.size() < at_most && owes_service()) {
      const std::uint32_t index = *choose(size_);
      take(index);
      grants.push_back(hand_over(index, now));
    }
    return grants;
  }
  bool owes_service() const { return !queue_.empty() && !by_age_.empty(); }

  // A drop: those who wait are sent away, first come first.
  std::vector<Ask> dismiss(std::size_t at_most) {
    std::vector<Ask> gone;
    for (; gone.size() < at_most && !queue_.empty(); queue_.pop_front())
      gone.push_back(queue_.front());
    return gone;
  }

  std::uint32_t size() const { return size_; }
  const std::optional<NaiveLease>& lease(std::uint32_t index) const {
    static const std::optional<NaiveLease> none;
    return index < leases_.size() ? leases_[index] : none;
  }
  const std::deque<Ask>& queue() const { return queue_; }

  // Compares with the header of the real pool: nullptr, or the name of the first member that
  // differs. O(size).
  const char* compare_totals(const numpool::Pool& pool) const {
    std::uint32_t in_use = 0;
    for (const std::optional<NaiveLease>& lease : leases_) in_use += lease ? 1 : 0;
    if (pool.resting != resting_.size()) return "resting";
    if (pool.size != size_) return "size";
    if (pool.in_use != in_use) return "in_use";
    if (pool.free != by_age_.size()) return "free";
    return nullptr;
  }

  const char* compare_counters(const numpool::PoolCounters& counters) const {
    if (counters.grants != grants_) return "grants";
    if (counters.handoffs != handoffs_) return "handoffs";
    if (counters.timeouts != timeouts_) return "timeouts";
    if (counters.cancels != cancels_) return "cancels";
    if (counters.deadlocks != deadlocks_) return "deadlocks";
    if (counters.wait_total != wait_total_) return "wait_total";
    if (counters.wait_longest != wait_longest_) return "wait_longest";
    return nullptr;
  }

 private:
  struct Rest {
    std::uint32_t index;
    bool bad;
    std::int64_t since;
  };

  bool may_be_given(std::uint32_t index) const {
    return index < size_ && !drained_ && out_.count(index) == 0;
  }
  bool is_free(std::uint32_t index) const {
    return may_be_given(index) && !leases_[index] &&
           std::none_of(resting_.begin(), resting_.end(),
                        [index](const Rest& rest) { return rest.index == index; });
  }
  // After a change of what may be given: what is free by it and was not has been so from now on.
  void settle(std::uint32_t index) {
    const auto at = std::find(by_age_.begin(), by_age_.end(), index);
    const bool was_free = at != by_age_.end();
    if (index < size_ && is_free(index) && !was_free) by_age_.push_back(index);
    if (was_free && !is_free(index)) by_age_.erase(at);
  }

  // A bad end is a release, too.
  std::int64_t delay(bool bad) const {
    return bad ? std::max(settings_.cooldown, settings_.death_delay) : settings_.cooldown;
  }

  // Who is about to shrink the pool to `limit` gets none above it.
  std::optional<std::uint32_t> choose(std::uint32_t limit) const {
    if (by_age_.empty()) return std::nullopt;
    if (settings_.policy == numpool::Policy::kLongestFree && by_age_.front() < limit)
      return by_age_.front();
    return *std::min_element(by_age_.begin(), by_age_.end());
  }
  void take(std::uint32_t index) {
    by_age_.erase(std::find(by_age_.begin(), by_age_.end(), index));
  }

  NaiveGrant hand_over(std::uint32_t index, std::int64_t now) {
    const Ask ask = queue_.front();
    queue_.pop_front();
    leases_[index] = NaiveLease{ask, true, now};
    ++grants_;
    ++handoffs_;
    wait_total_ += now - ask.since;
    wait_longest_ = std::max(wait_longest_, now - ask.since);
    return {ask, index};
  }

  std::uint32_t size_;
  std::vector<std::optional<NaiveLease>> leases_;  // up to the largest size so far
  std::deque<std::uint32_t> by_age_;               // what is free, the longest first
  std::vector<Rest> resting_;                      // in the order in which they began
  numpool::PoolSettings settings_;
  std::deque<Ask> queue_;
  std::set<std::uint32_t> out_;
  bool drained_ = false;
  std::uint64_t grants_ = 0;
  std::uint64_t handoffs_ = 0;
  std::uint64_t timeouts_ = 0;
  std::uint64_t cancels_ = 0;
  std::uint64_t deadlocks_ = 0;
  std::int64_t wait_total_ = 0;
  std::int64_t wait_longest_ = 0;
};

}  // namespace numpool_test
