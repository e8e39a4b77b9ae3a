#pragma once

#include <doctest/doctest.h>
#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <numpool/numpool.hpp>

#include "support/clock.h"
#include "tuning.hpp"

using namespace std::chrono_literals;

/// While it lives, clients that are made pause so long at most between attempts to connect.
class pauses {
 public:
  pauses(std::chrono::milliseconds shortest, std::chrono::milliseconds longest)
      : before_(numpool::detail::tuned) {
    numpool::detail::tuned.shortest_pause = shortest;
    numpool::detail::tuned.longest_pause = longest;
  }
  ~pauses() { numpool::detail::tuned = before_; }
  pauses(const pauses&) = delete;
  pauses& operator=(const pauses&) = delete;

 private:
  const numpool::detail::tuning before_;
};

/// A connected client whose database has the extension, and an id no other test uses; the pool of
/// that id is dropped at the end.
struct fixture {
  fixture() : id(fresh_id()) { client.setup(); }
  ~fixture();

  static std::string fresh_id();

  numpool::client client;
  const std::string id;
};

/// A plain libpq connection: what another program would see.
class session {
 public:
  session();

  /// The first field of the first row, or nothing for NULL or no row. Fails the test on an error.
  std::optional<std::string> query(const std::string& sql);
  /// The SQLSTATE of the error, or an empty string.
  std::string try_query(const std::string& sql);

  void send(const std::string& sql);    ///< without waiting for the answer
  std::optional<std::string> answer();  ///< to send()

  /// The payload of the next notification of this session's own backend, if one comes in time.
  std::optional<std::string> notification(std::chrono::milliseconds within = 5000ms);

  int pid() const { return PQbackendPID(handle_.get()); }
  PGconn* handle() const { return handle_.get(); }

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> handle_;
};

// Time limits that give way on a busy machine.
using numpool_test::eventually;
using numpool_test::took_at_most;

/// Whether `future` comes to be ready; at once, if nothing is wrong.
template <class Future>
bool comes(const Future& future, std::chrono::milliseconds within = 10000ms) {
  return eventually([&] { return future.wait_for(0s) == std::future_status::ready; }, within);
}

/// The kind of the numpool::error that `call` throws, or nothing if it throws none.
std::optional<numpool::error_kind> kind_of(const std::function<void()>& call);
/// Its SQLSTATE, or an empty string.
std::string sqlstate_of(const std::function<void()>& call);

/// Of a lease by token.
numpool::timed_options lasting(std::chrono::milliseconds ttl);
/// Checks that a wait for a lease by token, in a pool where nobody else waits, ends when it is
/// cancelled, and leaves nothing in line.
void check_cancelled_wait(const numpool::pool& pool);

/// Threads that are joined at the end of the scope.
class threads {
 public:
  ~threads() { join(); }
  void start(std::function<void()> body) { all_.emplace_back(std::move(body)); }
  void start(int count, const std::function<void(int)>& body) {
    for (int i = 0; i < count; ++i) start([body, i] { body(i); });
  }
  void join() {
    for (std::thread& one : all_)
      if (one.joinable()) one.join();
    all_.clear();
  }

 private:
  std::vector<std::thread> all_;
};
