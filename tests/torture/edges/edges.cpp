#include "edges.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace numpool_test {

namespace {

constexpr Time kMillisecond = 1000000;
constexpr Time kSecond = 1000 * kMillisecond;

constexpr int kDoors = 16;  // the even ones lead to the pooler, the odd ones to the server
constexpr int kThreads = 2;
constexpr int kPause = 150;  // mean, in milliseconds, between two faults

struct Contested {
  const char* name;
  int size;
};
constexpr Contested kPools[] = {{"one", 1}, {"few", 3}, {"some", 8}, {"many", 24}};

std::string socket_of_server() {
  return environment("PGHOST") + "/.s.PGSQL." + environment("PGPORT");
}

std::vector<std::string> targets(const poolers_test::pooler& pooler) {
  std::vector<std::string> all;
  for (int door = 0; door < kDoors; door++)
    all.push_back(door % 2 == 0 ? pooler.socket() : socket_of_server());
  return all;
}

void sleep_for(Time time) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(time));
}

}  // namespace

Edges::Edges(const Options& options)
    : options_(options),
      random_(options.seed),
      server_(Server::of_environment()),
      pooler_({"session", 4 * kDoors, {{"tcp_user_timeout", "12000"}}}),
      relay_(targets(pooler_)) {}

bool Edges::run() {
  std::printf("mix edges: seed %u, %d clients of %d threads, %d s\n", options_.seed, kDoors,
              kThreads, options_.seconds);
  std::fflush(stdout);
  set_up();
  const Time start = now(), end = start + options_.seconds * kSecond;
  start_believers();
  Time next = now() + kSecond;
  while (goes_on(end)) {
    if (now() >= next) {
      disturb();
      next = now() + below(2 * kPause) * kMillisecond;
    }
    continue_stopped(false);
    sleep_for(5 * kMillisecond);
  }
  const double seconds = static_cast<double>(now() - start) / 1e9;
  continue_stopped(true);
  if (!wait_for_all()) problems_.push_back("a thread of a client does not come to an end");
  check_end();
  return report(seconds);
}

void Edges::set_up() {
  session_.must("SET client_min_messages = warning");
  session_.must("CREATE EXTENSION IF NOT EXISTS numpool");
  for (const Contested& pool : kPools)
    session_.must(std::string("SELECT numpool_create('") + pool.name + "', " +
                  std::to_string(pool.size) + ")");
}

void Edges::start_believers() {
  std::vector<std::string> names;
  for (const Contested& pool : kPools) names.push_back(pool.name);
  for (int door = 0; door < kDoors; door++) {
    const std::string way = "host=127.0.0.1 sslmode=disable gssencmode=disable port=" +
                            std::to_string(relay_.port(door)) + " application_name=edges";
    believers_.push_back(std::make_unique<Believer>(door, way, names, random_(), kThreads));
  }
}

std::int64_t Edges::operations() const {
  std::int64_t sum = 0;
  for (const auto& one : believers_) sum += one->operations();
  return sum;
}

bool Edges::goes_on(Time end) const {
  return now() < end || operations() < options_.operations;
}

void Edges::disturb() {
  const int door = below(kDoors);
  const int what = below(100);
  if (what < 22) {
    count("everything delayed");
    relay_.slow(door, now() + kMillisecond * (200 + below(3000)), kMillisecond * (1 + below(200)));
  } else if (what < 42) {
    count("silence of less than 5 s");
    relay_.silence(door, now() + kMillisecond * (50 + below(4950)));
  } else if (what < 47) {
    count("silence of 5 to 25 s");
    relay_.silence(door, now() + kMillisecond * (5000 + below(20000)));
  } else if (what < 57) {
    count("server's end lost, client's kept open");
    relay_.lose_server(door);
  } else if (what < 74) {
    count("connection cut");
    relay_.cut(door);
  } else if (what < 90) {
    terminate(door);
  } else if (what < 95) {
    stop_backend(door);
  } else if (what < 97) {
    stop_pooler();
  } else if (what < 99) {
    restart_pooler();
  } else {
    stop_server();
  }
}

void Edges::terminate(int door) {
  const int backend = believers_[static_cast<std::size_t>(door)]->backend();
  if (backend == 0) return;
  count("pg_terminate_backend");
  session_.must("SELECT pg_terminate_backend(" + std::to_string(backend) + ")", 60s);
}

void Edges::stop_backend(int door) {
  const int backend = believers_[static_cast<std::size_t>(door)]->backend();
  if (!server_.signal_backend(backend, SIGSTOP)) return;
  const Time from = now();
  const Time time = kMillisecond * (below(5) == 0 ? 8000 + below(12000) : 20 + below(2000));
  count("SIGSTOP of a backend");
  stopped_.push_back({backend, from + time});
  haze(door, from, from + time, "backend stopped");
}

void Edges::continue_stopped(bool all) {
  const Time time = now();
  const auto over = [&](const Stopped& one) {
    if (!all && one.until > time) return false;
    server_.signal_backend(one.process, SIGCONT);
    return true;
  };
  stopped_.erase(std::remove_if(stopped_.begin(), stopped_.end(), over), stopped_.end());
}

