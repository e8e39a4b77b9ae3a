// One pool as the promises describe it (README.md, "What it promises"), in the plainest terms: who
// leases which index, and who waits in which order. It has nothing to find either quickly. Each
// function names the promise that it keeps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "core/pool.h"

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
  explicit NaivePool(std::uint32_t size) : size_(size), leases_(size) {}

  // P4: the lowest free index; P2: nobody overtakes the queue.
  std::optional<std::uint32_t> acquire(const Ask& ask, std::uint32_t limit, std::int64_t now) {
    if (!queue_.empty()) return std::nullopt;
    const std::optional<std::uint32_t> index = lowest_free();
    if (!index || *index >= limit) return std::nullopt;
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
  // above the size is granted no more.
  std::vector<NaiveGrant> release(std::uint32_t index, std::int64_t now) {
    leases_[index].reset();
    if (!may_be_given(index) || queue_.empty()) return {};
    return {hand_over(index, now)};
  }

  // Leases above a smaller size stay.
  void resize(std::uint32_t size) {
    size_ = size;
    if (size > leases_.size()) leases_.resize(size);
  }

  // Those are not given, nor, if it is drained, any other. Leases of them stay.
  void set_service(std::set<std::uint32_t> out, bool drained) {
    out_ = std::move(out);
    drained_ = drained;
  }

  // Gives waiters the numbers that a growth has brought, or one that is in service again, in
  // portions.
  std::vector<NaiveGrant> serve(std::size_t at_most, std::int64_t now) {
    std::vector<NaiveGrant> grants;
    while (grants.size() < at_most && owes_service())
      grants.push_back(hand_over(*lowest_free(), now));
    return grants;
  }
  bool owes_service() const { return !queue_.empty() && lowest_free().has_value(); }

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
    std::uint32_t free = 0;
    for (std::uint32_t index = 0; index < leases_.size(); ++index) {
      in_use += leases_[index] ? 1 : 0;
      free += !leases_[index] && may_be_given(index) ? 1 : 0;
    }
    if (pool.size != size_) return "size";
    if (pool.in_use != in_use) return "in_use";
    if (pool.free != free) return "free";
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
  bool may_be_given(std::uint32_t index) const {
    return index < size_ && !drained_ && out_.count(index) == 0;
  }

  std::optional<std::uint32_t> lowest_free() const {
    for (std::uint32_t index = 0; index < size_; ++index)
      if (!leases_[index] && may_be_given(index)) return index;
    return std::nullopt;
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
