// Connections for tests: each statement has a deadline, so a hang is a failure and not a stuck run.
// Where the server is comes from libpq's environment. Nothing here is safe to share between
// threads.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/clock.h"
#include "support/test_error.h"

namespace numpool_test {

using Field = std::optional<std::string>;  // nullopt: NULL

// What a statement, or a string of several, came to: the last result, or the first error.
struct Outcome {
  bool ok = false;
  std::string sqlstate;  // "" if ok; "lost" if the connection went without one
  std::string message;
  std::string detail;  // of an error
  int completed = 0;   // statements that were over before an error came
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

class Session {
 public:
  // `options` is a libpq connection string, added to the environment's.
  explicit Session(const std::string& options = "");
  ~Session();
  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs it to the end; errors are in the outcome. The deadline gives way on a busy machine.
  Outcome run(const std::string& sql, Milliseconds deadline = kDeadline);
  // The same, but a statement that fails is a TestError.
  Outcome must(const std::string& sql, Milliseconds deadline = kDeadline);
  Field value(const std::string& sql) { return must(sql).value(); }
  std::optional<std::int64_t> number(const std::string& sql) { return must(sql).number(); }
  // The first field as text, "" if there is none or it is NULL. `parameters` are for $1 and so on.
  std::string text(const std::string& sql, const std::vector<std::string>& parameters = {});
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
  // The same, for what must come: at least one, and as late as a busy machine makes it.
  std::vector<Notification> await_notifications(Milliseconds time = kDeadline);
  // The payload of the next one that this session's own backend sent, if it comes in time.
  std::optional<std::string> own_notification(Milliseconds time = kDeadline);

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
  [[noreturn]] void throw_no_answer();
  bool consume(Milliseconds time);  // waits for input and reads it
  void absorb(Outcome& outcome, PGresult* result);

  PGconn* connection_ = nullptr;
  PGcancel* cancel_ = nullptr;
  std::vector<Notification> kept_;  // what own_notification() has not given yet
  std::string sent_;                // the last statement, for errors
  int pid_ = 0;
};

// A session of the test itself, for looking at the server from outside. One for each thread.
Session& observer();

// Whether the backend is still there.
bool backend_lives(int pid);

}  // namespace numpool_test
