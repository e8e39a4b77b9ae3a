#include "support/pool.h"

#include <unistd.h>

#include <atomic>

namespace numpool_test {

Pool::Pool(int size, const std::string& name) {
  static std::atomic<int> counter{0};
  name_ = name + "_" + std::to_string(getpid()) + "_" + std::to_string(counter++);
  if (size > 0) observer().must("SELECT numpool_create(" + q() + ", " + std::to_string(size) + ")");
}

Pool::~Pool() {
  try {
    observer().run("SELECT numpool_drop(" + q() + ", true, true)");
  } catch (const std::exception&) {
    // The test has failed by then, so only that it failed matters.
  }
}

int Pool::column(const char* what) const {
  const auto number =
      observer().number(std::string("SELECT ") + what + " FROM numpool_pools WHERE pool = " + q());
  return number ? static_cast<int>(*number) : -1;
}

bool Pool::idle_within(Milliseconds time) const {
  return eventually([&] { return in_use() == 0 && waiting() == 0; }, time) && free() > 0;
}

bool Pool::waiters_become(int count, Milliseconds time) const {
  return eventually(
      [&] {
        return observer().number("SELECT count(*) FROM numpool_waiters WHERE pool = " + q()) ==
               count;
      },
      time);
}

bool Pool::in_use_becomes(int count, Milliseconds time) const {
  return eventually([&] { return in_use() == count; }, time);
}

int Pool::holder(int index) const {
  const auto pid = observer().number("SELECT pid FROM numpool_leases WHERE pool = " + q() +
                                     " AND index = " + std::to_string(index));
  return static_cast<int>(pid.value_or(0));
}

void Pool::wait_for_waiters(int count, Milliseconds time) const {
  if (!waiters_become(count, time))
    throw TestError(name_ + " has not got " + std::to_string(count) + " waiters but " +
                    std::to_string(waiting()));
}

std::vector<int> Pool::queue() const {
  std::vector<int> pids;
  const Outcome outcome =
      observer().must("SELECT pid FROM numpool_waiters WHERE pool = " + q() + " ORDER BY position");
  for (const auto& row : outcome.rows) pids.push_back(std::stoi(*row.front()));
  return pids;
}

}  // namespace numpool_test
