#include "measure.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "session.h"

namespace bench {

namespace {

// A counter a client, each on a cache line of its own.
struct alignas(64) Counter {
  std::atomic<long> value{0};
};

long sum(const std::vector<Counter>& counters) {
  long total = 0;
  for (const Counter& counter : counters) total += counter.value.load(std::memory_order_relaxed);
  return total;
}

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// Processes that are born later inherit it.
void bind(int process, const cpu_set_t& cores) {
  if (sched_setaffinity(process, sizeof(cores), &cores) != 0) fail("sched_setaffinity");
}

std::vector<int> server_processes() {
  std::vector<int> processes;
  if (const char* data = std::getenv("PGDATA")) {
    int postmaster = 0;
    std::ifstream(std::string(data) + "/postmaster.pid") >> postmaster;
    processes.push_back(postmaster);
  }
  if (const char* redis = std::getenv("REDIS_PID")) processes.push_back(std::atoi(redis));
  return processes;
}

cpu_set_t all_cores() {
  static const cpu_set_t cores = [] {
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    return set;
  }();
  return cores;
}

void bind_all(const cpu_set_t& cores) {
  bind(0, cores);
  for (int process : server_processes()) bind(process, cores);
}

}  // namespace

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

void print(const std::string& table, const std::string& x, const std::string& system,
           double value) {
  std::printf("%s\t%s\t%s\t%.6g\n", table.c_str(), x.c_str(), system.c_str(), value);
  std::fflush(stdout);
}

void print_percentiles(const std::string& table, const std::string& x, const std::string& system,
                       std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const std::size_t last = samples.size() - 1;
  print(table + " p50", x, system, samples[last / 2]);
  print(table + " p99", x, system, samples[last * 99 / 100]);
  print(table + " p99.9", x, system, samples[last * 999 / 1000]);
}

double pairs_per_second(System& system, const Pools& pools, int clients, double seconds) {
  std::vector<std::unique_ptr<Client>> opened;
  for (int i = 0; i < clients; ++i) opened.push_back(system.open(pools));
  std::vector<Counter> counters(static_cast<std::size_t>(clients));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < opened.size(); ++i)
    threads.emplace_back([&, i] {
      Client& client = *opened[i];
      while (!stop.load(std::memory_order_relaxed)) {
        client.release(client.acquire());
        counters[i].value.fetch_add(1, std::memory_order_relaxed);
      }
    });
  sleep_for(seconds / 5);  // plans get cached, queues fill
  const long before = sum(counters);
  const Clock::time_point start = Clock::now();
  sleep_for(seconds);
  const long pairs = sum(counters) - before;
  const double elapsed = microseconds_since(start) / 1e6;
  // Who waits is granted yet, since everybody gives back what he has.
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(pairs) / elapsed;
}

std::vector<double> hand_offs(System& system, const std::string& pool, int samples) {
  const std::unique_ptr<Client> first = system.open({pool}), second = system.open({pool});
  Client* holder = first.get();
  Client* waiter = second.get();
  int index = holder->acquire();
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    Clock::time_point granted;
    int next = 0;
    std::thread waiting([&] {
      next = waiter->acquire();
      granted = Clock::now();
    });
    sleep_for(system.milliseconds_to_queue() / 1e3);
    const Clock::time_point start = Clock::now();
    holder->release(index);
    waiting.join();
    times.push_back(std::chrono::duration<double, std::micro>(granted - start).count());
    index = next;
    std::swap(holder, waiter);
  }
  holder->release(index);
  return times;
}

OneCore::OneCore(bool wanted) : wanted_(wanted) {
  if (!wanted_) return;
  const cpu_set_t cores = all_cores();
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core)
    if (CPU_ISSET(core, &cores)) CPU_SET(core, &one);
  bind_all(one);
}

OneCore::~OneCore() {
  if (wanted_) bind_all(all_cores());
}

void allow_open_files(int count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur =
      std::min(std::max<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(count)), limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace bench
