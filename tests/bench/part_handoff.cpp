// Hand-offs to somebody who waits, and what the death of a holder costs the next in line.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "handoff.h"
#include "measure.h"
#include "session.h"

namespace bench {

namespace {

void let_it_queue() {
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

// A process that runs `take` and, if it is not empty, sleeps in `sleep`, is killed; `wait` is what
// the next in line runs.
std::vector<double> deaths(int samples, const std::string& take, const std::string& sleep) {
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    int ready[2];
    if (pipe(ready) != 0) fail("pipe");
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
      Session session;
      session.run(take);
      if (!sleep.empty()) session.send(sleep);
      if (write(ready[1], "x", 1) == 1) pause();
      _exit(1);
    }
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) fail("the holder did not start");
    close(ready[0]);
    close(ready[1]);
    Session waiter;
    waiter.send(take);
    let_it_queue();
    const Clock::time_point start = Clock::now();
    kill(child, SIGKILL);
    waiter.answer();
    times.push_back(microseconds_since(start));
    waitpid(child, nullptr, 0);
  }
  return times;
}

}  // namespace

std::vector<double> ticket_hand_offs(const std::string& pool, int samples) {
  Session first, second;
  Session* holder = &first;
  Session* waiter = &second;
  const std::string release = "SELECT numpool_release('" + pool + "', 0)";
  holder->run("SELECT numpool_acquire('" + pool + "')");
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    waiter->run("SELECT * FROM numpool_enqueue('" + pool + "')");
    let_it_queue();
    const Clock::time_point start = Clock::now();
    holder->send(release);
    waiter->wait_for_notification();
    times.push_back(microseconds_since(start));
    holder->answer();
    std::swap(holder, waiter);
  }
  return times;
}

std::vector<double> notifications(const std::string& synchronous_commit, int samples) {
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

void measure_handoff(const Options& options) {
  std::vector<std::unique_ptr<System>> systems;
  systems.push_back(advisory_system());
  systems.push_back(numpool_system());
  systems.push_back(client_system());
  systems.push_back(redis_system());
  systems.push_back(skip_locked_system());
  systems.push_back(row_bitmap_system());
  for (const auto& system : systems) system->create({"handoff"}, 1);
  Session admin;
  for (const char* pool : {"ticket", "death", "busy"})
    admin.run("SELECT numpool_create('" + std::string(pool) + "', 1)");
  admin.run("SELECT numpool_acquire('busy')");

  const int dead = std::max(5, options.samples / 10);
  for (int round = 0; round < options.rounds; ++round) {
    for (const auto& system : systems) {
      // Those that write to disk wait longer before each sample.
      const bool durable = system->milliseconds_to_queue() > 2;
      print_percentiles("handoff", "0", system->name(),
                        hand_offs(*system, "handoff", options.samples / (durable ? 4 : 1)));
    }
    print_percentiles("handoff", "0", "ticket", ticket_hand_offs("ticket", options.samples));
    print_percentiles("handoff", "0", "notify_off", notifications("off", options.samples));
    print_percentiles("handoff", "0", "notify_on", notifications("on", options.samples));

    print_percentiles("death", "holder", "numpool",
                      deaths(dead, "SELECT numpool_acquire('death')", ""));
    print_percentiles(
        "death", "asleep", "numpool",
        deaths(dead, "SELECT numpool_acquire('death')", "SELECT numpool_acquire('busy')"));
    print_percentiles("death", "holder", "advisory",
                      deaths(dead, "SELECT pg_advisory_lock(1)", ""));
  }
}

}  // namespace bench
