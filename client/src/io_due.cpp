// What the I/O thread does because its time has come: waits end, what was refused for the moment is
// sent again, and timed leases are renewed.

#include <utility>

#include "io_loop.hpp"
#include "io_wait.hpp"

namespace numpool::detail {

void io_loop::watch_deadline(clock::time_point when, std::shared_ptr<expiring> op) {
  const void* key = op.get();
  deadlines_.emplace(std::make_pair(when, key), std::move(op));
}

void io_loop::forget_deadline(clock::time_point when, const expiring& op) {
  deadlines_.erase({when, &op});
}

void io_loop::send_later(std::chrono::milliseconds pause, std::shared_ptr<operation> op) {
  retries_.emplace(clock::now() + pause, std::move(op));
}

void io_loop::do_what_is_due() {
  const auto now = clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first.first <= now) {
    const auto due = std::move(deadlines_.begin()->second);
    deadlines_.erase(deadlines_.begin());
    due->expired(*this);
  }
  while (!retries_.empty() && retries_.begin()->first <= now) {
    backlog_.push_back(std::move(retries_.begin()->second));
    retries_.erase(retries_.begin());
  }
  timed_.do_what_is_due(*this);
}

void io_loop::take_back_retries() {
  for (auto& [when, op] : retries_) backlog_.push_back(std::move(op));
  retries_.clear();
}

}  // namespace numpool::detail
