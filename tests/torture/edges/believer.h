// A program on the client library: one client, a few threads that acquire, hold and release, and
// what they believed meanwhile.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <numpool/numpool.hpp>

#include "torture/edges/belief.h"

namespace numpool_test {

class Believer {
 public:
  // It reaches its server by this door, at this connection string.
  Believer(int door, std::string conninfo, std::vector<std::string> pools, unsigned seed,
           int threads);
  ~Believer();
  Believer(const Believer&) = delete;
  Believer& operator=(const Believer&) = delete;

  // Begin nothing new, and give back what is held.
  void leave() { over_ = true; }
  bool has_left() const { return running_ == 0; }
  // Its connection, once it has left.
  void close();

  std::int64_t operations() const { return operations_; }
  // Of the server's session that it has at the moment; 0: none.
  int backend() const;

  // After it has left.
  std::vector<Belief> beliefs() const;
  // By SQLSTATE, how many calls threw, and of those that are not to be expected what they said.
  std::map<std::string, int> errors() const;
  std::vector<std::string> surprises() const;

 private:
  // A lease and what is believed of it; the callback of its loss has a share.
  struct Held {
    Belief belief;
    std::atomic<Time> lost{0};
  };

  // The client of the moment with its pools, as one thread sees them.
  struct Handles {
    std::shared_ptr<numpool::client> client;
    std::vector<numpool::pool> pools;
  };

  void run(unsigned seed);
  void connect(Handles& mine, std::mt19937& random);
  void step(Handles& mine, std::mt19937& random);
  void hold(numpool::lease lease, int pool, std::mt19937& random);
  void threw(const numpool::error& why, std::mt19937& random);
  void nap(Time time) const;

  const int door_;
  const std::string conninfo_;
  const std::vector<std::string> pools_;
  std::atomic<bool> over_{false};
  std::atomic<int> running_;
  std::atomic<std::int64_t> operations_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<numpool::client> client_;
  std::deque<std::shared_ptr<Held>> held_;
  std::map<std::string, int> errors_;
  std::vector<std::string> surprises_;

  std::vector<std::thread> threads_;
};

}  // namespace numpool_test
