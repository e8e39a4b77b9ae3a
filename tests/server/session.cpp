#include "session.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <utility>

namespace numpool_test {

namespace {

int milliseconds_left(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) + 1 : 0;
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
      pid_(other.pid_) {}

Session& Session::operator=(Session&& other) noexcept {
  if (this != &other) {
    close();
    connection_ = std::exchange(other.connection_, nullptr);
    cancel_ = std::exchange(other.cancel_, nullptr);
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
  Outcome outcome = run(sql, deadline);
  if (!outcome.ok) throw TestError(sql + ": " + outcome.sqlstate + " " + outcome.message);
  return outcome;
}

void Session::send(const std::string& sql) {
  if (connection_ == nullptr || PQsendQuery(connection_, sql.c_str()) == 0)
    throw TestError("cannot send: " + sql);
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
      if (outcome.sqlstate.empty()) outcome.sqlstate = "lost";
  }
}

Outcome Session::finish(Milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  Outcome outcome;
  outcome.ok = true;
  for (;;) {
    const int left = milliseconds_left(end);
    if (!done_within(Milliseconds(left))) {
      cancel();  // leave the session usable for what the test does next
      throw TestError("no answer in time");
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

void Session::cancel() {
  // NB: PQcancel, unlike the rest of libpq, raises SIGPIPE where the server hangs up on it.
  signal(SIGPIPE, SIG_IGN);
  char error[256];
  PQcancel(cancel_, error, sizeof(error));
}

Session& observer() {
  thread_local Session session;
  return session;
}

bool backend_lives(int pid) {
  return observer().number("SELECT count(*) FROM pg_stat_activity WHERE pid = " +
                           std::to_string(pid)) != 0;
}

Pool::Pool(int size, const std::string& name) {
  static std::atomic<int> counter{0};
  name_ = name + "_" + std::to_string(getpid()) + "_" + std::to_string(counter++);
  observer().must("SELECT numpool_create(" + q() + ", " + std::to_string(size) + ")");
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

void Pool::wait_for_waiters(int count, Milliseconds time) const {
  if (!waiters_become(count, time))
    throw TestError(name_ + " has not got " + std::to_string(count) + " waiters");
}

std::vector<int> Pool::queue() const {
  std::vector<int> pids;
  const Outcome outcome =
      observer().must("SELECT pid FROM numpool_waiters WHERE pool = " + q() + " ORDER BY position");
  for (const auto& row : outcome.rows) pids.push_back(std::stoi(*row.front()));
  return pids;
}

namespace {

[[noreturn]] void be_client(int channel, const std::vector<std::string>& statements) {
  PGconn* connection = PQconnectdb("");
  const int pid = PQbackendPID(connection);
  if (PQstatus(connection) != CONNECTION_OK || write(channel, &pid, sizeof(pid)) != sizeof(pid))
    _exit(1);
  for (const std::string& sql : statements) PQclear(PQexec(connection, sql.c_str()));
  for (;;) pause();
}

}  // namespace

ClientProcess::ClientProcess(const std::vector<std::string>& statements) {
  int channel[2];
  if (pipe(channel) != 0) throw TestError("no pipe");
  child_ = fork();
  if (child_ == 0) be_client(channel[1], statements);
  ::close(channel[1]);
  const bool told = read(channel[0], &backend_pid_, sizeof(backend_pid_)) == sizeof(backend_pid_);
  ::close(channel[0]);
  if (!told) throw TestError("the client process did not connect");
}

ClientProcess::~ClientProcess() {
  kill();
}

void ClientProcess::signal(int number) const {
  ::kill(child_, number);
}

void ClientProcess::kill() {
  if (child_ == 0) return;
  signal(SIGKILL);
  waitpid(child_, nullptr, 0);
  child_ = 0;
}

}  // namespace numpool_test
