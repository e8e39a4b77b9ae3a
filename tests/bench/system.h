// What is compared: ways to share the numbers of a pool among clients.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace bench {

// One pool, or one of many, chosen anew for every pair.
struct Pools {
  std::string name;  // of the pool, or what its number is appended to
  int count = 1;
};

// Whoever takes numbers and gives them back, one at a time, on a connection of its own (those of
// the C++ library share one).
class Client {
 public:
  explicit Client(Pools pools) : pools_(std::move(pools)), name_(pools_.name) {}
  virtual ~Client() = default;
  // Waits until it has one.
  virtual int acquire() = 0;
  virtual void release(int index) = 0;

 protected:
  bool one_pool() const { return pools_.count == 1; }
  // The pool of the next pair; `pool()` until the next call.
  const std::string& pick();
  const std::string& pool() const { return name_; }

 private:
  Pools pools_;
  std::string name_;
  std::minstd_rand random_{std::random_device{}()};
};

// Keeps a number of numbers taken while it lives.
class Holder {
 public:
  virtual ~Holder() = default;
};

class System {
 public:
  virtual ~System() = default;
  virtual const char* name() const = 0;
  // `pools.count` of that many numbers each.
  virtual void create(const Pools& pools, int size) = 0;
  virtual std::unique_ptr<Client> open(const Pools& pools) = 0;
  // The lowest ones, in a single pool.
  virtual std::unique_ptr<Holder> take(const std::string& pool, int numbers) = 0;
  // How long a waiter needs to be asleep in its queue.
  virtual int milliseconds_to_queue() const { return 2; }
};

// By the names that report.pl knows. No pool, or no waiting, means nothing to the floors.
std::unique_ptr<System> floor_system();              // two SELECT 1
std::unique_ptr<System> shaped_floor_system();       // with the parameters that numpool's have
std::unique_ptr<System> numpool_system();            // the SQL functions
std::unique_ptr<System> numpool_parameter_system();  // the pool's name a parameter too
std::unique_ptr<System> numpool_batch_system();      // 64 calls a statement; one client at a time
std::unique_ptr<System> client_system();             // the C++ library
std::unique_ptr<System> advisory_system();           // each client a key of its own choice, waiting
std::unique_ptr<System> sweep_system();              // try-lock of one key after the other
std::unique_ptr<System> skip_locked_system();        // a row a number
std::unique_ptr<System> row_bitmap_system();         // a row a pool
std::unique_ptr<System> redis_system();              // a list of tokens

// Tables and functions of those that need some.
void create_schema();

}  // namespace bench
