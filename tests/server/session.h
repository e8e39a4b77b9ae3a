// Connections for tests: each statement has a deadline, so a hang is a failure and not a stuck run.
// Where the server is comes from libpq's environment. Nothing here is safe to share between
// threads.
#pragma once

#include <libpq-fe.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace numpool_test {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;
using namespace std::chrono_literals;

using Field = std::optional<std::string>;  // nullopt: NULL

// What a statement, or a string of several, came to: the last result, or the first error.
struct Outcome {
  bool ok = false;
  std::string sqlstate;  // "" if ok; "lost" if the connection went without one
  std::string message;
  int completed = 0;  // statements that were over before an error came
  std::vector<std::vector<Field>> rows;

  // The first field; NULL if there is none.
  Field value() const;
  std::optional<std::int64_t> number() const;
};

struct Notification {
  std::string channel;
  std::string payload;
  int sender_pid = 0;
};

// Thrown when a deadline passes, or where a statement that must work does not.
struct TestError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr auto kDeadline = 20s;

class Session {
 public:
  // `options` is a libpq connection string, added to the environment's.
  explicit Session(const std::string& options = "");
  ~Session();
  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs it to the end; errors are in the outcome.
  Outcome run(const std::string& sql, Milliseconds deadline = kDeadline);
  // The same, but a statement that fails is a TestError.
  Outcome must(const std::string& sql, Milliseconds deadline = kDeadline);
  Field value(const std::string& sql) { return must(sql).value(); }
  std::optional<std::int64_t> number(const std::string& sql) { return must(sql).number(); }
  // SQLSTATE, "" if it worked.
  std::string state(const std::string& sql) { return run(sql).sqlstate; }

  // Sends without waiting; finish() collects.
  void send(const std::string& sql);
  Outcome finish(Milliseconds deadline = kDeadline);
  // Whether the statement sent is over; never waits.
  bool done();
  // Waits up to `time` for that.
  bool done_within(Milliseconds time);

  // Notifications that have arrived, waiting up to `time` for the first.
  std::vector<Notification> notifications(Milliseconds time = 0ms);

  int pid() const { return pid_; }
  PGconn* handle() { return connection_; }
  bool connected() const;
  // Asks the server to cancel, as psql does for ^C.
  void cancel();
  // Orderly goodbye.
  void close();
  // The socket goes without a goodbye, as when the client is killed.
  void sever();

 private:
  bool consume(Milliseconds time);  // waits for input and reads it
  void absorb(Outcome& outcome, PGresult* result);

  PGconn* connection_ = nullptr;
  PGcancel* cancel_ = nullptr;
  int pid_ = 0;
};

// A pool that no other test has, gone at the end of the scope.
class Pool {
 public:
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
  bool waiters_become(int count, Milliseconds time) const;
  // Pids of the waiters in order.
  std::vector<int> queue() const;

 private:
  int column(const char* what) const;
  std::string name_;
};

// A session of the test itself, for looking at the server from outside. One for each thread.
Session& observer();

// Calls `condition` until it is true or the time is over, with a short pause between calls.
template <typename Condition>
bool eventually(Condition condition, Milliseconds time = kDeadline) {
  const auto end = Clock::now() + time;
  for (;;) {
    if (condition()) return true;
    if (Clock::now() >= end) return false;
    struct timespec pause = {0, 1'000'000};
    nanosleep(&pause, nullptr);
  }
}

// Whether the backend is still there.
bool backend_lives(int pid);

// A process that connects, says its backend's pid, runs the statements one after the other, and
// then waits to be killed. Killed with SIGKILL at the end of the scope if not before.
class ClientProcess {
 public:
  explicit ClientProcess(const std::vector<std::string>& statements);
  ~ClientProcess();
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;

  int backend_pid() const { return backend_pid_; }
  void signal(int number) const;
  void kill();

 private:
  pid_t child_ = 0;
  int backend_pid_ = 0;
};

}  // namespace numpool_test
