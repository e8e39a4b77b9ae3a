#include "timed.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>

#include "torture/faults.h"

namespace numpool_test {

namespace {

constexpr Time kSecond = 1000000000;
constexpr int kHolders = 20;
constexpr int kPause = 600;  // mean, in milliseconds, between two faults

// A lease may last for 50 ms beyond its time on a quiet machine. Here everything is busy, and often
// for longer; a lease that was forgotten is late without end.
constexpr double kPromised = 50;
constexpr double kForgotten = 250;

}  // namespace

Timed::Timed(const Options& options)
    : options_(options),
      random_(options.seed),
      server_(Server::of_environment()),
      pooler_({"transaction", 2 * kHolders, {{"server_login_retry", "0.2"}}}) {}

bool Timed::run() {
  const int count = options_.workers != 0 ? options_.workers : kHolders;
  std::printf("mix timed: seed %u, %d holders, %d s\n", options_.seed, count, options_.seconds);
  std::fflush(stdout);
  set_up();
  const Time start = now();
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    holders_.push_back(
        std::make_unique<Holder>(i, static_cast<unsigned>(random_()), pooler_.conninfo(), over_));
    threads.emplace_back([holder = holders_.back().get()] { holder->run(); });
  }
  std::thread watcher(
      [this] { keep_looking(watched_, 15ms, [this](Session& session) { look(session); }); });
  load();
  over_ = true;
  for (std::thread& thread : threads) thread.join();
  watched_ = false;
  watcher.join();
  const double seconds = static_cast<double>(now() - start) / 1e9;
  check_end();
  return report(seconds);
}

void Timed::set_up() {
  pair_.emplace(server_, true);
  session_.must("SET client_min_messages = warning");
  session_.must("CREATE EXTENSION IF NOT EXISTS numpool");
  for (const PoolOfTimed& pool : kPoolsOfTimed)
    session_.must(std::string("SELECT numpool_create('") + pool.name + "', " +
                  std::to_string(pool.size) + ")");
}

std::int64_t Timed::operations() const {
  std::int64_t sum = 0;
  for (const auto& one : holders_) sum += one->operations();
  return sum;
}

void Timed::load() {
  const Time end = now() + options_.seconds * kSecond;
  while (now() < end || operations() < options_.operations) {
    nap(Milliseconds(below(2 * kPause)));
    disturb();
  }
}

void Timed::disturb() {
  const int what = done_.empty() ? 0 : below(100);
  if (what < 14)
    crash();
  else if (what < 20)
    restart();
  else if (what < 26)
    fail_over();
  else if (what < 48)
    end_clerk();
  else
    drop_by_force();
}

void Timed::reconnect() {
  session_ = connect_in_time();
  session_.run("SET client_min_messages = warning");
}

bool Timed::ask(const std::string& sql) {
  try {
    if (session_.run(sql, 120s).ok) return true;
  } catch (const TestError&) {
  }
  if (!session_.connected()) {
    problems_.push_back("a session was lost without a crash");
    reconnect();
  }
  return false;
}

// A backend is killed, be it a session's or the clerk.
void Timed::crash() {
  const auto asked = kill_some_backend(server_, session_);
  if (!asked) return;
  done_["backend killed"]++;
  // All other sessions are gone, too, once the next can be made.
  reconnect();
  history_.crashes.push_back({-1, *asked, now()});
}

void Timed::end_server(const char* then) {
  const bool kills = below(2) == 0;
  done_[std::string(kills ? "postmaster killed, " : "immediate shutdown, ") + then]++;
  if (kills)
    server_.kill_postmaster();
  else if (!server_.stop("immediate", 60))
    problems_.push_back("the server does not stop");
  if (!server_.gone_within(60)) problems_.push_back("a process outlives its server");
}

// The synchronous standby has all that was committed.
void Timed::fail_over() {
  const Time asked = now();
  end_server("standby promoted");
  pair_->promote();
  pooler_.lead_to(server_.port());
  reconnect();
  history_.crashes.push_back({-1, asked, now()});
  pair_->make_standby();
}

void Timed::restart() {
  const Time asked = now();
  end_server("started again");
  if (!server_.start(120)) problems_.push_back("the server does not start");
  reconnect();
  history_.crashes.push_back({-1, asked, now()});
}

void Timed::end_clerk() {
  done_["clerk terminated"]++;
  // It is started again after a second.
  no_clerk_until_ = now() + 3 * kSecond;
  ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE backend_type = 'numpool clerk'");
}

void Timed::drop_by_force() {
  const int pool = below(static_cast<int>(std::size(kPoolsOfTimed)));
  const std::string name = std::string("'") + kPoolsOfTimed[pool].name + "'";
  const std::string make = "SELECT numpool_create(" + name + ", " +
                           std::to_string(kPoolsOfTimed[pool].size) + ", NULL, true)";
  const Time asked = now();
  done_["pool dropped by force"]++;
  if (below(2) == 0) {
    ask("BEGIN");
    ask("SELECT numpool_drop(" + name + ", true)");
    ask(make);
    ask("COMMIT");
  } else {
    ask("SELECT numpool_drop(" + name + ", true)");
  }
  for (int tries = 0; tries < 100 && !ask(make); ++tries) nap(20ms);
  history_.drops.push_back({pool, asked, now()});
}

