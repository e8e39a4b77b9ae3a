#include "support/session.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <cstdlib>
#include <utility>

namespace numpool_test {

namespace {

int milliseconds_left(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) + 1 : 0;
}

Outcome require(Outcome outcome, const std::string& sql) {
  if (!outcome.ok) throw TestError(sql + ": " + outcome.sqlstate + " " + outcome.message);
  return outcome;
}

// What a backend is at, for whoever reads why a test failed.
std::string doing(int pid) {
  try {
    Session probe("connect_timeout=10");
    return probe.text(
        "SELECT format('%s, waits for %s, blocked by %s', state, "
        "coalesce(wait_event_type || ' ' || wait_event, 'nothing'), pg_blocking_pids(pid)) "
        "FROM pg_stat_activity WHERE pid = $1",
        {std::to_string(pid)});
  } catch (const TestError& error) {
    return error.what();
  }
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text != nullptr ? text : "";
}

}  // namespace

Field Outcome::value() const {
  if (rows.empty() || rows.front().empty()) return std::nullopt;
  return rows.front().front();
}

std::optional<std::int64_t> Outcome::number() const {
  const Field text = value();
  if (!text) return std::nullopt;
  return std::stoll(*text);
}

Session::Session(const std::string& options) : connection_(PQconnectdb(options.c_str())) {
  if (PQstatus(connection_) != CONNECTION_OK) {
    const std::string why = PQerrorMessage(connection_);
    PQfinish(connection_);
    throw TestError("cannot connect: " + why);
  }
  PQsetNoticeProcessor(
      connection_, [](void*, const char*) {}, nullptr);
  cancel_ = PQgetCancel(connection_);
  pid_ = PQbackendPID(connection_);
}

Session::~Session() {
  close();
}

Session::Session(Session&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      cancel_(std::exchange(other.cancel_, nullptr)),
      sent_(std::move(other.sent_)),
      pid_(other.pid_) {}

Session& Session::operator=(Session&& other) noexcept {
  if (this != &other) {
    close();
    connection_ = std::exchange(other.connection_, nullptr);
    cancel_ = std::exchange(other.cancel_, nullptr);
    sent_ = std::move(other.sent_);
    pid_ = other.pid_;
  }
  return *this;
}

void Session::close() {
  PQfreeCancel(std::exchange(cancel_, nullptr));
  PQfinish(std::exchange(connection_, nullptr));
}

void Session::sever() {
  ::shutdown(PQsocket(connection_), SHUT_RDWR);
  close();
}

bool Session::connected() const {
  return connection_ != nullptr && PQstatus(connection_) == CONNECTION_OK;
}

Outcome Session::run(const std::string& sql, Milliseconds deadline) {
  send(sql);
  return finish(deadline);
}

Outcome Session::must(const std::string& sql, Milliseconds deadline) {
  return require(run(sql, deadline), sql);
}

std::string Session::text(const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const std::string& one : parameters) values.push_back(one.c_str());
  if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0)
    throw TestError("cannot send: " + sql);
  sent_ = sql;
  return require(finish(), sql).value().value_or("");
}

void Session::send(const std::string& sql) {
  if (connection_ == nullptr || PQsendQuery(connection_, sql.c_str()) == 0)
    throw TestError("cannot send: " + sql);
  sent_ = sql;
}

bool Session::consume(Milliseconds time) {
  pollfd waited = {PQsocket(connection_), POLLIN, 0};
  if (::poll(&waited, 1, static_cast<int>(time.count())) <= 0) return false;
  return PQconsumeInput(connection_) != 0;
}

bool Session::done() {
  PQconsumeInput(connection_);
  return PQisBusy(connection_) == 0;
}

bool Session::done_within(Milliseconds time) {
  const auto end = Clock::now() + time;
  while (!done()) {
    const int left = milliseconds_left(end);
    if (left == 0) return false;
    consume(Milliseconds(left));
  }
  return true;
}

