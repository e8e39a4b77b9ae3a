#include "torture/operate/operate.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include "torture/faults.h"

namespace numpool_test::operate {

namespace {

constexpr Time kSecond = 1000000000;
constexpr int kWorkers = 24;
constexpr int kPause = 300;   // mean, in milliseconds, between two disturbances
constexpr int kLongRun = 45;  // seconds: long enough for every rule to have something to judge

Role role_of(int worker) {
  return worker % 10 == 8 ? Role::kStranger : worker % 5 == 4 ? Role::kGuest : Role::kUser;
}

std::string interval(Time time) {
  return "\"" + std::to_string(time / kMillisecond) + " ms\"";
}

std::string settings_of(const PoolOfOperate& pool) {
  const Settings& all = pool.settings;
  return std::string("{\"policy\": \"") + pool.policy +
         "\", \"cooldown\": " + interval(all.cooldown) +
         ", \"death_delay\": " + interval(all.death_delay) +
         (all.max_hold != 0 ? ", \"max_hold\": " + interval(all.max_hold) : "") + "}";
}

}  // namespace

Operate::Operate(const Options& options)
    : options_(options), random_(options.seed), server_(Server::of_environment()) {}

bool Operate::run() {
  const int count = options_.workers != 0 ? options_.workers : kWorkers;
  std::printf("mix operate: seed %u, %d workers, %d s\n", options_.seed, count, options_.seconds);
  std::fflush(stdout);
  set_up();
  const Time start = now();
  std::vector<std::thread> of_workers, of_operators;
  const auto seed = [&] { return static_cast<unsigned>(random_()); };
  for (int i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(role_of(i), seed(), board_, over_));
    of_workers.emplace_back([one = workers_.back().get()] { one->run(); });
  }
  for (const Role role :
       {Role::kSuperuser, Role::kChief, Role::kRed, Role::kBlue, Role::kStranger}) {
    operators_.push_back(std::make_unique<Operator>(role, seed(), board_, over_));
    of_operators.emplace_back([one = operators_.back().get()] { one->run(); });
  }
  std::thread watcher(
      [this] { keep_looking(watched_, 10ms, [this](Session& session) { look(session); }); });
  load();
  over_ = true;
  for (std::thread& thread : of_operators) thread.join();
  // Who waits for as long as it takes may wait for what is out of service.
  reconnect();
  open_all();
  for (std::thread& thread : of_workers) thread.join();
  watched_ = false;
  watcher.join();
  const double seconds = static_cast<double>(now() - start) / 1e9;
  check_end();
  gather();
  return report(seconds);
}

void Operate::initially(Change change) {
  history_.changes.push_back(change);
}

void Operate::set_up() {
  session_.must("SET client_min_messages = warning");
  session_.must("CREATE EXTENSION IF NOT EXISTS numpool");
  for (const Role role :
       {Role::kRed, Role::kBlue, Role::kChief, Role::kUser, Role::kGuest, Role::kStranger})
    session_.must("CREATE ROLE " + name_of(role) + " LOGIN");
  session_.must("GRANT op_red, op_blue TO op_chief");
  session_.must(
      "GRANT EXECUTE ON FUNCTION numpool_lease(text, interval, uuid, interval, text) TO PUBLIC");
  for (int i = 0; i < kPoolCount; ++i) {
    const PoolOfOperate& pool = kPools[i];
    const Role owner = i % 2 == 0 ? Role::kRed : Role::kBlue;
    session_.must("SELECT numpool_create(" + quoted(i) + ", " + std::to_string(pool.size) +
                  ", settings => '" + settings_of(pool) + "')");
    session_.must("SELECT numpool_set_owner(" + quoted(i) + ", '" + name_of(owner) + "')");
    session_.must("SELECT numpool_grant(" + quoted(i) + ", 'op_user'), numpool_grant(" + quoted(i) +
                  ", 'op_guest'), numpool_revoke(" + quoted(i) + ", 'public')");
    Change change;
    change.pool = i;
    change.act = Act::kConfigure;
    change.settings = pool.settings;
    initially(change);
    change.act = Act::kResize;
    change.size = pool.size;
    initially(change);
    change.act = Act::kSetOwner;
    change.to = owner;
    initially(change);
    change.act = Act::kGrant;
    change.on = true;
    initially(change);
  }
}

