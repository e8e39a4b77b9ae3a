// A pool with tokens in it as the manual describes them (README.md, "Timed leases"), in the
// plainest terms: who has which number, who waits in which order, and until when each token has
// what it has. It has no timers: it looks at all tokens each time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/timed_lease.h"

namespace numpool_test {

// What a token has. Before it is in a pool, and after, it is not in the model.
struct NaiveToken {
  numpool::TimedState state;
  std::int64_t ttl;
  std::int64_t deadline;
  numpool::SessionId user;
  std::uint32_t index;  // but for a place
  bool has_row;         // which it leaves when it is over
};

// Who has a number or waits for one: a session, by a tag of its own for each lease, or a token.
struct NaiveWho {
  bool is_token;
  std::uint64_t id;  // of the token, or the tag
  bool operator==(const NaiveWho& other) const {
    return is_token == other.is_token && id == other.id;
  }
};

class NaiveTimedPool {
 public:
  explicit NaiveTimedPool(std::uint32_t size) : size_(size) {}

  // Nobody overtakes the queue; the lowest number that is free.
  std::optional<std::uint32_t> acquire(std::uint64_t tag) {
    if (!queue_.empty()) return std::nullopt;
    const std::optional<std::uint32_t> index = lowest_free();
    if (index) holders_[*index] = {false, tag};
    return index;
  }

  void join(const NaiveWho& who) { queue_.push_back(who); }
  void leave(const NaiveWho& who) { queue_.erase(std::find(queue_.begin(), queue_.end(), who)); }

  // The number changes hands, as by a pick-up, a keep, a COMMIT.
  void give(std::uint32_t index, const NaiveWho& who) { holders_[index] = who; }

  // The number goes to the first in line whose time is not over, or is free.
  void release(std::uint32_t index, std::int64_t now) {
    holders_.erase(index);
    if (index >= size_) return;
    end_due_places(now);
    if (!queue_.empty()) grant(index);
  }

  // What the token has goes to the next in line.
  void end(std::uint64_t id, std::int64_t now) {
    const NaiveToken token = tokens.at(id);
    if (token.state == numpool::TimedState::kPlace) leave({true, id});
    forget(id);
    if (token.state != numpool::TimedState::kPlace) release(token.index, now);
  }

  // Whatever is over by now. What has come due between two looks may end in any order, so `order`
  // tells which was chosen. False: something else was over, or was not.
  bool end_all_due(const std::vector<std::uint64_t>& order, std::int64_t now) {
    for (const std::uint64_t id : order) {
      if (tokens.count(id) == 0) continue;  // by the hand-off of one before
      if (!is_due(tokens.at(id), now)) return false;
      expired += tokens.at(id).state == numpool::TimedState::kHeld ? 1 : 0;
      timeouts += tokens.at(id).state == numpool::TimedState::kPlace ? 1 : 0;
      end(id, now);
    }
    return std::none_of(tokens.begin(), tokens.end(),
                        [now](const auto& one) { return is_due(one.second, now); });
  }

  void resize(std::uint32_t size) { size_ = size; }
  void serve(std::int64_t now) {
    while (!queue_.empty() && lowest_free()) {
      end_due_places(now);
      if (!queue_.empty()) grant(*lowest_free());
    }
  }

  // Nothing is left of the token but its row, if it has one.
  void forget(std::uint64_t id) {
    ended.push_back(id);
    if (tokens.at(id).has_row) left.insert(id);
    tokens.erase(id);
  }

  static bool is_due(const NaiveToken& token, std::int64_t now) {
    return token.state != numpool::TimedState::kTaken && token.user == 0 && token.deadline <= now;
  }

  std::uint32_t size() const { return size_; }
  std::optional<std::uint32_t> lowest_free() const {
    for (std::uint32_t index = 0; index < size_; ++index)
      if (holders_.count(index) == 0) return index;
    return std::nullopt;
  }
  const std::map<std::uint32_t, NaiveWho>& holders() const { return holders_; }
  const std::deque<NaiveWho>& queue() const { return queue_; }
  std::uint32_t timed() const {
    std::uint32_t count = 0;
    for (const auto& [id, token] : tokens)
      count += token.state == numpool::TimedState::kHeld ? 1 : 0;
    return count;
  }

  std::map<std::uint64_t, NaiveToken> tokens;
  std::set<std::uint64_t> left;      // tokens whose rows are left
  std::vector<std::uint64_t> ended;  // in this order; the test empties it
  // Who was granted a number from the queue, and which; the test empties it.
  std::vector<std::pair<NaiveWho, std::uint32_t>> granted;
  std::uint64_t expired = 0;
  std::uint64_t timeouts = 0;

 private:
  void end_due_places(std::int64_t now) {
    for (int i = 0; i < 64 && !queue_.empty() && queue_.front().is_token; ++i) {
      const std::uint64_t id = queue_.front().id;
      if (!is_due(tokens.at(id), now)) return;
      ++timeouts;
      end(id, now);
    }
  }

  void grant(std::uint32_t index) {
    const NaiveWho who = queue_.front();
    queue_.pop_front();
    holders_[index] = who;
    granted.push_back({who, index});
    if (!who.is_token) return;
    tokens.at(who.id).state = numpool::TimedState::kOffered;
    tokens.at(who.id).index = index;
  }

  std::uint32_t size_;
  std::map<std::uint32_t, NaiveWho> holders_;
  std::deque<NaiveWho> queue_;
};

}  // namespace numpool_test
