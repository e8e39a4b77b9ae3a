// A holder of the mix `timed`: one thread that leases by token over ever new connections, half of
// them through a pooler in transaction mode, and writes down what it asked and was told.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/session.h"
#include "torture/timed/history.h"

namespace numpool_test {

struct PoolOfTimed {
  const char* name;
  int size;
};
constexpr PoolOfTimed kPoolsOfTimed[] = {{"one", 1}, {"few", 3}, {"many", 16}};

class Holder {
 public:
  Holder(int number, unsigned seed, std::string pooler, const std::atomic<bool>& over);

  // Until it is over, with everything released that it still has a token of.
  void run();

  std::int64_t operations() const { return operations_; }
  // After run().
  const std::vector<TimedCall>& calls() const { return calls_; }
  const std::map<std::string, int>& refusals() const { return refusals_; }
  const std::vector<std::string>& surprises() const { return surprises_; }

 private:
  // What one token is used for.
  struct Use {
    std::string token;
    int pool;
    Time ttl;
  };

  // Jobs.
  void lease_by_token();
  void lease_without_token();
  void acquire_and_keep();
  void wait_by_ticket_and_keep();
  void keep_what_is_held(std::size_t acquired);
  void use_session(bool acquires);

  // Parts of them.
  Use new_use();
  bool come_until_granted(const Use& use);
  void hold(const Use& use);
  void hold_once(const Use& use);
  void release(const Use& use);
  void leave(const Use& use);
  void lose_answer(const Use& use, const std::string& sql, TimedVerb verb);
  void take_in_transaction(const Use& use);
  void release_and_roll_back(const Use& use);
  void release_and_take_back(const Use& use);

  // Calls; true if it was answered. What it did is in calls_.back().
  bool lease(const Use& use, Time patience);
  bool renew(const Use& use);
  bool call(const Use& use, TimedVerb verb, const std::string& sql, Time patience = 0);
  bool free(const Use& use);
  std::optional<std::size_t> acquire(int pool);

  // A transaction. Each is false if the connection is gone.
  bool begin();
  bool end(bool commits);
  // All that it did since its savepoint, which is its first statement.
  bool roll_back_to(const std::string& savepoint);

  TimedCall& note_session_lease(int pool, Time asked, const Field& index, const Field& fence);
  TimedCall& note(const Use& use, TimedVerb verb, Time asked);
  bool statement(const std::string& sql) { return ask(sql).has_value(); }
  // nullopt if it was refused or the connection went, which `refused_` tells apart.
  std::optional<Outcome> ask(const std::string& sql);
  bool connect();
  void disconnect();
  void nap(Time most);
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  // The larger, the more often.
  int some_pool() { return std::max(below(3), below(3)); }
  bool one_in(int limit) { return below(limit) == 0; }

  const int number_;
  const std::string pooler_;
  const std::atomic<bool>& over_;
  std::mt19937 random_;
  std::optional<Session> session_;
  bool through_pooler_ = false;
  bool needs_session_ = false;  // so no pooler may be in between
  bool refused_ = false;
  int tokens_ = 0;
  int told_index_ = -1;  // the newest number, and its fence
  std::int64_t told_fence_ = 0;
  std::atomic<std::int64_t> operations_{0};
  std::vector<TimedCall> calls_;
  bool in_transaction_ = false;
  std::vector<std::size_t> open_;  // calls of the open transaction
  std::map<std::string, int> refusals_;
  std::vector<std::string> surprises_;
};

std::string lease_sql(const std::string& token, int pool, Time ttl, Time patience);

}  // namespace numpool_test
