// Times from the moment a number (or a lock, or a NOTIFY) is given up to the moment the next one in
// line has it, measured at the clients, everything on one number and interleaved round by round.
//
//   latency ROUNDS SAMPLES IDLE_SESSIONS QUEUE_LENGTH
//
// Prints lines "GROUP <tab> SYSTEM <tab> MICROSECONDS" for report.awk. The server comes from
// libpq's environment and has the extension.

#include <libpq-fe.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "latency: %s\n", what.c_str());
  std::exit(1);
}

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Long enough for a statement that was sent to be asleep in its queue.
void let_it_queue() {
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

class Session {
 public:
  Session() : connection_(PQconnectdb("")) {
    if (PQstatus(connection_) != CONNECTION_OK) fail(PQerrorMessage(connection_));
  }
  ~Session() { PQfinish(connection_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void send(const std::string& sql) {
    if (PQsendQuery(connection_, sql.c_str()) == 0) fail(PQerrorMessage(connection_));
  }

  // Waits for the end of what was sent; the last row's first column, or "".
  std::string answer() {
    std::string value;
    while (PGresult* result = PQgetResult(connection_)) {
      const ExecStatusType status = PQresultStatus(result);
      if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail(PQresultErrorMessage(result));
      if (PQntuples(result) > 0) value = PQgetvalue(result, PQntuples(result) - 1, 0);
      PQclear(result);
    }
    return value;
  }

  std::string run(const std::string& sql) {
    send(sql);
    return answer();
  }

  void wait_for_notification() {
    for (;;) {
      if (PGnotify* notification = PQnotifies(connection_)) {
        PQfreemem(notification);
        return;
      }
      pollfd descriptor{PQsocket(connection_), POLLIN, 0};
      if (poll(&descriptor, 1, 10'000) <= 0) fail("no notification within 10 s");
      if (PQconsumeInput(connection_) == 0) fail(PQerrorMessage(connection_));
    }
  }

 private:
  PGconn* connection_;
};

void print_percentiles(const std::string& group, const std::string& what,
                       std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const std::size_t last = samples.size() - 1;
  std::printf("%s p50\t%s\t%.1f\n", group.c_str(), what.c_str(), samples[last / 2]);
  std::printf("%s p99\t%s\t%.1f\n", group.c_str(), what.c_str(), samples[last * 99 / 100]);
  std::fflush(stdout);
}

// Two sessions pass one thing to and fro: one has it, the other sleeps until it is given up.
std::vector<double> hand_off(int samples, const std::string& take, const std::string& give) {
  Session first, second;
  Session* holder = &first;
  Session* waiter = &second;
  holder->run(take);
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    waiter->send(take);
    let_it_queue();
    const Clock::time_point start = Clock::now();
    holder->send(give);
    waiter->answer();
    times.push_back(microseconds_since(start));
    holder->answer();
    std::swap(holder, waiter);
  }
  holder->run(give);
  return times;
}

std::vector<double> ticket_hand_off(int samples) {
  Session first, second;
  Session* holder = &first;
  Session* waiter = &second;
  holder->run("SELECT numpool_acquire('handoff')");
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    waiter->run("SELECT * FROM numpool_enqueue('handoff')");
    let_it_queue();
    const Clock::time_point start = Clock::now();
    holder->send("SELECT numpool_release('handoff', 0)");
    waiter->wait_for_notification();
    times.push_back(microseconds_since(start));
    holder->answer();
    std::swap(holder, waiter);
  }
  return times;
}

std::vector<double> notify(int samples, const std::string& synchronous_commit) {
  Session sender, listener;
  sender.run("SET synchronous_commit = " + synchronous_commit);
  listener.run("LISTEN bench");
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    let_it_queue();
    const Clock::time_point start = Clock::now();
    sender.send("NOTIFY bench");
    listener.wait_for_notification();
    times.push_back(microseconds_since(start));
    sender.answer();
  }
  return times;
}

// A process that holds the number and, if BLOCKED, sleeps in the queue of another pool, is killed.
std::vector<double> death(int samples, bool blocked) {
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    int ready[2];
    if (pipe(ready) != 0) fail("pipe");
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
      Session session;
      session.run("SELECT numpool_acquire('death')");
      if (blocked) session.send("SELECT numpool_acquire('busy')");
      if (write(ready[1], "x", 1) == 1) pause();
      _exit(1);
    }
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) fail("the holder did not start");
    close(ready[0]);
    close(ready[1]);
    Session waiter;
    waiter.send("SELECT numpool_acquire('death')");
    let_it_queue();
    const Clock::time_point start = Clock::now();
    kill(child, SIGKILL);
    waiter.answer();
    times.push_back(microseconds_since(start));
    waitpid(child, nullptr, 0);
  }
  return times;
}

