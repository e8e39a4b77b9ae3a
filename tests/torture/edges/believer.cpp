#include "believer.h"

#include <algorithm>
#include <set>
#include <utility>

namespace numpool_test {

namespace {

constexpr Time kMillisecond = 1000000;

int below(std::mt19937& random, int limit) {
  return static_cast<int>(random() % static_cast<unsigned>(limit));
}

// Mostly none or a moment, and now and then so long that the way to the server fails meanwhile: of
// the last pool, which is the largest, more often, so that the others do not stand still.
Time time_to_hold(std::mt19937& random, bool large) {
  if (below(random, large ? 500 : 40000) == 0) return kMillisecond * (1000 + below(random, 29000));
  const int what = below(random, 1000);
  if (what < 10) return kMillisecond * below(random, 200);
  if (what < 150) return kMillisecond * below(random, 10);
  return 0;
}

// The larger the pool, the more often.
int some_pool(std::mt19937& random, int pools) {
  const int a = below(random, pools), b = below(random, pools);
  return a > b ? a : b;
}

// Few wait for seconds, since they do nothing else meanwhile.
std::chrono::milliseconds patience(std::mt19937& random) {
  return std::chrono::milliseconds(below(random, below(random, 20) == 0 ? 3000 : 50));
}

// What a client meets when its connection goes, or cannot be made.
bool expected(const std::string& sqlstate) {
  static const std::set<std::string> all = {"08001", "08006", "08P01", "53300",
                                            "57P01", "57P02", "57P03"};
  return all.count(sqlstate) != 0;
}

}  // namespace

Believer::Believer(int door, std::string conninfo, std::vector<std::string> pools, unsigned seed,
                   int threads)
    : door_(door), conninfo_(std::move(conninfo)), pools_(std::move(pools)), running_(threads) {
  for (int i = 0; i < threads; i++)
    threads_.emplace_back([this, seed, i] { run(seed + static_cast<unsigned>(i)); });
}

Believer::~Believer() {
  leave();
  for (std::thread& one : threads_) one.join();
}

void Believer::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  client_.reset();
}

int Believer::backend() const {
  // Whoever makes a new client has the lock for as long as that takes.
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  return lock && client_ ? client_->backend_pid() : 0;
}

std::vector<Belief> Believer::beliefs() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Belief> out;
  out.reserve(held_.size());
  for (const auto& one : held_) out.push_back(one->belief);
  return out;
}

std::map<std::string, int> Believer::errors() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return errors_;
}

std::vector<std::string> Believer::surprises() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return surprises_;
}

void Believer::run(unsigned seed) {
  std::mt19937 random(seed);
  Handles mine;
  while (!over_) {
    try {
      connect(mine, random);
      step(mine, random);
    } catch (const numpool::error& why) {
      threw(why, random);
    }
  }
  running_--;
}

void Believer::connect(Handles& mine, std::mt19937& random) {
  // One of the threads makes the client; a new one is as a program that was started again.
  constexpr int kLifetime = 20000;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!client_ || below(random, kLifetime) == 0) {
    numpool::client_options options;
    options.conninfo = conninfo_;
    options.connect_timeout = std::chrono::seconds(5);
    options.reconnect_limit = std::chrono::seconds(5);
    client_ = std::make_shared<numpool::client>(std::move(options));
  }
  if (mine.client != client_) mine = {client_, {}};
}

void Believer::step(Handles& mine, std::mt19937& random) {
  if (mine.pools.empty()) {
    std::vector<numpool::pool> all;
    for (const std::string& name : pools_) all.push_back(mine.client->open(name));
    mine.pools = std::move(all);
  }
  const int at = some_pool(random, static_cast<int>(pools_.size()));
  const numpool::pool& pool = mine.pools[static_cast<std::size_t>(at)];
  std::optional<numpool::lease> got =
      below(random, 4) == 0 ? pool.try_acquire() : pool.acquire_for(patience(random));
  operations_++;
  if (got) hold(std::move(*got), at, random);
}

void Believer::hold(numpool::lease lease, int pool, std::mt19937& random) {
  const auto held = std::make_shared<Held>();
  held->belief.begin = now();
  held->belief.pool = pool;
  held->belief.index = lease.index();
  held->belief.fence = lease.fence();
  held->belief.door = door_;
  lease.on_lost([held] { held->lost = now(); });
  const Time until =
      held->belief.begin + time_to_hold(random, pool + 1 == static_cast<int>(pools_.size()));
  while (now() < until && held->lost == 0 && !over_) nap(std::min(until - now(), 2 * kMillisecond));
  held->belief.end = now();
  // NB: from here on it does not use the number, so what it is told now does not matter.
  const Time lost = held->lost;
  if (lost != 0) {
    held->belief.end = lost;
    held->belief.lost = true;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    held_.push_back(held);
  }
  operations_++;
  lease.release();
}

void Believer::nap(Time time) const {
  if (time > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(time));
}

void Believer::threw(const numpool::error& why, std::mt19937& random) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    errors_[why.sqlstate()]++;
    if (!expected(why.sqlstate()) && surprises_.size() < 10)
      surprises_.push_back(why.sqlstate() + ": " + why.what());
  }
  nap(kMillisecond * (1 + below(random, 50)));
}

}  // namespace numpool_test