void Session::absorb(Outcome& outcome, PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
      outcome.completed += outcome.ok ? 1 : 0;
      outcome.rows.clear();
      for (int row = 0; row < PQntuples(result); row++) {
        std::vector<Field> fields;
        for (int column = 0; column < PQnfields(result); column++) {
          if (PQgetisnull(result, row, column) != 0)
            fields.emplace_back(std::nullopt);
          else
            fields.emplace_back(PQgetvalue(result, row, column));
        }
        outcome.rows.push_back(std::move(fields));
      }
      break;
    case PGRES_COMMAND_OK:
      outcome.completed += outcome.ok ? 1 : 0;
      break;
    case PGRES_EMPTY_QUERY:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_PIPELINE_SYNC:
      break;
    default:
      if (!outcome.ok) break;
      outcome.ok = false;
      outcome.sqlstate = field(result, PG_DIAG_SQLSTATE);
      outcome.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
      outcome.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
      if (outcome.sqlstate.empty()) outcome.sqlstate = "lost";
  }
}

void Session::throw_no_answer() {
  static thread_local bool asking = false;  // so that the probe does not ask about itself
  std::string at;
  if (!std::exchange(asking, true)) {
    at = doing(pid_);
    asking = false;
  }
  cancel();  // leave the session usable for what the test does next
  throw TestError("no answer in time to " + sent_ + ": process " + std::to_string(pid_) + ": " +
                  at + "; slowness " + std::to_string(slowness()));
}

Outcome Session::finish(Milliseconds deadline) {
  Limit limit(deadline);
  Outcome outcome;
  outcome.ok = true;
  for (;;) {
    while (!done_within(limit.left())) {
      if (!limit.over()) continue;
      throw_no_answer();
    }
    PGresult* result = PQgetResult(connection_);
    if (result == nullptr) return outcome;
    const ExecStatusType status = PQresultStatus(result);
    absorb(outcome, result);
    PQclear(result);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) return outcome;
  }
}

std::vector<Notification> Session::notifications(Milliseconds time) {
  const auto end = Clock::now() + time;
  std::vector<Notification> all;
  for (;;) {
    PQconsumeInput(connection_);
    while (PGnotify* one = PQnotifies(connection_)) {
      all.push_back({one->relname, one->extra, one->be_pid});
      PQfreemem(one);
    }
    const int left = milliseconds_left(end);
    if (!all.empty() || left == 0 || !connected()) return all;
    consume(Milliseconds(left));
  }
}

std::vector<Notification> Session::await_notifications(Milliseconds time) {
  Limit limit(time);
  for (;;) {
    std::vector<Notification> all = notifications(limit.left());
    if (!all.empty() || !connected() || limit.over()) return all;
  }
}

std::optional<std::string> Session::own_notification(Milliseconds time) {
  Limit limit(time);
  for (;;) {
    for (Notification& one : notifications(kept_.empty() ? limit.left() : 0ms))
      kept_.push_back(std::move(one));
    while (!kept_.empty()) {
      const Notification one = std::move(kept_.front());
      kept_.erase(kept_.begin());
      if (one.sender_pid == pid_) return one.payload;
    }
    if (!connected() || limit.over()) return std::nullopt;
  }
}

void Session::cancel() {
  // NB: PQcancel, unlike the rest of libpq, raises SIGPIPE where the server hangs up on it.
  signal(SIGPIPE, SIG_IGN);
  char error[256];
  PQcancel(cancel_, error, sizeof(error));
}

Session& observer() {
  thread_local Session session;
  // A test that stops the server closes it first.
  if (!session.connected()) session = Session();
  return session;
}

bool backend_lives(int pid) {
  return observer().number("SELECT count(*) FROM pg_stat_activity WHERE pid = " +
                           std::to_string(pid)) != 0;
}

}  // namespace numpool_test