void Edges::stand_still(const std::vector<pid_t>& processes, Time time, int step,
                        const std::string& kind) {
  const Time from = now();
  for (const pid_t process : processes) kill(process, SIGSTOP);
  sleep_for(time);
  for (const pid_t process : processes) kill(process, SIGCONT);
  for (int door = 0; door < kDoors; door += step) haze(door, from, now(), kind);
}

void Edges::stop_pooler() {
  count("SIGSTOP of the pooler");
  const Time time = kMillisecond * (below(4) == 0 ? 8000 + below(9000) : 50 + below(2000));
  stand_still({pooler_.pid()}, time, 2, "pooler stopped");
}

void Edges::stop_server() {
  count("SIGSTOP of all processes of the server");
  const Time time = kMillisecond * (below(3) == 0 ? 8000 + below(9000) : 50 + below(2000));
  // Those that this program had stopped go on with the others.
  stand_still(server_processes(), time, 1, "server stopped");
}

void Edges::restart_pooler() {
  count("SIGKILL of the pooler");
  pooler_.kill();
  pooler_.start();
}

std::vector<pid_t> Edges::server_processes() const {
  std::vector<pid_t> all{server_.postmaster()};
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    const pid_t pid = std::atoi(process.path().filename().c_str());
    if (server_.has_backend(pid)) all.push_back(pid);
  }
  return all;
}

void Edges::haze(int door, Time from, Time until, const std::string& kind) {
  hazes_.push_back({door, from, until, kNever, kind});
}

bool Edges::wait_for_all() {
  for (const auto& one : believers_) one->leave();
  // A silence is at most 25 s, and a client gives up after 5 s of connecting.
  const Time end = now() + 90 * kSecond;
  const auto gone = [](const auto& one) { return one->has_left(); };
  while (!std::all_of(believers_.begin(), believers_.end(), gone)) {
    if (now() > end) return false;
    sleep_for(10 * kMillisecond);
  }
  return true;
}

void Edges::check_end() {
  for (const auto& one : believers_) one->close();
  const auto left = [&] {
    return *session_.number(
        "SELECT (SELECT count(*) FROM numpool_leases) + (SELECT count(*) FROM numpool_waiters)");
  };
  const Time end = now() + 30 * kSecond;
  while (left() != 0 && now() < end) sleep_for(20 * kMillisecond);
  if (left() != 0)
    problems_.push_back("at the end there are " + std::to_string(left()) + " leases and waiters");
  for (const Contested& pool : kPools) {
    const std::string size = std::to_string(pool.size);
    const auto all =
        session_.number(std::string("SELECT count(DISTINCT i) FROM (SELECT numpool_try_acquire('") +
                        pool.name + "') AS i FROM generate_series(1, " + size + " + 1)) AS tries");
    if (all != pool.size)
      problems_.push_back(std::string("pool ") + pool.name + " gives " + std::to_string(*all) +
                          " numbers of " + size);
  }
  session_.must("SELECT numpool_release_all()");
}

bool Edges::report(double seconds) {
  Evidence evidence;
  evidence.stalls = pulse_.stop();
  evidence.hazes = relay_.hazes();
  evidence.hazes.insert(evidence.hazes.end(), hazes_.begin(), hazes_.end());
  std::map<std::string, int> errors;
  for (const auto& one : believers_) {
    const std::vector<Belief> beliefs = one->beliefs();
    evidence.beliefs.insert(evidence.beliefs.end(), beliefs.begin(), beliefs.end());
    for (const auto& [state, times] : one->errors()) errors[state] += times;
    for (const std::string& text : one->surprises()) problems_.push_back("a call threw " + text);
  }
  Time stood = 0;
  for (const Stall& stall : evidence.stalls) stood += stall.until - stall.from;
  const std::size_t leases = evidence.beliefs.size();
  const Verdict verdict = judge_beliefs(std::move(evidence), Limits());
  std::printf("  %lld operations in %.0f s; %zu leases, %d of them told lost\n",
              static_cast<long long>(operations()), seconds, leases, verdict.told_lost);
  for (const auto& [what, times] : done_) std::printf("  %10d  %s\n", times, what.c_str());
  for (const auto& [state, times] : errors)
    std::printf("  %10d  calls that threw %s\n", times, state.c_str());
  std::printf(
      "  %d times one believed in what was another's by then; the longest: %.3f s where\n"
      "  nothing got through to him, %.3f s elsewhere; this program stood still for %.1f s\n",
      verdict.overlaps, static_cast<double>(verdict.longest_in_haze) / 1e9,
      static_cast<double>(verdict.longest_in_clear) / 1e9, static_cast<double>(stood) / 1e9);
  problems_.insert(problems_.end(), verdict.violations.begin(), verdict.violations.end());
  std::printf("  %zu violations\n", problems_.size());
  for (const std::string& one : problems_) std::printf("  VIOLATION %s\n", one.c_str());
  return problems_.empty();
}

}  // namespace numpool_test