std::int64_t Operate::operations() const {
  std::int64_t sum = 0;
  for (const auto& one : workers_) sum += one->operations();
  for (const auto& one : operators_) sum += one->operations();
  return sum;
}

void Operate::load() {
  const Time end = now() + options_.seconds * kSecond;
  while (now() < end || operations() < options_.operations) {
    nap(Milliseconds(below(2 * kPause)));
    disturb();
  }
}

void Operate::disturb() {
  const int what = below(100);
  if (history_.crashes.empty() && done_["sessions terminated"] > 4)
    restart();
  else if (what < 2)
    kill_backend();
  else if (what < 3)
    restart();
  else if (what < 8)
    end_clerk();
  else
    terminate();
}

void Operate::reconnect() {
  session_ = connect_in_time();
  session_.must("SET client_min_messages = warning");
}

void Operate::terminate() {
  const std::size_t count = workers_.size() + operators_.size();
  const auto which = static_cast<std::size_t>(below(static_cast<int>(count)));
  const int pid =
      which < workers_.size() ? workers_[which]->pid() : operators_[which - workers_.size()]->pid();
  if (pid == 0) return;
  const Time asked = now();
  const auto outcome = session_.run("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
  history_.terminations.push_back({pid, asked, now()});
  ++done_["sessions terminated"];
  if (!outcome.ok) reconnect();
}

void Operate::end_clerk() {
  ++done_["clerk terminated"];
  const auto outcome = session_.run(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE backend_type = 'numpool clerk'");
  if (!outcome.ok) reconnect();
}

void Operate::kill_backend() {
  const auto asked = kill_some_backend(server_, session_);
  if (!asked) return;
  ++done_["backend killed"];
  const Time down = now();
  reconnect();
  history_.crashes.push_back({*asked, down, *asked, now()});
}

void Operate::restart() {
  static const char* const kModes[] = {"postmaster killed", "immediate", "fast"};
  const char* const mode = kModes[below(3)];
  ++done_[std::string("server ended and started: ") + mode];
  const Time asked = now();
  if (mode == kModes[0])
    server_.kill_postmaster();
  else if (!server_.stop(mode, 60))
    problems_.push_back("the server does not stop");
  if (!server_.gone_within(60)) problems_.push_back("a process outlives its server");
  const Time dead = now();
  if (!server_.start(120)) problems_.push_back("the server does not start");
  reconnect();
  history_.crashes.push_back({asked, dead, dead, now()});
}

// What is out of service is counted as what is left by all else: less than nothing if a number is
// counted twice.
void Operate::look(Session& session) {
  const Outcome outcome = session.must(
      "SELECT pool, size, in_use, free, resting, out_of_service FROM numpool_pools "
      "WHERE out_of_service NOT BETWEEN 0 AND size OR free NOT BETWEEN 0 AND size");
  ++looks_;
  for (const auto& row : outcome.rows) {
    std::string text = "the counts of a pool cannot be:";
    for (const Field& field : row) text += " " + field.value_or("NULL");
    if (wrong_sums_.size() < 5) wrong_sums_.push_back(text);
  }
}

void Operate::open_all() {
  for (int pool = 0; pool < kPoolCount; ++pool) {
    const std::string most = std::to_string(kMostNumbers);
    Change change;
    change.pool = pool;
    change.size = kMostNumbers;
    change.asked = change.end_asked = now();
    session_.must("SELECT numpool_drain(" + quoted(pool) + ", false)");
    session_.must("SELECT numpool_resize(" + quoted(pool) + ", " + most + ")");
    session_.must("SELECT numpool_set_service(" + quoted(pool) +
                  ", i, true) FROM generate_series(0, " + most + " - 1) AS i");
    change.told = change.end_told = now();
    for (const Act act : {Act::kDrain, Act::kResize, Act::kService}) {
      change.act = act;
      change.on = act == Act::kService;
      for (change.index = 0; change.index < (change.on ? kMostNumbers : 1); ++change.index)
        history_.changes.push_back(change);
    }
  }
}

// All is released, rests no more, and can be given.
void Operate::check_end() {
  reconnect();
  open_all();
  const auto left = [&] {
    return *session_.number("SELECT sum(in_use + waiting + timed + resting) FROM numpool_pools");
  };
  if (!eventually([&] { return left() == 0; }, 30s))
    problems_.push_back("at the end " + std::to_string(left()) + " are left in the pools");
  for (int pool = 0; pool < kPoolCount; ++pool) {
    if (session_.number("SELECT free FROM numpool_pools WHERE pool = " + quoted(pool)) !=
            kMostNumbers ||
        session_.number("SELECT count(*) FROM numpool_slots(" + quoted(pool) +
                        ") WHERE state = 'free'") != kMostNumbers)
      problems_.push_back("pool " + quoted(pool) + " is not whole at the end");
    const std::int64_t given = numbers_given(session_, quoted(pool), kMostNumbers);
    if (given != kMostNumbers)
      problems_.push_back("pool " + quoted(pool) + " gives " + std::to_string(given) +
                          " numbers of " + std::to_string(kMostNumbers));
  }
}

void Operate::gather() {
  const auto add = [](auto& all, const auto& some) {
    all.insert(all.end(), some.begin(), some.end());
  };
  const auto take = [&](const Log& log) {
    add(history_.grants, log.grants);
    add(history_.changes, log.changes);
    add(history_.uses, log.uses);
    add(history_.idles, log.idles);
    for (const auto& [what, times] : log.done) done_[what] += times;
    for (const auto& [state, times] : log.refusals) refusals_[state] += times;
    for (const std::string& text : log.surprises) problems_.push_back("unexpected: " + text);
  };
  for (const auto& one : workers_) take(one->log());
  for (const auto& one : operators_) take(one->log());
  add(problems_, wrong_sums_);
}

bool Operate::report(double seconds) {
  const Verdict verdict = judge(history_);
  problems_.insert(problems_.end(), verdict.violations.begin(), verdict.violations.end());
  std::printf("  %lld operations in %.0f s, %.0f a second; told %zu times of a lease\n",
              static_cast<long long>(operations()), seconds,
              static_cast<double>(operations()) / seconds, history_.grants.size());
  for (const auto& [what, times] : done_) std::printf("  %10d  %s\n", times, what.c_str());
  for (const auto& [state, times] : refusals_)
    std::printf("  %10d  statements ended with %s\n", times, state.c_str());
  std::printf("  the counts of the pools could be %lld times; judged:\n",
              static_cast<long long>(looks_));
  for (const std::string& rule : rules()) {
    const auto found = verdict.judged.find(rule);
    const Judged judged = found != verdict.judged.end() ? found->second : Judged{};
    std::printf("  %10lld  %s", static_cast<long long>(judged.count), rule.c_str());
    if (judged.closest != kNever)
      std::printf(" (%.3f ms to spare)", static_cast<double>(judged.closest) / 1e6);
    std::printf("\n");
    if (judged.count == 0 && options_.seconds >= kLongRun)
      problems_.push_back("nothing to judge: " + rule);
  }
  std::printf("  %zu violations\n", problems_.size());
  for (const std::string& one : problems_) std::printf("  VIOLATION %s\n", one.c_str());
  if (!problems_.empty()) keep_logs();
  return problems_.empty();
}

void Operate::keep_logs() const {
  if (options_.history.empty()) return;
  std::ofstream file(options_.history + "/calls");
  for (const std::string& one : problems_) file << one << '\n';
  for (const Crash& one : history_.crashes) file << describe(one) << '\n';
  for (const Termination& one : history_.terminations)
    file << "termination of " << one.pid << " asked " << one.asked << " told " << one.told << '\n';
  for (const Change& one : history_.changes) file << describe(one) << '\n';
  for (const Grant& one : history_.grants) file << describe(one) << '\n';
}

}  // namespace numpool_test::operate
