#include "worker.h"

#include <thread>
#include <utility>

namespace numpool_test {

Time now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

Worker::Worker(unsigned seed, const std::string& log_file, const std::vector<PoolUnderTest>& pools)
    : engine_(seed), log_(log_file), pools_(pools) {}

void Worker::run(int operations) {
  try {
    for (; done_ < operations; done_++) step();
  } catch (const std::exception& error) {
    fault(std::string("stopped: ") + error.what());
  }
}

void Worker::step() {
  struct Choice {
    unsigned weight;
    void (Worker::*action)();
  };
  static constexpr Choice kChoices[] = {
      {24, &Worker::acquire},       {14, &Worker::try_acquire},
      {8, &Worker::use_ticket},     {22, &Worker::release},
      {2, &Worker::release_all},    {5, &Worker::check_fence},
      {8, &Worker::begin},          {5, &Worker::savepoint},
      {4, &Worker::rollback_to},    {10, &Worker::end_transaction},
      {2, &Worker::fail_statement}, {1, &Worker::disconnect}};
  unsigned total = 0;
  for (const Choice& choice : kChoices) total += choice.weight;
  unsigned pick = random(total);
  for (const Choice& choice : kChoices) {
    if (pick < choice.weight) return (this->*choice.action)();
    pick -= choice.weight;
  }
}

int Worker::held_in(int pool) const {
  int count = 0;
  for (const auto& [key, held] : held_) count += key.first == pool ? 1 : 0;
  return count;
}

void Worker::fault(const std::string& what) {
  log_ << "fault pid " << session_.pid() << " after " << done_ << " operations: " << what << '\n';
}

void Worker::pause_and_cancel() {
  std::this_thread::sleep_for(std::chrono::microseconds(random(2500)));
  session_.cancel();
}

void Worker::acquire() {
  const int pool = static_cast<int>(random(static_cast<unsigned>(pools_.size())));
  const bool transaction_scope = random(3) == 0;
  const std::string quoted = "'" + pools_[static_cast<std::size_t>(pool)].name + "'";
  // Whoever holds something never waits for ever: nobody would see a deadlock over two pools.
  const unsigned kind = random(10);
  std::string timeout = ", '" + std::to_string(random(6)) + " ms'";
  if (kind >= 7 && !holds_anything()) timeout = "";
  const std::string sql = "SELECT i, numpool_fence(" + quoted + ", i) FROM numpool_acquire" +
                          (transaction_scope ? "_xact(" : "(") + quoted + timeout + ") AS i";
  const Time asked = now();
  session_.send(sql);
  if (kind == 0 || (kind >= 7 && random(4) == 0)) pause_and_cancel();
  got(pool, session_.finish(), 0, transaction_scope, asked);
}

void Worker::try_acquire() {
  const int pool = static_cast<int>(random(static_cast<unsigned>(pools_.size())));
  const bool transaction_scope = random(3) == 0;
  const std::string quoted = "'" + pools_[static_cast<std::size_t>(pool)].name + "'";
  const Time asked = now();
  got(pool,
      session_.run("SELECT i, numpool_fence(" + quoted + ", i) FROM numpool_try_acquire" +
                   (transaction_scope ? "_xact(" : "(") + quoted + ") AS i"),
      0, transaction_scope, asked);
}

void Worker::use_ticket() {
  if (in_transaction()) return try_acquire();
  const int pool = static_cast<int>(random(static_cast<unsigned>(pools_.size())));
  const Time asked = now();
  const Outcome outcome = session_.run("SELECT ticket, index, fence FROM numpool_enqueue('" +
                                       pools_[static_cast<std::size_t>(pool)].name + "')");
  if (!outcome.ok) return failed(outcome, asked);
  const auto& row = outcome.rows.at(0);
  const std::int64_t ticket = std::stoll(*row[0]);
  if (row[1]) {
    return new_lease(pool, std::stoi(*row[1]), std::stoll(*row[2]), ticket, false, asked, now());
  }
  session_.notifications(Milliseconds(random(4)));
  const std::string number = std::to_string(ticket);
  const Outcome polled =
      session_.run("SELECT state, index, fence FROM numpool_poll(" + number + ")");
  if (!polled.ok) return fault("poll: " + polled.sqlstate);
  const auto& state = polled.rows.at(0);
  if (state[0] == "granted") {
    return new_lease(pool, std::stoi(*state[1]), std::stoll(*state[2]), ticket, false, asked,
                     now());
  }
  if (state[0] != "waiting") fault("ticket " + number + " is " + *state[0]);
  if (session_.value("SELECT numpool_cancel(" + number + ")") != "t")
    fault("cancel of ticket " + number + " did nothing");
}

void Worker::got(int pool, const Outcome& outcome, std::int64_t ticket, bool transaction_scope,
                 Time asked) {
  const Time told = now();
  if (!outcome.ok) {
    if (outcome.sqlstate == "40P01" && held_in(pool) != pools_[static_cast<std::size_t>(pool)].size)
      fault("40P01 though it does not hold every number");
    return failed(outcome, asked);
  }
  const std::pair<const std::pair<int, int>, Held>* pending = nullptr;
  for (const auto& one : held_)
    if (one.first.first == pool && one.second.pending && pending == nullptr) pending = &one;
  if (!outcome.number()) {
    if (pending != nullptr) fault("NULL though a pending release could be taken back");
    return;
  }
  const int index = static_cast<int>(*outcome.number());
  const std::int64_t fence = std::stoll(outcome.rows.at(0).at(1).value_or("-1"));
  if (pending == nullptr)
    return new_lease(pool, index, fence, ticket, transaction_scope, asked, told);
  if (pending->first.second != index) fault("not the lowest pending release was taken back");
  if (pending->second.fence != fence) fault("a take-back with another fence");
  Held& held = held_[{pool, index}];
  held.pending = false;
  held.transaction_scope = transaction_scope;
}

void Worker::new_lease(int pool, int index, std::int64_t fence, std::int64_t ticket,
                       bool transaction_scope, Time asked, Time told) {
  if (held_.count({pool, index}) != 0) fault("got what it holds");
  held_[{pool, index}] = {fence, transaction_scope, false};
  log_ << "grant " << pool << ' ' << index << ' ' << fence << ' ' << session_.pid() << ' ' << ticket
       << ' ' << asked << ' ' << told << '\n';
  if (transaction_scope && !in_transaction()) commit_holdings(asked);
}

void Worker::give_up(Holdings kept, Time asked) {
  const Time told = now();
  for (const auto& [key, held] : held_) {
    const auto still = kept.find(key);
    if (still != kept.end() && still->second.fence == held.fence) continue;
    log_ << "end " << key.first << ' ' << key.second << ' ' << held.fence << ' ' << asked << ' '
         << told << '\n';
  }
  held_ = std::move(kept);
}

// A statement failed: outside a transaction nothing has happened; inside, whatever is rolled back
// was given up at the error.
void Worker::failed(const Outcome& outcome, Time asked) {
  static const std::string kExpected[] = {"57014", "40P01", "55P03", "22012"};
  bool expected = false;
  for (const std::string& state : kExpected) expected = expected || outcome.sqlstate == state;
  if (!expected) fault("failed with " + outcome.sqlstate + " " + outcome.message);
  if (!in_transaction()) return;
  const std::size_t depth = random(static_cast<unsigned>(saved_.size()));
  if (depth == 0) {
    session_.must("ROLLBACK");
    Holdings kept = saved_.front();
    saved_.clear();
    give_up(std::move(kept), asked);
  } else {
    session_.must("ROLLBACK TO s" + std::to_string(depth));
    saved_.resize(depth + 1);
    give_up(saved_.back(), asked);
  }
}

void Worker::release() {
  if (held_.empty()) return try_acquire();
  auto chosen = held_.begin();
  std::advance(chosen, random(static_cast<unsigned>(held_.size())));
  const auto [pool, index] = chosen->first;
  const bool was_pending = chosen->second.pending;
  const Time asked = now();
  const Outcome outcome =
      session_.run("SELECT numpool_release('" + pools_[static_cast<std::size_t>(pool)].name +
                   "', " + std::to_string(index) + ")");
  if (!outcome.ok) return failed(outcome, asked);
  if (outcome.value() != (was_pending ? "f" : "t"))
    fault("release said " + outcome.value().value_or("NULL"));
  chosen->second.pending = true;
  if (!in_transaction()) commit_holdings(asked);
}

void Worker::release_all() {
  int expected = 0;
  for (auto& [key, held] : held_) expected += held.pending ? 0 : 1;
  const Time asked = now();
  const auto count = session_.number("SELECT numpool_release_all()");
  if (count != expected)
    fault("release_all said " + std::to_string(*count) + " instead of " + std::to_string(expected));
  for (auto& [key, held] : held_) held.pending = true;
  if (!in_transaction()) commit_holdings(asked);
}

void Worker::check_fence() {
  const int pool = static_cast<int>(random(static_cast<unsigned>(pools_.size())));
  const int index =
      static_cast<int>(random(static_cast<unsigned>(pools_[static_cast<std::size_t>(pool)].size)));
  const auto fence =
      session_.number("SELECT numpool_fence('" + pools_[static_cast<std::size_t>(pool)].name +
                      "', " + std::to_string(index) + ")");
  const auto held = held_.find({pool, index});
  const bool right = held == held_.end() ? !fence : fence == held->second.fence;
  if (!right) fault("another fence than it was given");
}

void Worker::begin() {
  if (in_transaction()) return try_acquire();
  session_.must("BEGIN");
  saved_.push_back(held_);
}

void Worker::savepoint() {
  if (!in_transaction() || saved_.size() > 5) return check_fence();
  session_.must("SAVEPOINT s" + std::to_string(saved_.size()));
  saved_.push_back(held_);
}

void Worker::rollback_to() {
  if (saved_.size() < 2) return check_fence();
  const std::size_t depth = 1 + random(static_cast<unsigned>(saved_.size() - 1));
  const Time asked = now();
  session_.must("ROLLBACK TO s" + std::to_string(depth));
  saved_.resize(depth + 1);
  give_up(saved_.back(), asked);
}

void Worker::commit_holdings(Time asked) {
  Holdings kept;
  for (const auto& [key, held] : held_)
    if (!held.pending && !held.transaction_scope) kept[key] = held;
  saved_.clear();
  give_up(std::move(kept), asked);
}

void Worker::end_transaction() {
  if (!in_transaction()) return begin();
  const Time asked = now();
  if (random(3) == 0) {
    session_.must("ROLLBACK");
    Holdings kept = saved_.front();
    saved_.clear();
    give_up(std::move(kept), asked);
  } else {
    session_.must("COMMIT");
    commit_holdings(asked);
  }
}

void Worker::fail_statement() {
  const Time asked = now();
  // An acquire in a statement that fails after it has not happened.
  failed(session_.run("SELECT numpool_try_acquire('" + pools_.front().name + "') / 0, 1 / 0"),
         asked);
}

void Worker::disconnect() {
  const Time asked = now();
  if (random(2) == 0)
    session_.sever();
  else
    session_.close();
  saved_.clear();
  give_up({}, asked);
  session_ = Session();
}

void Worker::finish() {
  const Time asked = now();
  session_.close();
  saved_.clear();
  give_up({}, asked);
  log_.flush();
}

Watcher::Watcher(const std::string& log_file, const std::vector<PoolUnderTest>& pools)
    : log_(log_file), pools_(pools) {}

void Watcher::look() {
  for (std::size_t pool = 0; pool < pools_.size(); pool++) {
    const std::string where = " WHERE pool = '" + pools_[pool].name + "'";
    Time asked = now();
    const Outcome count =
        session_.must("SELECT size, in_use, free, waiting FROM numpool_pools" + where);
    log_ << "count " << pool;
    for (const Field& field : count.rows.at(0)) log_ << ' ' << *field;
    log_ << ' ' << asked << ' ' << now() << '\n';

    asked = now();
    const Outcome queue = session_.must("SELECT pid, coalesce(ticket, 0) FROM numpool_waiters" +
                                        where + " ORDER BY position");
    log_ << "queue " << pool << ' ' << asked << ' ' << now();
    for (const auto& row : queue.rows) log_ << ' ' << *row[0] << ':' << *row[1];
    log_ << '\n';
  }
  log_.flush();
}

}  // namespace numpool_test