// What is over by time shows as ending now, again and again until somebody ends it.
void Timed::look(Session& session) {
  const Time asked = now();
  const Outcome outcome = session.must(
      "SELECT pool, index, fence, token, state FROM numpool_leases WHERE scope = 'timed' "
      "AND state <> 'releasing' AND expires_at <= clock_timestamp() AND expires_at IS NOT NULL");
  ++looks_;
  std::map<std::string, Time> over;
  for (const auto& row : outcome.rows) {
    const std::string lease = "pool " + *row[0] + " number " + *row[1] + " fence " + *row[2] +
                              " token " + row[3].value_or("") + " " + *row[4];
    const auto known = over_since_.find(lease);
    const Time since = known == over_since_.end() ? now() : known->second;
    over[lease] = since;
    if (since < no_clerk_until_) continue;
    const double late = static_cast<double>(asked - since) / 1e6;
    latest_ = std::max(latest_, late);
    if (late > kPromised) ++late_;
    if (late > kForgotten && late > kForgotten * slowness() && overdue_.size() < 5)
      overdue_.push_back("held beyond its time: " + lease + ", " + std::to_string(late) + " ms");
  }
  over_since_ = std::move(over);
}

// All is released, or ends by time.
void Timed::check_end() {
  reconnect();
  const auto left = [&] {
    const auto outcome = session_.run("SELECT sum(in_use + waiting + timed) FROM numpool_pools");
    if (!session_.connected()) reconnect();
    return outcome.ok ? outcome.number().value_or(-1) : -1;
  };
  if (!eventually([&] { return left() == 0; }, 30s))
    problems_.push_back("at the end " + std::to_string(left()) + " are left in the pools");
  for (const PoolOfTimed& pool : kPoolsOfTimed) {
    const std::string name = std::string("'") + pool.name + "'";
    const std::int64_t given = numbers_given(session_, name, pool.size);
    if (given != pool.size)
      problems_.push_back("pool " + name + " gives " + std::to_string(given) + " numbers of " +
                          std::to_string(pool.size));
    // Whoever leases deletes what was left, sixteen rows at a time.
    for (int i = 0; i < 2000; ++i) {
      session_.must(std::string("SELECT numpool_release(token) FROM numpool_lease(") + name +
                    ", '1 min')");
      if (session_.number(std::string("SELECT count(*) FROM numpool_timed JOIN numpool_definitions "
                                      "USING (identity) WHERE name = ") +
                          name) == 0)
        break;
    }
  }
  const auto rows = session_.number("SELECT count(*) FROM numpool_timed");
  if (rows != 0)
    problems_.push_back("at the end " + std::to_string(*rows) + " rows of no lease are left");
}

bool Timed::report(double seconds) {
  std::map<std::string, int> refusals;
  std::size_t leases = 0, lost = 0;
  for (const auto& holder : holders_) {
    history_.holders.push_back(holder->calls());
    for (const auto& [state, times] : holder->refusals()) refusals[state] += times;
    for (const std::string& text : holder->surprises()) problems_.push_back("unexpected: " + text);
    for (const TimedCall& call : holder->calls()) {
      leases += call.tells() ? 1 : 0;
      lost += call.told == kNever ? 1 : 0;
    }
  }
  problems_.insert(problems_.end(), overdue_.begin(), overdue_.end());
  const auto judged = judge_timed(history_);
  problems_.insert(problems_.end(), judged.begin(), judged.end());
  std::printf("  %lld operations in %.0f s; told %zu times of a lease; %zu answers lost\n",
              static_cast<long long>(operations()), seconds, leases, lost);
  for (const auto& [what, times] : done_) std::printf("  %10d  %s\n", times, what.c_str());
  for (const auto& [state, times] : refusals)
    std::printf("  %10d  statements ended with %s\n", times, state.c_str());
  std::printf("  of %d looks %d showed a lease more than 50 ms over its time, the latest %.0f ms\n",
              looks_, late_, latest_);
  std::printf("  %zu violations\n", problems_.size());
  for (const std::string& one : problems_) std::printf("  VIOLATION %s\n", one.c_str());
  if (!problems_.empty()) keep_logs(problems_);
  return problems_.empty();
}

void Timed::keep_logs(const std::vector<std::string>& violations) const {
  if (options_.history.empty()) return;
  std::ofstream file(options_.history + "/calls");
  for (const std::string& one : violations) file << one << '\n';
  for (const Outage& one : history_.crashes)
    file << "crash asked " << one.asked << " over " << one.over << '\n';
  for (const Outage& one : history_.drops)
    file << "drop of pool " << one.pool << " asked " << one.asked << " over " << one.over << '\n';
  for (const auto& calls : history_.holders)
    for (const TimedCall& call : calls) file << describe(call) << '\n';
}

}  // namespace numpool_test