// One enqueue at the end and its cancel, with LENGTH tickets before it.
double enqueue_and_cancel(int length) {
  Session holder, queue, newcomer;
  holder.run("SELECT numpool_acquire('queue')");
  queue.run("SELECT count(numpool_enqueue('queue')) FROM generate_series(1, " +
            std::to_string(length) + ")");
  // The measurement is worth nothing if the queue is not that long.
  holder.run("SELECT 1 / (waiting = " + std::to_string(length) +
             ")::int FROM numpool_pools WHERE pool = 'queue'");
  constexpr int kTimes = 2000;
  newcomer.run("SELECT numpool_channel()");
  const Clock::time_point start = Clock::now();
  newcomer.run("DO $$ BEGIN FOR i IN 1.." + std::to_string(kTimes) +
               " LOOP PERFORM numpool_cancel(ticket) FROM numpool_enqueue('queue');"
               " COMMIT; END LOOP; END $$");
  return microseconds_since(start) / kTimes;
}

void measure_hand_offs(int samples, const std::string& group) {
  print_percentiles(
      group, "advisory",
      hand_off(samples, "SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock(1)"));
  print_percentiles(group, "blocking",
                    hand_off(samples, "SELECT numpool_acquire('handoff')",
                             "SELECT numpool_release('handoff', 0)"));
  print_percentiles(group, "ticket", ticket_hand_off(samples));
  print_percentiles(group, "notify off", notify(samples, "off"));
  print_percentiles(group, "notify on", notify(samples, "on"));
}

void measure_with_idle_sessions(int rounds, int samples, int count) {
  const rlim_t wanted = static_cast<rlim_t>(count) + 100;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(std::max(limit.rlim_cur, wanted), limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  Session holder;
  holder.run("SELECT numpool_acquire('idle')");
  std::vector<Session> sessions(static_cast<std::size_t>(count));
  for (Session& session : sessions) session.run("SELECT * FROM numpool_enqueue('idle')");
  for (int round = 0; round < rounds; ++round) {
    print_percentiles("idle", "ticket", ticket_hand_off(samples));
    print_percentiles("idle", "notify off", notify(samples, "off"));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) fail("usage: latency ROUNDS SAMPLES IDLE_SESSIONS QUEUE_LENGTH");
  const int rounds = std::atoi(argv[1]);
  const int samples = std::atoi(argv[2]);
  Session admin;
  for (const char* pool : {"handoff", "death", "busy", "idle", "queue"}) {
    admin.run("SELECT numpool_create('" + std::string(pool) + "', 1)");
  }
  admin.run("SELECT numpool_acquire('busy')");
  for (int round = 0; round < rounds; ++round) {
    measure_hand_offs(samples, "hand-off");
    print_percentiles("death", "holder", death(samples / 4, false));
    print_percentiles("death", "blocked", death(samples / 4, true));
    std::printf("queue\tshort\t%.2f\n", enqueue_and_cancel(100));
    std::printf("queue\tlong\t%.2f\n", enqueue_and_cancel(std::atoi(argv[4])));
  }
  measure_with_idle_sessions(rounds, samples, std::atoi(argv[3]));
  return 0;
}
