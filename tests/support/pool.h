// A pool of a test's own.
#pragma once

#include <string>
#include <vector>

#include "support/session.h"

namespace numpool_test {

// A pool that no other test has, gone at the end of the scope.
class Pool {
 public:
  // With a size of 0 it is only named, and not made.
  explicit Pool(int size, const std::string& name = "pool");
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  const std::string& name() const { return name_; }
  // The name as an SQL literal.
  std::string q() const { return "'" + name_ + "'"; }

  int in_use() const { return column("in_use"); }
  int free() const { return column("free"); }
  int waiting() const { return column("waiting"); }
  // Nobody holds anything and nobody waits: true at once, or within `time`.
  bool idle_within(Milliseconds time = kDeadline) const;
  // Waits until so many wait in the queue.
  void wait_for_waiters(int count, Milliseconds time = kDeadline) const;
  bool waiters_become(int count, Milliseconds time = kDeadline) const;
  bool in_use_becomes(int count, Milliseconds time = kDeadline) const;
  // The backend that holds `index`; 0 if none.
  int holder(int index = 0) const;
  // Pids of the waiters in order.
  std::vector<int> queue() const;

 private:
  int column(const char* what) const;
  std::string name_;
};

}  // namespace numpool_test
